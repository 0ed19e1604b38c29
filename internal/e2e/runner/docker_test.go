//go:build linux

package runner

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// share is the share of requests that the mirror of a build fails.
const share = 0.3

// builder is a program that builds with Dockerfiles.
type builder interface {
	// dockerfile makes one of docs/docker.md one that it can build with here.
	dockerfile(text string) string
	// run builds and returns what the builder prints. A secret is its id and its
	// file, as in netrc=FILE.
	run(b *build, dockerfile string, secrets ...string) (string, error)
}

// Three of ten requests of these builds fail.
func TestDockerfilesOfTheDocumentation(t *testing.T) {
	t.Parallel()
	dockerfilesBuild(t, newBuildah(t))
}

func TestAFailedBuildSaysWhy(t *testing.T) {
	t.Parallel()
	failedBuildSaysWhy(t, newBuildah(t))
}

// dockerfilesBuild builds with each Dockerfile of docs/docker.md. The module cache is
// empty: RUN go mod download fails there.
func dockerfilesBuild(t *testing.T, by builder) {
	files := dockerfiles(t, by)
	modules := mirrortest.Generate(t, 12, 20_000)

	b := newBuild(t, modules)
	plain := regexp.MustCompile(`(?s)RUN --mount.*?modferry fetch`).ReplaceAllString(files["docker build"], "RUN go mod download")
	if out, err := by.run(b, plain); err == nil || !strings.Contains(out, "503") {
		t.Fatalf("RUN go mod download did not fail, so that these builds show nothing: %v\n%s", err, tail(out))
	}

	for _, name := range []string{"docker build", "The build itself", "Without BuildKit"} {
		b := newBuild(t, modules)
		out, err := by.run(b, files[name])
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, tail(out))
			continue
		}
		if b.failures.Load() == 0 {
			t.Errorf("%s: no request failed", name)
		}
		readable(t, name, out)
	}

	// The second build of a builder finds the modules in the cache mount.
	b = newBuild(t, modules)
	for i := range 2 {
		out, err := by.run(b, files["With a cache mount"])
		if err != nil {
			t.Fatalf("With a cache mount: %v\n%s", err, tail(out))
		}
		readable(t, "With a cache mount", out)
		if asked := b.downloads.Swap(0); (asked > 0) != (i == 0) {
			t.Errorf("build %d with a cache mount downloaded %d files", i+1, asked)
		}
	}

	// The mirror wants a password, which is in the step and nowhere else.
	const password = "hunter2-of-the-mirror"
	b = newBuild(t, modules, password)
	netrc := filepath.Join(b.dir, "..", "netrc")
	writeFile(t, netrc, "machine "+strings.TrimPrefix(b.mirror.URL, "https://")+" login me password "+password+"\n")
	out, err := by.run(b, files["Private mirrors"], "netrc="+netrc)
	if err != nil {
		t.Fatalf("Private mirrors: %v\n%s", err, tail(out))
	}
	readable(t, "Private mirrors", out)
	if strings.Contains(out, password) {
		t.Errorf("the log tells the password:\n%s", tail(out))
	}
	if out, err := by.run(b, files["Private mirrors"]); err == nil {
		t.Errorf("the build does without the password, so that this shows nothing:\n%s", tail(out))
	}
}

func failedBuildSaysWhy(t *testing.T, by builder) {
	b := newBuild(t, mirrortest.Generate(t, 2, 1000))
	b.missing = "*m001*"
	out, err := by.run(b, dockerfiles(t, by)["docker build"])
	if err == nil {
		t.Fatalf("the build went on\n%s", tail(out))
	}
	readable(t, "a failed build", out)
	_, report, _ := strings.Cut(out, "\nincomplete: ")
	first, rest, _ := strings.Cut(report, "\n")
	if !strings.Contains(first, "not found (HTTP 404)") || !strings.Contains(rest, "example.test/m001@v1.0.1 ") {
		t.Errorf("the log does not say what is missing, and why\n%s", tail(out))
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// readable reports what the log of a step does not show: it is no terminal.
func readable(t *testing.T, name, out string) {
	t.Helper()
	if strings.ContainsAny(out, "\r\x1b") {
		t.Errorf("%s: the log has control characters\n%q", name, tail(out))
	}
	if !regexp.MustCompile(`(?m)^(ok|incomplete): `).MatchString(out) {
		t.Errorf("%s: the log does not say how it went\n%s", name, tail(out))
	}
}

// dockerfiles are the Dockerfiles of docs/docker.md by the heading above them, as a
// builder can have them, without a checksum database.
func dockerfiles(t *testing.T, by builder) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "docs", "docker.md"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, section := range strings.Split(string(text), "\n## ") {
		heading, rest, _ := strings.Cut(strings.TrimPrefix(section, "# "), "\n")
		block := regexp.MustCompile("(?s)```dockerfile\n(.*?)```").FindStringSubmatch(rest)
		if block == nil || !strings.Contains(block[1], "FROM ") {
			continue
		}
		files[heading] = by.dockerfile(strings.Replace(block[1], "ARG GOPROXY\n", "ARG GOPROXY\nENV GOSUMDB=off\n", 1))
	}
	if len(files) != 5 {
		t.Fatalf("found %d Dockerfiles, expected 5", len(files))
	}
	return files
}

// build is a checkout that is built on a mirror that fails now and then.
type build struct {
	t         *testing.T
	dir       string
	mirror    *mirrortest.Server
	missing   string // what it does not have, a glob
	failures  atomic.Int64
	downloads atomic.Int64 // requests that it answered
}

// newBuild is a build whose mirror may want passwords. Such a mirror speaks TLS: the go
// command sends what .netrc has to no other.
func newBuild(t *testing.T, modules *mirrortest.Fixtures, passwords ...string) *build {
	t.Helper()
	b := &build{t: t, dir: filepath.Join(newDir(t), "src")}
	modules.WriteCheckout(t, b.dir, mirrortest.Checkout{})
	options := mirrortest.Options{Fixtures: modules}
	for _, password := range passwords {
		options.BasicAuth, options.Protocol = "me:"+password, mirrortest.HTTP2
	}
	options.Faults = []mirrortest.Rule{
		mirrortest.Sometimes(share, 7, "", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			b.failures.Add(1)
			mirrortest.Status(http.StatusServiceUnavailable)(w, r, next)
		}),
		mirrortest.Always("", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if b.missing != "" && mirrortest.Glob(b.missing, r.URL.Path) {
				http.NotFound(w, r)
				return
			}
			b.downloads.Add(1)
			next.ServeHTTP(w, r)
		})}
	b.mirror = mirrortest.Start(t, options)
	return b
}
