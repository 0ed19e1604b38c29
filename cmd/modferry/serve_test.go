package main

import (
	"context"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// A server runs until it is asked to stop, tells its address, and answers a check with
// the same settings.
func TestServe(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 1<<10)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	env := map[string]string{
		"GOPROXY": mirror.URL, "GOSUMDB": "off", "GOENV": "off", "MODFERRY_KEEP_DIR": t.TempDir(), "MODFERRY_LISTEN": "127.0.0.1:0",
		"MODFERRY_RELAY_TOKEN": "0123456789abcdef",
	}
	p := func(env map[string]string, stderr io.Writer) process {
		return process{stdin: strings.NewReader(""), stdout: io.Discard, stderr: stderr, getenv: func(name string) string { return env[name] },
			environ: func() []string {
				var all []string
				for k, v := range env {
					all = append(all, k+"="+v)
				}
				return all
			}}
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log := &addresses{at: make(chan string, 1)}
	ended := make(chan int, 1)
	server := p(env, log)
	go func() { ended <- run(ctx, []string{"serve"}, server) }()
	var at string
	select {
	case at = <-log.at:
	case code := <-ended:
		t.Fatalf("exit code %d\n%s", code, log.text())
	}
	for path, want := range map[string]int{"/0123456789abcdef/example.test/m000/@v/v1.0.0.mod": 200, "/example.test/m000/@v/v1.0.0.mod": 401} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
	there := maps.Clone(env)
	there["MODFERRY_LISTEN"] = at
	if code := run(t.Context(), []string{"serve", "--check"}, p(there, io.Discard)); code != 0 {
		t.Errorf("the check exits with %d", code)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d\n%s", code, log.text())
	}
	if strings.Contains(log.text(), "0123456789abcdef") {
		t.Errorf("the log shows the token:\n%s", log.text())
	}
	if left, err := os.ReadDir(env["MODFERRY_KEEP_DIR"]); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTheNameSaysTheCommand(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"/usr/local/bin/modferry-serve": "serve", "modferry-serve.exe": "serve", "modferry-main": "action main", "modferry-post": "action post",
		"modferry": "", "serve": "", "modferry-other": "",
	} {
		if got := strings.Join(stageOf(name), " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// addresses is a log that tells the address of the line "ready".
type addresses struct {
	at chan string

	mu  sync.Mutex
	all strings.Builder
}

var ready = regexp.MustCompile(`msg=ready address=(\S+)`)

func (a *addresses) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all.Write(p)
	if m := ready.FindSubmatch(p); m != nil {
		a.at <- string(m[1])
	}
	return len(p), nil
}

func (a *addresses) text() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.all.String()
}
