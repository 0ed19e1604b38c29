package serve_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay/serve"
)

// mounted is a directory as Kubernetes mounts a ConfigMap: the files are links into
// ..data, which is a link to a directory, and moves.
type mounted struct {
	t   *testing.T
	dir string
	n   int
}

func mount(t *testing.T, text string) *mounted {
	m := &mounted{t: t, dir: t.TempDir()}
	if err := os.Symlink(filepath.Join("..data", "modferry.yaml"), m.file()); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	m.swap(text)
	return m
}

func (m *mounted) file() string { return filepath.Join(m.dir, "modferry.yaml") }

func (m *mounted) swap(text string) {
	m.t.Helper()
	m.n++
	name := "..2026_" + string(rune('a'+m.n))
	if err := os.Mkdir(filepath.Join(m.dir, name), 0o777); err != nil {
		m.t.Fatal(err)
	}
	write(m.t, filepath.Join(m.dir, name, "modferry.yaml"), text)
	old := time.Unix(1e9, 0) // the time of change says nothing
	if err := os.Chtimes(filepath.Join(m.dir, name, "modferry.yaml"), old, old); err != nil {
		m.t.Fatal(err)
	}
	next := filepath.Join(m.dir, "..data_tmp")
	if err := os.Symlink(name, next); err != nil {
		m.t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		os.Remove(filepath.Join(m.dir, "..data")) // a link to a directory is not replaced there
	}
	if err := os.Rename(next, filepath.Join(m.dir, "..data")); err != nil {
		m.t.Fatal(err)
	}
}

func TestAChangedFileIsTakenOver(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/a", "example.test/b", "example.test/c", "example.test/d")
	release := make(chan struct{})
	first := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*/b/*", mirrortest.SlowFirstByte(release))}})
	second := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	m := mount(t, "proxy: "+first.URL+"\n")
	b := newBench(t, "")
	b.flags["config"] = m.file()
	s, look, end, err := serve.Begun(t.Context(), b.options())
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	ask := func(path string) (int, string) {
		w := record(s, path)
		return w.Code, w.Body.String()
	}
	failed := func(want string) {
		t.Helper()
		_, metrics := ask("/metrics")
		if !strings.Contains(metrics, "\nmodferry_config_last_reload_successful "+want+"\n") {
			t.Errorf("the metric is not %s:\n%s", want, strings.Join(grep(metrics, "reload"), "\n"))
		}
	}
	if code, body := ask("/example.test/a/@v/v1.0.0.mod"); code != 200 {
		t.Fatal(code, body)
	}
	// What was asked before the change is answered as it was begun.
	slow := make(chan int)
	go func() { code, _ := ask("/example.test/b/@v/v1.0.0.mod"); slow <- code }()
	<-first.Arrived("*/b/*", 1)
	look()
	m.swap("proxy: " + second.URL + "\n")
	look()
	failed("1")
	if code, _ := ask("/example.test/c/@v/v1.0.0.mod"); code != 200 || second.Count("*/c/*.mod") != 1 || first.Count("*/c/*") != 0 {
		t.Errorf("after the change: %d, asked %d and %d times", code, first.Count("*/c/*"), second.Count("*/c/*.mod"))
	}
	if code, _ := ask("/example.test/a/@v/v1.0.0.mod"); code != 200 || second.Count("*/a/*") != 0 {
		t.Errorf("what was kept is not kept any more: %d", code)
	}
	close(release)
	if code := <-slow; code != 200 {
		t.Errorf("what was under way: %d", code)
	}
	// A bad file changes nothing, and says so.
	for _, bad := range []string{"proxy: [", "proxy: ftp://x.example.test\n", "proxy: direct\n", "unknown: 1\n"} {
		m.swap(bad)
		look()
		failed("0")
		if lines := b.log.lines("level=ERROR", "everything stays as it was", "modferry.yaml"); len(lines) == 0 {
			t.Errorf("%q: the log says nothing", bad)
		}
		if code, _ := ask("/example.test/d/@v/v1.0.0.mod"); code != 200 {
			t.Errorf("%q: %d", bad, code)
		}
	}
	m.swap("proxy: " + first.URL + "\n")
	look()
	failed("1")
}

// A reload while the checksum database is down takes nothing from what it said before.
func TestWhatTheDatabaseSaidOutlivesAReload(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/a")
	db := mirrortest.NewSumDB(t, f)
	database := mirrortest.Start(t, mirrortest.Options{Handler: db})
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	m := mount(t, "retries: 1\n")
	b := newBench(t, mirror.URL)
	delete(b.flags, "retries")
	b.flags["config"], b.flags["strict"], b.env["GOSUMDB"] = m.file(), "true", db.Key+" "+database.URL
	s, look, end, err := serve.Begun(t.Context(), b.options())
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	for range 3 {
		if w := record(s, "/example.test/a/@v/v1.0.0.mod"); w.Code != 200 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		database.Fault(mirrortest.Always("", mirrortest.Status(500)))
		m.swap("retries: 1\nconcurrency: " + string(rune('2'+m.n)) + "\n")
		look()
	}
}

func TestTokensAndCertificatesAreTakenOver(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	authority := mirrortest.NewAuthority(t)
	b := newBench(t, mirror.URL)
	tokens := write(t, filepath.Join(t.TempDir(), "tokens"), token+"\n")
	b.flags["token-file"] = tokens
	b.flags["tls-cert"] = writePEM(t, filepath.Join(t.TempDir(), "server.pem"), authority.Issue(t, mirrortest.ExpiredCert))
	s, look, end, err := serve.Begun(t.Context(), b.options())
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	const path = "/example.test/m/@v/v1.0.0.mod"
	check := func(token string, want int) {
		t.Helper()
		if w := record(s, "/"+token+path); w.Code != want {
			t.Errorf("%s: %d, want %d", token, w.Code, want)
		}
	}
	check(token, 200)
	check(other, 401)
	write(t, tokens, other+"\n"+token+"\n") // both hold while clients change
	look()
	check(token, 200)
	check(other, 200)
	write(t, tokens, other+"\n")
	look()
	check(token, 401)
	check(other, 200)
	write(t, tokens, "")
	look()
	check(other, 200) // an empty file lets nobody in by accident, and nobody out

	before := serve.Certificate(s)
	writePEM(t, b.flags["tls-cert"], authority.Issue(t, mirrortest.GoodCert))
	write(t, tokens, other+"\n")
	look()
	if after := serve.Certificate(s); string(after.Certificate[0]) == string(before.Certificate[0]) {
		t.Error("the certificate is the old one")
	}
}
