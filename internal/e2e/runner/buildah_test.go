//go:build linux

package runner

import (
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// buildah builds with Buildah.
type buildah struct {
	program string // the image that has the program
	goCache string // this machine's build cache, else each build compiles the standard library
}

func newBuildah(t *testing.T) *buildah {
	t.Helper()
	return &buildah{program: programImage(t), goCache: ownGoCache(t)}
}

// ownGoCache is this machine's own build cache. That of the runner's user is no place for
// root: what the first of them makes there belongs to it alone.
func ownGoCache(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// dockerfile names the images that are here.
func (by *buildah) dockerfile(text string) string {
	return strings.NewReplacer("golang:1.26", goImage, "ghcr.io/modferry/modferry:1", by.program,
		"    --mount=type=cache,target=/root/.cache/go-build \\\n", "").Replace(text)
}

func (by *buildah) run(b *build, dockerfile string, secrets ...string) (string, error) {
	b.t.Helper()
	file := filepath.Join(b.dir, "..", "Dockerfile")
	writeFile(b.t, file, dockerfile)
	args := []string{"bud", "--isolation=chroot", "--pull-never", "--no-cache", "--signature-policy", images.policy(),
		"--build-arg", "GOPROXY=" + b.mirror.URL, "-f", file, "--volume", by.goCache + ":/root/.cache/go-build"}
	for _, secret := range secrets {
		id, file, _ := strings.Cut(secret, "=")
		args = append(args, "--secret", "id="+id+",src="+file)
	}
	if strings.HasPrefix(b.mirror.URL, "https:") {
		args = append(args, "--volume", b.mirror.CAFile()+":/etc/ssl/certs/ca-certificates.crt")
	}
	cmd := exec.Command("buildah", append(args, b.dir)...)
	cmd.Env = images.environ()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// programImage is an image with the program at the place where Dockerfile puts it,
// which takes less time than Dockerfile does.
var programImage = madeOnce("localhost/modferry:program", busyboxImage, func() ([][2]string, error) {
	return [][2]string{{binary, "/usr/local/bin/modferry"}}, nil
})

// madeOnce makes an image when a test first wants it: the one that it comes from, with
// copies of files of this machine.
func madeOnce(name, from string, files func() (copies [][2]string, err error)) func(t *testing.T) string {
	build := sync.OnceValue(func() error {
		copies, err := files()
		if err != nil {
			return err
		}
		id, err := images.command("buildah", "from", "--pull-never", from)
		if err != nil {
			return err
		}
		for _, c := range copies {
			if _, err := images.command("buildah", "copy", "-q", id, c[0], c[1]); err != nil {
				return err
			}
		}
		_, err = images.command("buildah", "commit", "-q", "--rm", id, name)
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
}
