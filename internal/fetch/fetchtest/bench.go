// Package fetchtest is a bench for tests of whole runs: a checkout, an empty
// module cache, settings with patient limits, and checks of what a run left.
package fetchtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

// Bench is a checkout with an empty module cache, and the settings of a run
// over it.
type Bench struct {
	T        *testing.T
	Fixtures *mirrortest.Fixtures
	Dir      string // of the checkout
	ModCache string
	Values   *settings.Values
	Env      map[string]string // of the go command, but for GOPROXY and GOMODCACHE
	Options  session.Options
}

// New is a bench over a checkout of the fixtures.
func New(t *testing.T, f *mirrortest.Fixtures, c mirrortest.Checkout) *Bench {
	t.Helper()
	b := &Bench{T: t, Fixtures: f, Dir: t.TempDir(), ModCache: filepath.Join(t.TempDir(), "mod")}
	f.WriteCheckout(t, b.Dir, c)
	v, err := settings.Resolve(map[string]string{"dir": b.Dir}, func(string) string { return "" }, settings.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	b.use(v)
	// Trees that stay writable go away with the test.
	b.Env = map[string]string{"GOSUMDB": "off", "GOFLAGS": "-modcacherw"}
	b.Options = session.Options{Tool: "modferry test", Backoff: time.Millisecond, Pause: 5 * time.Millisecond,
		// However loaded the machine is, every verdict counts, and no mirror is slow: a
		// second request for a file would be one more than a test counts.
		Grace: time.Hour, Hedge: time.Hour, Silence: time.Hour}
	return b
}

// Configure gives the bench the settings of a configuration file of the job, and its
// mirrors as a chain.
func (b *Bench) Configure(config string) (proxy string) {
	b.T.Helper()
	name := filepath.Join(b.T.TempDir(), "job.yaml")
	Write(b.T, name, config)
	v, err := settings.Resolve(map[string]string{"dir": b.Dir, "config": name}, func(string) string { return "" }, settings.Disk{})
	if err != nil {
		b.T.Fatal(err)
	}
	b.use(v)
	return v.ProxyList()
}

// use takes settings with patient limits.
func (b *Bench) use(v *settings.Values) {
	b.Values = v
	// A healthy loopback server answers much faster than this, on a busy
	// machine, too; a test of a limit hastens that one.
	v.FirstByteTimeout, v.StallTimeout, v.TLSTimeout, v.ConnectTimeout = 10*time.Second, 10*time.Second, 10*time.Second, 10*time.Second
	v.ProbeTimeout = 30 * time.Second
}

// Open opens a session over the bench with a chain.
func (b *Bench) Open(proxy string) (*session.Session, error) {
	env := goenv.Env{}
	for k, v := range b.Env {
		env[k] = goenv.Var{Value: v, Source: "test"}
	}
	env["GOPROXY"] = goenv.Var{Value: proxy, Source: "test"}
	env["GOMODCACHE"] = goenv.Var{Value: b.ModCache, Source: "test"}
	return session.Open(b.Values, env, b.Options)
}

// Run opens a session with the chain and runs it.
func (b *Bench) Run(proxy string) *report.Result {
	b.T.Helper()
	s, err := b.Open(proxy)
	if err != nil {
		b.T.Fatal(err)
	}
	r, _ := fetch.Run(b.T.Context(), s, nil)
	return r
}

// Save saves the module cache and returns what was saved.
func (b *Bench) Save() *report.Saved {
	b.T.Helper()
	s, err := b.Open("off")
	if err != nil {
		b.T.Fatal(err)
	}
	r := fetch.Save(b.T.Context(), s, nil)
	WantOutcome(b.T, r, report.OK)
	if r.Cache.Saved == nil {
		b.T.Fatalf("cache %+v says nothing of a save", r.Cache)
	}
	return r.Cache.Saved
}

// Trust makes the run trust an authority besides the system's.
func (b *Bench) Trust(a *mirrortest.Authority) { b.Values.CAFile = a.CAFile() }

// Hasten shortens the limit that a failure class is about, and no other, so that
// a busy machine does not meet another one first.
func (b *Bench) Hasten(class failure.Class) {
	const soon = time.Second
	switch class {
	case failure.ConnectTimeout:
		b.Values.ConnectTimeout = soon
	case failure.TLSTimeout:
		b.Values.TLSTimeout = soon
	case failure.FirstByteTimeout:
		b.Values.FirstByteTimeout = soon
	case failure.Stall:
		b.Values.StallTimeout = soon
	}
}

// WithCache gives the bench a cache in a directory of its own.
func (b *Bench) WithCache() string {
	b.T.Helper()
	dir := filepath.Join(b.T.TempDir(), "store")
	b.Values.Cache = "dir:" + dir
	return dir
}

// Afresh gives the bench an empty module cache, as the next job has it.
func (b *Bench) Afresh() { b.ModCache = filepath.Join(b.T.TempDir(), "mod") }

// Netrc gives the bench a file of credentials.
func (b *Bench) Netrc(text string, mode os.FileMode) {
	b.T.Helper()
	name := filepath.Join(b.T.TempDir(), "netrc")
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		b.T.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil { // whatever the umask
		b.T.Fatal(err)
	}
	b.Setenv("NETRC", name)
}

// Path gives the bench a PATH with n go commands.
func (b *Bench) Path(n int) {
	b.T.Helper()
	var dirs []string
	for range n {
		dir := b.T.TempDir()
		for _, name := range []string{"go", "go.exe"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
				b.T.Fatal(err)
			}
		}
		dirs = append(dirs, dir)
	}
	b.Setenv("PATH", strings.Join(dirs, string(filepath.ListSeparator)))
}

// Setenv gives the bench a variable of the environment.
func (b *Bench) Setenv(name, value string) {
	before := b.Options.Getenv
	b.Options.Getenv = func(n string) string {
		if n == name {
			return value
		}
		if before == nil {
			return ""
		}
		return before(n)
	}
}
