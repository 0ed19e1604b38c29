package serve_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/relay/serve"
	"github.com/modferry/modferry/internal/secret"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "0123456789abcdef0123456789abcdef"

// bench is a server on loopback.
type bench struct {
	t     *testing.T
	flags map[string]string // settings
	env   map[string]string // of the go command
	token string

	url     string // with the scheme, without token
	log     buffer
	stop    context.CancelFunc
	stopped chan error
	client  *http.Client
}

func newBench(t *testing.T, goproxy string) *bench {
	return &bench{t: t, flags: map[string]string{"keep-dir": t.TempDir(), "listen": "127.0.0.1:0", "no-probe": "true", "retries": "2"},
		env:     map[string]string{"GOPROXY": goproxy, "GOSUMDB": "off", "GOENV": "off"},
		stopped: make(chan error, 1), client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

// options are those of the server, with settings as they are now.
func (b *bench) options() serve.Options {
	b.t.Helper()
	getenv := func(name string) string { return b.env[name] }
	load := func() (*settings.Values, error) {
		return settings.ResolveServer(maps.Clone(b.flags), getenv, settings.Disk{})
	}
	v, err := load()
	if err != nil {
		b.t.Fatal(err)
	}
	return serve.Options{
		Values: v, Load: load, Token: b.token,
		Open: func(v *settings.Values, o session.Options) (*session.Session, error) {
			env, _, err := session.Environment(v, goenv.Host{Getenv: getenv})
			if err != nil && env == nil {
				return nil, err
			}
			return session.OpenServer(v, env, o)
		},
		Session: session.Options{Tool: "modferry test", Backoff: time.Millisecond, Pause: time.Millisecond, Secrets: &secret.Set{},
			Hedge: time.Hour, Silence: time.Hour}, // no mirror is slow on a loaded machine
		Log: slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// start starts the server, which ends with the test.
func (b *bench) start() *bench {
	b.t.Helper()
	o := b.options()
	ctx, stop := context.WithCancel(b.t.Context())
	b.stop = stop
	at := make(chan net.Addr, 1)
	o.Listening = func(a net.Addr) { at <- a }
	go func() { b.stopped <- serve.Run(ctx, o) }()
	b.t.Cleanup(func() {
		stop()
		if err := <-b.stopped; err != nil {
			b.t.Error(err)
		}
		if b.t.Failed() {
			b.t.Log(b.log.String())
		}
		if left, _ := filepath.Glob(filepath.Join(b.flags["keep-dir"], "*")); len(left) > 0 {
			b.t.Errorf("left behind: %v", left)
		}
	})
	scheme := "http://"
	if b.flags["tls-cert"] != "" {
		scheme = "https://"
	}
	select {
	case a := <-at:
		b.url = scheme + a.String()
	case err := <-b.stopped:
		b.stopped <- nil
		b.t.Fatal(err)
	}
	return b
}

// get asks the server, and returns the body as well. The path begins with a slash.
func (b *bench) get(path string, header ...string) (*http.Response, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(req)
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

// trust has the client trust certificates, and show its own.
func (b *bench) trust(c *tls.Config) {
	b.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: c}}
}

// gocmd runs the go command with a GOPROXY, in a directory, with an empty module cache.
func (b *bench) gocmd(goproxy, dir string, env []string, args ...string) (string, error) {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), "go", args...)
	cmd.Dir = dir
	base := b.t.TempDir()
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "GOPATH=" + base, "GOENV=off", "GOTOOLCHAIN=local", "GOWORK=off",
		"GOFLAGS=-modcacherw", "GOCACHE=" + filepath.Join(base, "build"), "GOMODCACHE=" + filepath.Join(base, "mod"),
		"GOSUMDB=" + b.env["GOSUMDB"], "GOPROXY=" + goproxy, "CGO_ENABLED=0",
	}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// buffer is a log that is written while it is read.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// lines are the lines of the log that have all the words.
func (b *buffer) lines(words ...string) (all []string) {
next:
	for line := range strings.Lines(b.String()) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue next
			}
		}
		all = append(all, strings.TrimSpace(line))
	}
	return all
}

// record asks a server without a connection.
func record(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func grep(text, word string) (all []string) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}
