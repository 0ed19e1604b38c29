package watch

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// taker is a writer of answers that takes whole files, as that of net/http does, and
// notes how large the pieces are and how often its limit was put off.
type taker struct {
	*httptest.ResponseRecorder
	pieces    []int64
	files     int
	deadlines int
}

func (t *taker) ReadFrom(src io.Reader) (int64, error) {
	if l, ok := src.(*io.LimitedReader); ok {
		if _, ok := l.R.(*os.File); ok {
			t.files++
		}
	}
	n, err := io.Copy(t.Body, src)
	t.pieces = append(t.pieces, n)
	return n, err
}

func (t *taker) SetWriteDeadline(time.Time) error { t.deadlines++; return nil }

func TestAFileIsSentInPiecesWithALimitEach(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("0123456789abcdef"), 3<<16) // 3 MiB
	name := filepath.Join(t.TempDir(), "zip")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := &taker{ResponseRecorder: httptest.NewRecorder()}
	a := &answer{ResponseWriter: w, limit: time.Minute}
	http.ServeContent(a, httptest.NewRequest(http.MethodGet, "/", nil), "x.zip", time.Time{}, f)
	if !bytes.Equal(w.Body.Bytes(), data) || a.status != http.StatusOK || a.bytes != int64(len(data)) {
		t.Errorf("%d bytes, status %d, counted %d", w.Body.Len(), a.status, a.bytes)
	}
	if w.files != 3 || w.deadlines < 3 {
		t.Errorf("pieces %v, %d of them files, limit put off %d times", w.pieces, w.files, w.deadlines)
	}
}

func TestWhatASourceLacksIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	for _, src := range []io.Reader{bytes.NewReader([]byte("abc")), io.LimitReader(bytes.NewReader([]byte("abc")), 10)} {
		w := httptest.NewRecorder()
		a := &answer{ResponseWriter: w}
		if n, err := a.ReadFrom(src); n != 3 || err != nil || w.Body.String() != "abc" {
			t.Errorf("%d, %v, %q", n, err, w.Body)
		}
	}
}

func TestKindsArePlainWords(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/m/@v/v1.0.0.mod": "mod", "/m/@v/v1.0.0.zip": "zip", "/m/@v/v1.0.0.info": "info", "/m/@v/list": "list", "/m/@latest": "latest",
		"/sumdb/sum.golang.org/lookup/m@v1.0.0": "sumdb", "/result": "other", "/x.zip": "other", "/m/@v/secret": "other", "": "other",
	} {
		if got := kindOf(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestOnlyNamesOfModulesArePlain(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"/example.test/!upper/@v/v1.0.0+incompatible.mod": true, "/sumdb/x/tile/8/0/x001/234": true, "": true,
		"/##[add-mask]x": false, "/a b": false, "/\x1b[31m": false, "/a::b": false, "/ü": false, "/a%b": false,
	} {
		if got := plain(path); got != want {
			t.Errorf("%q: %t", path, got)
		}
	}
}
