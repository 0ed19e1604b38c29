package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// served is a "modferry serve" process.
type served struct {
	*process
	url string
}

// serve starts one that keeps its downloads below dir and listens at a port of its own,
// and waits until it is ready.
func (p *place) serve(t *testing.T, dir, listen string, args ...string) (*served, error) {
	t.Helper()
	args = append([]string{"serve", "--listen", listen, "--keep-dir", dir, "--proxy", p.proxy}, args...)
	cmd := p.command(t, args...)
	process, port, err := launch(cmd, `msg=ready address=\S+:(\d+) `)
	if err != nil {
		return nil, err
	}
	return &served{process, "http://127.0.0.1:" + port}, nil
}

// metrics are the values of those without labels, and of those with labels by their
// whole name.
func (s *served) metrics(ctx context.Context, c *http.Client) (map[string]float64, error) {
	r, err := ask(ctx, c, s.url+"/metrics")
	if err != nil {
		return nil, err
	}
	values := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(r.body)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil && name != "#" {
			values[name] = v
		}
	}
	return values, nil
}

// stop asks a server to stop while a client is in the midst of a file: it must say that
// it is not ready, finish the file, and end without an error.
func (s *served) stop(t *testing.T, c *http.Client, f servedFile) {
	t.Helper()
	resp, err := c.Get(s.url + f.path)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
		return
	}
	for {
		r, err := ask(t.Context(), c, s.url+"/readyz")
		if err != nil {
			t.Errorf("the server stopped before it said that it is not ready: %v", err)
			break
		}
		if r.status == http.StatusServiceUnavailable {
			break
		}
	}
	if body, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(body, f.body) {
		t.Errorf("%s, under way at SIGTERM: status %d, %d bytes of %d, %v", f.path, resp.StatusCode, len(body), len(f.body), err)
	}
	c.CloseIdleConnections()
	select {
	case <-s.ended:
		if code := s.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the server ended with %s\n%s", s.cmd.ProcessState, s.said.String())
		}
	case <-time.After(2 * time.Minute):
		t.Errorf("the server does not end after SIGTERM\n%s", s.said.String())
		s.kill()
	}
}

// servedFile is what a relay must answer to a path.
type servedFile struct {
	path string
	body []byte
	kind string // zip, mod, info, list or latest
}

// servedFiles are those of some modules that have one version each.
func servedFiles(f *mirrortest.Fixtures) []servedFile {
	var all []servedFile
	for _, a := range f.All() {
		at := "/" + a.Path + "/@v/"
		for _, kind := range []string{"zip", "mod", "info"} {
			all = append(all, servedFile{at + a.Version.Version + "." + kind, a.File(kind), kind})
		}
		all = append(all, servedFile{at + "list", []byte(a.Version.Version + "\n"), "list"},
			servedFile{"/" + a.Path + "/@latest", a.Info, "latest"})
	}
	return all
}

// reply is a whole answer.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) String() string {
	text := r.body
	if !strings.HasPrefix(r.header.Get("Content-Type"), "text/") || len(text) > 300 {
		text = fmt.Appendf(nil, "%d bytes", len(text))
	}
	return fmt.Sprintf("%d, X-Cache %q, verified %q: %s", r.status, r.header.Get("X-Cache"), r.header.Get("X-Modferry-Verified"), text)
}

// ask asks for a URL; the error says that there was no whole answer.
func ask(ctx context.Context, c *http.Client, url string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return reply{}, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, body}, err
}

// onDisk is what the files below a directory take, in bytes; files that go meanwhile
// count for nothing.
func onDisk(dir string) (n int64) {
	filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}
