package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/singleflight"
)

// recorder is a module mirror that hands on what the first mirror of this
// machine's own settings says, and keeps every file that cannot change: the
// versions' files and the checksum database's records. It is the handler of
// mirrortest servers, so tests see and disturb what passes.
type recorder struct {
	dir  string // of kept files, laid out as their URL paths
	base string // of the mirror asked, "" when the settings name none
	http *http.Client
	busy singleflight.Group

	mu    sync.Mutex
	asked map[string]int    // answers of the mirror by path
	no    map[string]answer // those that are not kept: remembered for the run only
}

// answer is an answer without a file.
type answer struct {
	code int
	text string
}

func newRecorder(dir string) (*recorder, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	out, err := exec.Command("go", "env", "GOPROXY").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOPROXY: %w", err)
	}
	r := &recorder{dir: dir, http: new(http.Client), asked: map[string]int{}, no: map[string]answer{}}
	for _, entry := range strings.FieldsFunc(string(out), func(c rune) bool { return c == ',' || c == '|' }) {
		if entry = strings.TrimSpace(entry); strings.Contains(entry, "://") {
			r.base = strings.TrimSuffix(entry, "/")
			break
		}
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.RegisterProtocol("file", http.NewFileTransport(http.Dir("/")))
	r.http.Transport = t
	return r, nil
}

// constant reports whether the file at a path never changes.
func constant(path string) bool {
	if strings.HasPrefix(path, "/sumdb/") {
		return strings.Contains(path, "/lookup/") || strings.Contains(path, "/tile/")
	}
	ext := filepath.Ext(path)
	return strings.Contains(path, "/@v/v") && (ext == ".zip" || ext == ".mod" || ext == ".info")
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	path := q.URL.Path
	if !filepath.IsLocal(strings.TrimPrefix(path, "/")) {
		http.Error(w, "not found: no such path", http.StatusNotFound)
		return
	}
	kept := filepath.Join(r.dir, filepath.FromSlash(path))
	if _, err := os.Stat(kept); err != nil || !constant(path) {
		v, err, _ := r.busy.Do(path, func() (any, error) { return r.ask(path, kept) })
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		if a := v.(answer); a.code != 0 { // 0: the file is kept now
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(a.code)
			io.WriteString(w, a.text)
			return
		}
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeFile(w, q, kept)
}

// ask brings a file from the mirror to kept, or says what the mirror says
// instead. The public network is not what is tested here: what a further try
// may mend is tried again.
func (r *recorder) ask(path, kept string) (answer, error) {
	r.mu.Lock()
	a, known := r.no[path]
	r.mu.Unlock()
	if known {
		return a, nil
	}
	// Another flight may have brought it since the caller looked.
	if _, err := os.Stat(kept); err == nil && constant(path) {
		return answer{}, nil
	}
	if r.base == "" {
		return answer{}, errors.New("go env GOPROXY names no mirror")
	}
	var err error
	for range 3 {
		if a, err = r.try(path, kept); err == nil && a.code < 500 && a.code != http.StatusTooManyRequests {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.asked[path]++
			if a.code != 0 {
				r.no[path] = a
			}
			return a, nil
		}
	}
	return a, err
}

// try asks once.
func (r *recorder) try(path, kept string) (answer, error) {
	resp, err := r.http.Get(r.base + path)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !constant(path) {
		text, err := io.ReadAll(resp.Body)
		return answer{resp.StatusCode, string(text)}, err
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o777); err != nil {
		return answer{}, err
	}
	tmp, err := os.CreateTemp(filepath.Dir(kept), ".part-*")
	if err != nil {
		return answer{}, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	n, err := io.Copy(tmp, resp.Body)
	if err != nil {
		return answer{}, err
	}
	if resp.ContentLength >= 0 && n != resp.ContentLength {
		return answer{}, fmt.Errorf("%s: got %d bytes, expected %d", path, n, resp.ContentLength)
	}
	if err := tmp.Close(); err != nil {
		return answer{}, err
	}
	return answer{}, os.Rename(tmp.Name(), kept)
}

// twice returns the paths that the mirror was asked for more than once.
func (r *recorder) twice() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var paths []string
	for path, n := range r.asked {
		if n > 1 {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}
