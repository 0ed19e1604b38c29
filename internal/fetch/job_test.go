package fetch_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a checkout with an empty module cache, and the settings of a run
// over it.
type bench struct {
	t        *testing.T
	fixtures *mirrortest.Fixtures
	dir      string
	modcache string
	values   *settings.Values
	env      map[string]string
	o        fetch.Options
}

func newBench(t *testing.T, f *mirrortest.Fixtures, c mirrortest.Checkout) *bench {
	t.Helper()
	b := &bench{t: t, fixtures: f, dir: t.TempDir(), modcache: filepath.Join(t.TempDir(), "mod")}
	f.WriteCheckout(t, b.dir, c)
	v, err := settings.Resolve(map[string]string{"dir": b.dir}, func(string) string { return "" }, settings.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	b.values = v
	// A healthy loopback server answers much faster than this, on a busy
	// machine, too; a test of a limit hastens that one.
	v.FirstByteTimeout, v.StallTimeout, v.TLSTimeout, v.ConnectTimeout = 10*time.Second, 10*time.Second, 10*time.Second, 10*time.Second
	v.ProbeTimeout = 30 * time.Second
	b.env = map[string]string{"GOSUMDB": "off"}
	b.o = fetch.Options{Tool: "modferry test", Backoff: time.Millisecond, Pause: 5 * time.Millisecond,
		Grace: time.Hour} // every verdict counts, however loaded the machine is
	return b
}

// trust makes the run trust an authority besides the system's.
func (b *bench) trust(a *mirrortest.Authority) { b.values.CAFile = a.CAFile() }

func (b *bench) prepare(proxy string) (*fetch.Job, error) {
	env := goenv.Env{}
	for k, v := range b.env {
		env[k] = goenv.Var{Value: v, Source: "test"}
	}
	env["GOPROXY"] = goenv.Var{Value: proxy, Source: "test"}
	env["GOMODCACHE"] = goenv.Var{Value: b.modcache, Source: "test"}
	return fetch.Prepare(b.values, env, b.o)
}

// run prepares a job with the chain and runs it.
func (b *bench) run(proxy string) *report.Result {
	b.t.Helper()
	j, err := b.prepare(proxy)
	if err != nil {
		b.t.Fatal(err)
	}
	return j.Run(b.t.Context())
}

// file is a file of a module version in the module cache.
func (b *bench) file(v module.Version, ext string) string {
	p, err := module.EscapePath(v.Path)
	if err != nil {
		b.t.Fatal(err)
	}
	ver, err := module.EscapeVersion(v.Version)
	if err != nil {
		b.t.Fatal(err)
	}
	return filepath.Join(b.modcache, "cache", "download", filepath.FromSlash(p), "@v", ver+"."+ext)
}

// complete checks that the module cache holds every fixture, byte for byte.
func (b *bench) complete() {
	b.t.Helper()
	for _, a := range b.fixtures.All() {
		for ext, want := range map[string]string{"mod": string(a.Mod), "ziphash": a.ZipSum} {
			got, err := os.ReadFile(b.file(a.Version, ext))
			if err != nil || string(got) != want {
				b.t.Errorf("%s.%s: %d bytes, %v; want %d right ones", a.Version, ext, len(got), err, len(want))
			}
		}
		if h1, err := dirhash.HashZip(b.file(a.Version, "zip"), dirhash.Hash1); err != nil || h1 != a.ZipSum {
			b.t.Errorf("%s.zip: %s, %v; want %s", a.Version, h1, err, a.ZipSum)
		}
		if _, err := os.Stat(b.file(a.Version, "info")); err != nil {
			b.t.Error(err)
		}
	}
	b.clean()
}

// clean checks that the module cache holds no byte that is not a fixture's and
// no leftovers.
func (b *bench) clean() {
	b.t.Helper()
	err := filepath.WalkDir(b.modcache, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.Contains(d.Name(), "@v1") {
			return filepath.SkipDir // a tree
		}
		if err != nil || d.IsDir() {
			return err
		}
		switch ext := filepath.Ext(name); ext {
		case ".lock", ".info", ".ziphash":
		case ".zip", ".mod":
			if !b.right(name, ext[1:]) {
				b.t.Errorf("%s holds wrong bytes", name)
			}
		default:
			if !strings.HasSuffix(name, "/list") && filepath.Base(name) != "bad-layers" {
				b.t.Errorf("%s is left over", name)
			}
		}
		return nil
	})
	if err != nil {
		b.t.Error(err)
	}
}

// right reports whether a file of the module cache is what go.sum names. Of a
// zip that is its h1 hash: what surrounds the contents may differ.
func (b *bench) right(name, ext string) bool {
	for _, a := range b.fixtures.All() {
		if name != b.file(a.Version, ext) {
			continue
		}
		if ext == "zip" {
			h1, err := dirhash.HashZip(name, dirhash.Hash1)
			return err == nil && h1 == a.ZipSum
		}
		data, err := os.ReadFile(name)
		return err == nil && string(data) == string(a.Mod)
	}
	return false
}

// start starts a mirror of the fixtures with an authority of its own for all.
func start(t *testing.T, a *mirrortest.Authority, p mirrortest.Protocol, f *mirrortest.Fixtures, rules ...mirrortest.Rule) *mirrortest.Server {
	t.Helper()
	return mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p, Authority: a, Faults: rules})
}

func wantOutcome(t *testing.T, r *report.Result, want report.Outcome) {
	t.Helper()
	if r.Outcome != want {
		t.Errorf("outcome %q (%s), want %q", r.Outcome, r.Message, want)
		for _, m := range r.Modules {
			if m.Source == report.FromFailed {
				t.Logf("%s@%s %s: %s %s %v", m.Path, m.Version, m.Kind, m.Class, m.Message, m.Attempts)
			}
		}
		for _, m := range r.Mirrors {
			t.Logf("mirror %s %s %s %s", m.URL, m.State, m.Class, m.Reason)
		}
	}
}

func TestAMirrorWithoutTimesIsARemark(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 100)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	s.Fault(mirrortest.Always("*.info", mirrortest.Status(404)))
	b := newBench(t, f, mirrortest.Checkout{})
	b.values.NoProbe = true
	r := b.run(s.URL)
	wantOutcome(t, r, report.OK)
	if got := found(r, "info-missing"); got == nil || !strings.Contains(got.Found, "2 .info files") {
		t.Errorf("found %+v, want info-missing of 2 files", got)
	}
}

func TestAZipThatTheFileSystemCannotHoldIsTold(t *testing.T) {
	t.Parallel()
	f := mirrortest.Build(t, mirrortest.Module{Path: "example.test/long", Version: "v1.0.0",
		Files: map[string]string{strings.Repeat("n", 300) + ".go": "package n\n"}})
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := newBench(t, f, mirrortest.Checkout{})
	b.values.Extract = "all"
	// Fetched at first, then there already.
	for range 2 {
		r := b.run(s.URL)
		wantOutcome(t, r, report.OK)
		if got := found(r, "zip-not-extractable"); got == nil || !strings.Contains(got.Found, "example.test/long@v1.0.0") {
			t.Errorf("found %+v, want zip-not-extractable of the module", got)
		}
	}
}

func TestOneServerMayHaveAuthoritiesOfItsOwn(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, mirrortest.Build(t), mirrortest.Checkout{})
	j, err := b.prepare("off")
	if err != nil {
		t.Fatal(err)
	}
	get := func(transport http.RoundTripper) error {
		resp, err := (&http.Client{Transport: transport}).Get(server.URL)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	trusting, err := j.TransportTrusting("X", file)
	if err != nil {
		t.Fatal(err)
	}
	if err := get(trusting); err != nil {
		t.Error(err)
	}
	plain, err := j.TransportTrusting("X", "")
	if err != nil {
		t.Fatal(err)
	}
	for name, transport := range map[string]http.RoundTripper{"without a file": plain, "others": j.Transport()} {
		if err := get(transport); err == nil {
			t.Errorf("%s: the server is trusted", name)
		}
	}
	if err := os.WriteFile(file, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{file, file + ".missing"} {
		if _, err := j.TransportTrusting("X", bad); err == nil || !strings.Contains(err.Error(), "X") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
