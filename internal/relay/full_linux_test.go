package relay_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// small is a bench whose module cache has a file system of its own.
func small(t *testing.T, f *mirrortest.Fixtures) *fetchtest.Bench {
	t.Helper()
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	if err := os.MkdirAll(b.ModCache, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", b.ModCache, "tmpfs", 0, "size=8m,nr_inodes=100"); err != nil {
		t.Skip("mounting a small file system: " + err.Error())
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(b.ModCache, 0); err != nil {
			t.Error(err)
		}
	})
	return b
}

// fill leaves room for n more files.
func fill(t *testing.T, dir string, n uint64) {
	t.Helper()
	room := func() uint64 {
		var at syscall.Statfs_t
		if err := syscall.Statfs(dir, &at); err != nil {
			t.Fatal(err)
		}
		return at.Ffree
	}
	filling := func(i int) string { return filepath.Join(dir, fmt.Sprintf("filling%d", i)) }
	for i := 0; room() < n; i++ {
		os.Remove(filling(i))
	}
	for i := 0; room() > n; i++ {
		if err := os.WriteFile(filling(i), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// On a full disk, other zips make room. Where that is not enough, what is there and
// verified is answered, and not kept.
func TestCorner25OnAFullDiskWhatIsHereIsAnswered(t *testing.T) {
	f := modules(t, "example.test/kept", "example.test/m", "example.test/n")
	lie := mirrortest.Corrupt(t, mirrortest.Module{Path: "example.test/n", Version: "v1.0.0", Size: 2000}, mirrortest.OtherContent)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f.With(lie)})
	b := open(t, small(t, f), s.URL)
	ask := func(path string, status int, cache string) {
		t.Helper()
		w := b.serve(http.MethodGet, path)
		body := w.Body.String()
		if w.Code != status || w.Header().Get("X-Cache") != cache {
			t.Errorf("%d %s, want %d %s: %.200q", w.Code, w.Header().Get("X-Cache"), status, cache, body)
		}
		if kind := path[len(path)-3:]; status == http.StatusOK && body != string(f.Get(strings.Split(path, "/@v/")[0][1:], "v1.0.0").File(kind)) {
			t.Errorf("%s: other bytes", path)
		}
	}
	// For which there is no room at all, nothing is here.
	fill(t, b.ModCache, 0)
	ask("/example.test/m/@v/v1.0.0.zip", 500, "")
	fill(t, b.ModCache, 50)
	ask("/example.test/kept/@v/v1.0.0.zip", 200, "MISS")
	ask("/example.test/kept/@v/v1.0.0.zip", 200, "HIT")
	// There is room for the temporary file, and not for its directory.
	for _, path := range []string{"/example.test/m/@v/v1.0.0.mod", "/example.test/m/@v/v1.0.0.zip"} {
		for range 2 {
			fill(t, b.ModCache, 1)
			ask(path, 200, "MISS")
		}
	}
	fill(t, b.ModCache, 1)
	if w := b.serve(http.MethodGet, "/example.test/m/@v/v1.0.0.zip", "Range", "bytes=10-99"); w.Code != 206 || w.Body.String() != string(f.Get("example.test/m", "v1.0.0").Zip[10:100]) {
		t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
	}
	fill(t, b.ModCache, 50)
	ask("/example.test/kept/@v/v1.0.0.zip", 200, "MISS") // it had to make room
	// Wrong bytes stay wrong.
	fill(t, b.ModCache, 1)
	ask("/example.test/n/@v/v1.0.0.zip", 502, "")
	for _, m := range b.relay.Result().Modules {
		if m.Path != "example.test/n" && m.Source != report.FromMirror {
			t.Errorf("%+v", m)
		}
	}
}
