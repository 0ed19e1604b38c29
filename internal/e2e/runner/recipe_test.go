//go:build linux

package runner

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// recipe is the Dockerfile that docs/env.md shows.
func recipe(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(repository, "docs", "env.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```dockerfile\n(.*?)^```$").FindAllStringSubmatch(string(data), -1)
	if len(blocks) != 1 {
		t.Fatalf("docs/env.md shows %d Dockerfiles, want 1", len(blocks))
	}
	return blocks[0][1]
}

func TestTheDockerfileOfTheDocumentationBuilds(t *testing.T) {
	t.Parallel()
	images.engine(t)
	f := mirrortest.Generate(t, 3, 1<<10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	dir, own := newDir(t), newDir(t)
	f.WriteCheckout(t, dir, mirrortest.Checkout{})
	netrc := filepath.Join(own, "netrc")
	if err := os.WriteFile(netrc, []byte("machine goproxy.example.test login ci password s3cr3t\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	build := func(t *testing.T, dockerfile string, args ...string) {
		t.Helper()
		file := filepath.Join(newDir(t), "Dockerfile")
		if err := os.WriteFile(file, []byte(dockerfile), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append([]string{"bud", "--isolation=chroot", "--pull-never", "-t", "localhost/recipe:test", "-f", file,
			"--build-arg", "GO_IMAGE=" + goImage, "--build-arg", "MODFERRY_IMAGE=" + actionImage,
			"--build-arg", "GOPROXY=" + s.URL, "--build-arg", "GOSUMDB=off", "--secret", "id=netrc,src=" + netrc}, args...)
		if _, err := images.command("buildah", append(args, dir)...); err != nil {
			t.Fatal(err)
		}
	}

	build(t, recipe(t))
	if zips := s.Paths("*.zip"); len(zips) != 3 {
		t.Errorf("the mirror was asked for %q, want 3 zips", zips)
	}
	history, err := images.command("podman", "image", "inspect", "localhost/recipe:test")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(history, "s3cr3t") {
		t.Error("the image tells the secret")
	}

	// Another build finds the modules in the cache mount.
	if err := os.WriteFile(filepath.Join(dir, "more.go"), []byte("package main\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.Forget()
	build(t, recipe(t))
	if zips := s.Paths("*.zip"); len(zips) > 0 {
		t.Errorf("another build asked the mirror for %q", zips)
	}

	// A module cache that was filled outside, handed in as a context.
	const cache, bind = "--mount=type=cache,target=/go/pkg/mod", "--mount=type=bind,from=modcache,target=/go/pkg/mod,rw"
	text := strings.Replace(recipe(t), cache, bind, 1)
	if text == recipe(t) {
		t.Fatalf("the Dockerfile has no %s", cache)
	}
	empty := newDir(t)
	build(t, text, "--build-context", "modcache="+empty)
	if zips := s.Paths("*.zip"); len(zips) != 3 {
		t.Errorf("with an empty module cache from outside the mirror was asked for %q, want 3 zips", zips)
	}
}
