//go:build linux

package runner

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// share is the share of requests that the mirror of a build fails.
const share = 0.3

// TestDockerfilesOfTheDocumentation builds with each Dockerfile of docs/docker.md, by
// Buildah. Three of ten requests fail, and the module cache is empty: RUN go mod
// download fails there.
func TestDockerfilesOfTheDocumentation(t *testing.T) {
	t.Parallel()
	program := programImage(t)
	files := dockerfiles(t, program)
	modules := mirrortest.Generate(t, 12, 20_000)

	b := newBuild(t, modules)
	plain := regexp.MustCompile(`(?s)RUN --mount.*?modferry fetch`).ReplaceAllString(files["docker build"], "RUN go mod download")
	if out, err := b.run(plain); err == nil || !strings.Contains(out, "503") {
		t.Fatalf("RUN go mod download did not fail, so that these builds show nothing: %v\n%s", err, tail(out))
	}

	for _, name := range []string{"docker build", "The build itself", "Without BuildKit"} {
		b := newBuild(t, modules)
		out, err := b.run(files[name])
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
		out, err := b.run(files["With a cache mount"])
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
	out, err := b.run(files["Private mirrors"], "--secret", "id=netrc,src="+netrc)
	if err != nil {
		t.Fatalf("Private mirrors: %v\n%s", err, tail(out))
	}
	readable(t, "Private mirrors", out)
	if strings.Contains(out, password) {
		t.Errorf("the log tells the password:\n%s", tail(out))
	}
	if out, err := b.run(files["Private mirrors"]); err == nil {
		t.Errorf("the build does without the password, so that this shows nothing:\n%s", tail(out))
	}
}

func TestAFailedBuildSaysWhy(t *testing.T) {
	t.Parallel()
	program := programImage(t)
	b := newBuild(t, mirrortest.Generate(t, 2, 1000))
	b.missing = "*m001*"
	out, err := b.run(dockerfiles(t, program)["docker build"])
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

// programImage is an image with the program at the place where Dockerfile puts it,
// which takes less time than Dockerfile does.
var programImage = func() func(t *testing.T) string {
	const name = "localhost/modferry:program"
	build := sync.OnceValue(func() error {
		id, err := images.command("buildah", "from", "--pull-never", busyboxImage)
		if err == nil {
			_, err = images.command("buildah", "copy", "-q", id, binary, "/usr/local/bin/modferry")
		}
		if err == nil {
			_, err = images.command("buildah", "commit", "-q", "--rm", id, name)
		}
		return err
	})
	return func(t *testing.T) string {
		t.Helper()
		images.needBases(t)
		if err := build(); err != nil {
			t.Fatal(err)
		}
		return name
	}
}()

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

// dockerfiles are the Dockerfiles of docs/docker.md by the heading above them, with
// images that are here, no checksum database, and this machine's build cache.
func dockerfiles(t *testing.T, program string) map[string]string {
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
		files[heading] = strings.NewReplacer("golang:1.26", goImage, "ghcr.io/modferry/modferry:1", program,
			"ARG GOPROXY\n", "ARG GOPROXY\nENV GOSUMDB=off\n", "    --mount=type=cache,target=/root/.cache/go-build \\\n", "").Replace(block[1])
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

// run builds with a Dockerfile and returns what the builder prints.
func (b *build) run(dockerfile string, args ...string) (string, error) {
	b.t.Helper()
	file := filepath.Join(b.dir, "..", "Dockerfile")
	writeFile(b.t, file, dockerfile)
	args = append([]string{"bud", "--isolation=chroot", "--pull-never", "--no-cache", "--signature-policy", filepath.Join(images.dir, "policy.json"),
		"--build-arg", "GOPROXY=" + b.mirror.URL, "-f", file}, args...)
	// This machine's own build cache, else the standard library is compiled each time.
	kept, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		return "", err
	}
	args = append(args, "--volume", strings.TrimSpace(string(kept))+":/root/.cache/go-build")
	if strings.HasPrefix(b.mirror.URL, "https:") {
		args = append(args, "--volume", b.mirror.CAFile()+":/etc/ssl/certs/ca-certificates.crt")
	}
	cmd := exec.Command("buildah", append(args, b.dir)...)
	cmd.Env = images.environ()
	out, err := cmd.CombinedOutput()
	return string(out), err
}
