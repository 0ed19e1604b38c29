package relay_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay"
	"github.com/modferry/modferry/internal/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a checkout with a relay before its mirrors.
type bench struct {
	*fetchtest.Bench
	t     *testing.T
	s     *session.Session
	relay *relay.Relay
	at    *relay.Loopback
	now   *atomic.Int64 // what the relay takes for the time, in seconds
}

// open puts a relay before a chain, as the bench's settings have it.
func open(t *testing.T, b *fetchtest.Bench, proxy string) *bench {
	t.Helper()
	return openWith(t, b, proxy, relay.Options{})
}

// openWith is open with options.
func openWith(t *testing.T, b *fetchtest.Bench, proxy string, o relay.Options) *bench {
	t.Helper()
	b.Values.NoProbe = true
	b.Values.Retries = 2
	return openAs(t, b, proxy, o)
}

// openAs is openWith with the preflight and the retries of the settings.
func openAs(t *testing.T, b *fetchtest.Bench, proxy string, o relay.Options) *bench {
	t.Helper()
	s := sessionOf(t, b, proxy)
	now := new(atomic.Int64)
	now.Store(1e9)
	o.Log, o.Now = func(line string) { t.Log(line) }, func() time.Time { return time.Unix(now.Load(), 0) }
	r, err := relay.New(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	at, err := relay.Listen(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := at.Close(); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := filepath.Glob(filepath.Join(b.ModCache, "cache", "modferry", "*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	return &bench{Bench: b, t: t, s: s, relay: r, at: at, now: now}
}

// sessionOf is a session for a relay before a chain, as the bench's settings have it.
func sessionOf(t *testing.T, b *fetchtest.Bench, proxy string) *session.Session {
	t.Helper()
	env := goenv.Env{}
	for k, v := range b.Env {
		env[k] = goenv.Var{Value: v, Source: "test"}
	}
	env["GOPROXY"] = goenv.Var{Value: proxy, Source: "test"}
	env["GOMODCACHE"] = goenv.Var{Value: b.ModCache, Source: "test"}
	s, err := relay.Open(b.Values, env, b.Options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// get asks the relay, and returns the body as well.
func (b *bench) get(path string, header ...string) (*http.Response, string) {
	b.t.Helper()
	return b.do(http.MethodGet, path, header...)
}

func (b *bench) do(method, path string, header ...string) (*http.Response, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.at.URL+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp, string(body)
}

// serve asks the relay without a network between, where a client has all of an answer
// before the handler returns.
func (b *bench) serve(method, path string, header ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	req := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.relay.ServeHTTP(w, req)
	return w
}

// gocmd runs the go command with the relay in the checkout, with an empty module
// cache unless env names one.
func (b *bench) gocmd(dir string, env []string, args ...string) (string, error) {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), "go", args...)
	cmd.Dir = dir
	base := b.t.TempDir()
	sumdb := b.Env["GOSUMDB"]
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "GOPATH=" + base, "GOENV=off", "GOTOOLCHAIN=local", "GOWORK=off",
		"GOFLAGS=-modcacherw", "GOCACHE=" + filepath.Join(base, "build"), "GOMODCACHE=" + filepath.Join(base, "mod"),
		"GOSUMDB=" + sumdb, "GOPROXY=" + relay.Proxy(b.s, b.at.URL), "CGO_ENABLED=0",
		"SSL_CERT_DIR=" + filepath.Join(base, "none"),
	}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// load has the go command load the packages of the checkout: what a build downloads,
// without compiling it.
func (b *bench) load() (string, error) { return b.gocmd(b.Dir, nil, "list", "-deps", "./...") }

func modules(t *testing.T, paths ...string) *mirrortest.Fixtures {
	t.Helper()
	var all []mirrortest.Module
	for _, p := range paths {
		path, version, ok := strings.Cut(p, "@")
		if !ok {
			version = "v1.0.0"
		}
		all = append(all, mirrortest.Module{Path: path, Version: version, Size: 2000})
	}
	return mirrortest.Build(t, all...)
}

func describe(resp *http.Response, body string) string {
	return fmt.Sprintf("%d %s %q: %s", resp.StatusCode, resp.Header.Get("X-Cache"), resp.Header.Get("Content-Type"), body)
}
