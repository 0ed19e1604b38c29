//go:build linux

package runner

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// hostile is text that would be commands to a runner, or links and HTML in a
// summary, if it stood there as it is.
const hostile = "x\n::error title=pwned::pwned\n::add-mask::pwned\n::set-env name=PWNED::1\r::warning title=pwned::pwned\n" +
	"y ##[error title=pwned]pwned ##[add-mask]pwned\n%0A::notice title=pwned::pwned%0A\n::stop-commands::pwned-token\n" +
	"PWNED=1\nPWNED<<EOF\n1\nEOF\n" +
	"\n# pwned\n[pwned](http://pwned.example.test/) ![pwned](http://pwned.example.test/) <img src=pwned> <script>pwned</script> @pwned | a | b |\n"

// unharmed fails the test when a stage let hostile text do anything.
func unharmed(t *testing.T, j *job, s *step) {
	t.Helper()
	for _, c := range s.commands {
		if c.properties["title"] == "pwned" || c.data == "pwned" {
			t.Errorf("hostile text became a command: %s", c)
		}
	}
	for name := range s.env {
		if strings.Contains(name, "PWNED") {
			t.Errorf("hostile text became the variable %s", name)
		}
	}
	for _, m := range j.masks {
		if strings.Contains(m, "pwned") {
			t.Errorf("hostile text became a mask: %s", m)
		}
	}
	for _, found := range []string{"](http://pwned", "<img", "<script", "\n# pwned", " @pwned"} {
		if strings.Contains(s.summary, found) {
			t.Errorf("hostile text became %q of the summary:\n%s", found, s.summary)
		}
	}
	for _, stream := range []string{s.stdout, s.stderr} {
		if strings.ContainsAny(stream, "\r\x1b") {
			t.Errorf("the log has control characters: %q", tail(stream))
		}
	}
}

func TestHostileTextStaysText(t *testing.T) {
	write := func(name, text string) func(*world, *job) {
		return func(w *world, j *job) {
			name := filepath.Join(j.paths.workspace, name)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				w.t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	add := func(name, text string) func(*world, *job) {
		return func(w *world, j *job) {
			old, err := os.ReadFile(filepath.Join(j.paths.workspace, name))
			if err != nil {
				w.t.Fatal(err)
			}
			write(name, string(old)+text)(w, j)
		}
	}
	says := func(code int) func(*world, *job) {
		return func(w *world, j *job) {
			j.with["retries"] = "0"
			w.mirror.Fault(mirrortest.Always("", func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
				rw.Header().Set("Content-Type", "text/plain")
				rw.WriteHeader(code)
				rw.Write([]byte(hostile))
			}))
		}
	}
	twirp := func(fault ghatest.Fault) func(*world, *job) {
		return func(w *world, _ *job) { w.cache.Fault(ghatest.Always("", fault)) }
	}
	for _, tt := range []struct {
		name string
		do   func(w *world, j *job)
		code int
	}{
		{"a mirror that says 404", says(404), 1},
		{"a mirror that says 403", says(403), 1},
		{"a mirror that says 500", says(500), 1},
		{"a mirror that says 200", says(200), 1},
		{"a mirror that leads elsewhere", func(w *world, j *job) {
			j.with["retries"] = "0"
			w.mirror.Fault(mirrortest.Always("", mirrortest.RedirectTo("http://"+mirrortest.Refused(w.t)+"/::error%20title=pwned::pwned/%0A::error%20title=pwned::pwned")))
		}, 1},
		{"a cache service that fails", twirp(ghatest.Twirp(500, "internal", hostile)), 0},
		{"a cache service that refuses", twirp(ghatest.Twirp(403, "permission_denied", "cache read denied: "+hostile)), 0},
		{"a cache service that says no", twirp(ghatest.NotOK("cache write denied: " + hostile)), 0},
		{"a go.sum", add("go.sum", hostile), 2},
		{"a go.mod", add("go.mod", "\nrequire \"example.test/x\\n::error title=pwned::pwned\" v1.0.0\n"), 0},
		{"a replacement in go.mod", add("go.mod", "\nreplace example.test/a => \"./x\\n::error title=pwned::pwned\"\n"), 0},
		{"a comment in go.mod", add("go.mod", "\nrequire example.test/missing v1.0.0 // ##[error title=pwned]pwned\n"), 0},
		{"a configuration file", write(".modferry.yaml", "\"x\\n::error title=pwned::pwned\": \"y ##[error title=pwned]pwned\"\n"), 2},
		{"the value of a configuration file", write(".modferry.yaml", "proxy: \"x\\n::error title=pwned::pwned ##[error title=pwned]pwned\"\n"), 0},
		{"a directory", func(w *world, j *job) {
			write("x\n::error title=pwned::pwned\n/go.mod", "module x ##[error title=pwned]pwned\n")(w, j)
			j.with["working-directory"] = "./..."
		}, 0}, // the go.mod in it is left out, with a warning: the go command fails there, too
		{"a variable of an earlier step", func(_ *world, j *job) {
			j.with["proxy"] = ""
			j.env["GOPROXY"] = hostile
		}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ghatest.Options{})
			j := w.job(layout{}, sandbox{})
			j.with["proxy"] = w.mirror.URL
			tt.do(w, j)
			main := j.main()
			unharmed(t, j, main)
			if main.code != tt.code {
				t.Errorf("exit code %d, expected %d\n%s", main.code, tt.code, tail(main.stdout))
			}
			post := j.post()
			unharmed(t, j, post)
			if post.code != 0 {
				t.Errorf("post: exit code %d\n%s", post.code, tail(post.stdout))
			}
		})
	}
}

func TestCredentialsOfAMirrorAreNotShown(t *testing.T) {
	const user, password = "build", "m1rr0r/s3cret"
	for _, tt := range []struct {
		name string
		with func(w *world, s *mirrortest.Server) map[string]string
	}{
		{"in netrc", func(_ *world, s *mirrortest.Server) map[string]string {
			return map[string]string{"proxy": s.URL, "netrc": fmt.Sprintf("machine %s login %s password %s\n", s.Addr, user, password)}
		}},
		{"in the URL", func(_ *world, s *mirrortest.Server) map[string]string {
			return map[string]string{"proxy": s.WithUser(user + ":" + strings.ReplaceAll(password, "/", "%2F"))}
		}},
		{"wrong ones in the URL", func(_ *world, s *mirrortest.Server) map[string]string {
			return map[string]string{"proxy": s.WithUser(user + ":" + strings.ReplaceAll(password, "/", "%2F") + "x"), "retries": "0"}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ghatest.Options{})
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: w.modules, Protocol: mirrortest.HTTP2, BasicAuth: user + ":" + password})
			j := w.job(layout{}, sandbox{})
			j.secrets = append(j.secrets, password, strings.ReplaceAll(password, "/", "%2F"))
			ca, err := os.ReadFile(s.CAFile())
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(j.paths.workspace, "ca.pem"), ca, 0o644); err != nil {
				t.Fatal(err)
			}
			for name, value := range tt.with(w, s) {
				j.with[name] = value
			}
			j.with["ca-file"] = "ca.pem"
			code := 0
			if strings.HasPrefix(tt.name, "wrong") {
				code = 1
			}
			main := j.main().expect(t, code)
			for _, c := range main.annotations("error") {
				if code == 0 {
					t.Errorf("main complains: %s", c)
				}
			}
			if code == 0 {
				j.goSucceeds(false, ".", "build", "./...")
			}
			// The result is an artifact that people download.
			text, err := os.ReadFile(filepath.Join(j.paths.workspace, "modferry.json"))
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range j.secrets {
				if strings.Contains(string(text), secret) {
					t.Errorf("the report tells %s", secret)
				}
			}
			j.post().expect(t, 0).quiet(t)
		})
	}
}
