//go:build linux

package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// project is a real project with the modules that it needs, and one that it does
// not.
type project struct {
	dir  string // its sources
	more module.Version
	// The directory of a mirror with all of them, and what a checksum database
	// knows about them.
	mirror string
	sums   map[module.Version]string
}

// newProject brings cobra through this machine's own Go settings, with all that
// it needs to be built, and uuid.
func newProject(t *testing.T) *project {
	t.Helper()
	own := newDir(t)
	p := &project{more: module.Version{Path: "github.com/google/uuid", Version: "v1.6.0"}, mirror: filepath.Join(own, "cache", "download"), sums: map[module.Version]string{}}
	download := func(dir string, args ...string) {
		t.Helper()
		cmd := exec.Command("go", append([]string{"mod", "download", "-json"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOMODCACHE="+own, "GOWORK=off", "GOFLAGS=-modcacherw")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			need(t, false, fmt.Sprintf("go %s brings no real project here: %v\n%s%s", strings.Join(args, " "), err, tail(string(out)), tail(stderr.String())))
		}
		for dec := json.NewDecoder(bytes.NewReader(out)); ; {
			var m struct{ Path, Version, Dir, Sum, GoModSum string }
			if err := dec.Decode(&m); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
			p.sums[module.Version{Path: m.Path, Version: m.Version}] = fmt.Sprintf("%s %s %s\n%[1]s %[2]s/go.mod %[4]s\n", m.Path, m.Version, m.Sum, m.GoModSum)
			if m.Path == "github.com/spf13/cobra" {
				p.dir = m.Dir
			}
		}
	}
	download(newDir(t), "github.com/spf13/cobra@v1.10.2", p.more.String())
	if p.dir == "" {
		t.Fatal("cobra has no directory")
	}
	download(p.dir)
	return p
}

// checkout copies the sources.
func (p *project) checkout(t *testing.T) func(dir string) {
	return func(dir string) {
		t.Helper()
		err := fs.WalkDir(os.DirFS(p.dir), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return errors.Join(err, os.MkdirAll(filepath.Join(dir, name), 0o755))
			}
			data, err := os.ReadFile(filepath.Join(p.dir, name))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, name), data, 0o644)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// database starts a checksum database that knows the project's modules, and
// returns the value of GOSUMDB for it.
func (p *project) database(t *testing.T) string {
	t.Helper()
	const name = "sum.example.test"
	signer, verifier, err := note.GenerateKey(nil, name)
	if err != nil {
		t.Fatal(err)
	}
	ops := sumdb.NewTestServer(signer, func(path, version string) ([]byte, error) {
		if lines, ok := p.sums[module.Version{Path: path, Version: version}]; ok {
			return []byte(lines), nil
		}
		return nil, fmt.Errorf("%s@%s: unknown revision", path, version)
	})
	return verifier + " " + mirrortest.Start(t, mirrortest.Options{Handler: sumdb.NewServer(ops)}).URL
}

// TestARealProjectInTheImage is a workflow with the image that Dockerfile makes:
// the first mirror is dead, then both are, then all is well again.
func TestARealProjectInTheImage(t *testing.T) {
	t.Parallel()
	e := images.engine(t)
	p := newProject(t)
	sums := p.database(t)
	cache := ghatest.Start(t, ghatest.Options{})
	dead := mirrortest.Start(t, mirrortest.Options{Faults: []mirrortest.Rule{mirrortest.Always("", mirrortest.ResetAfter(-1))}})
	mirror := mirrortest.Start(t, mirrortest.Options{Handler: http.FileServer(http.Dir(p.mirror))})
	// The first zip breaks off once.
	mirror.Fault(mirrortest.First(1, "*.zip", mirrortest.CutAfter(1000)))
	w := &world{t: t, cache: cache, dead: dead, mirror: mirror, sumdb: new(mirrortest.SumDB)}
	job := func() *job {
		j := w.join(newJob(t, layout{}, e, p.checkout(t)))
		j.with["proxy"], j.with["sumdb"] = dead.URL+"|"+mirror.URL, sums
		return j
	}

	first := job()
	main := first.main().expect(t, 0)
	if got := main.outputs["outcome"]; got != "ok" {
		t.Errorf("output outcome is %q", got)
	}
	owned(t, first.modcache())
	first.hasProgram(t)
	mirror.Fault(mirrortest.Always("", mirrortest.Status(503)))
	first.goSucceeds(false, ".", "build", "./...")
	first.goSucceeds(false, ".", "vet", ".")
	if out := first.goSucceeds(true, ".", "mod", "verify"); !strings.Contains(out.stdout, "all modules verified") {
		t.Errorf("go mod verify says %s", out.stdout)
	}
	mirror.Heal()
	first.goSucceeds(true, ".", "mod", "download", p.more.String())
	post := first.post().expect(t, 0).quiet(t)
	if !strings.Contains(post.summary, "google/uuid") || len(cache.Entries()) == 0 {
		t.Errorf("saved %v and told of it:\n%s", cache.Entries(), post.summary)
	}

	mirror.Close()
	second := job()
	began := time.Now()
	main = second.main().expect(t, 0)
	t.Logf("the second job's step took %v, the container's start included", time.Since(began).Round(time.Millisecond))
	if hit, n := main.outputs["cache-hit"], main.outputs["fetched"]; hit != "exact" || n != "0" {
		t.Errorf("cache-hit %s, fetched %s", hit, n)
	}
	owned(t, second.modcache())
	second.goSucceeds(false, ".", "build", "./...")
	second.post().expect(t, 0).quiet(t)
	if !second.has(module.Version{Path: "github.com/spf13/pflag", Version: pflag(t, second)}) {
		t.Error("pflag, which cobra is built with, was not restored")
	}
	if second.has(p.more) {
		t.Errorf("%s was restored, which the project does not need", p.more)
	}
}

// hasProgram checks that later steps of the job find modferry on their PATH, and
// that it runs there, outside the container.
func (j *job) hasProgram(t *testing.T) {
	t.Helper()
	if len(j.path) != 1 {
		t.Fatalf("directories for the PATH of later steps: %q", j.path)
	}
	if out, err := exec.Command(filepath.Join(j.path[0], "modferry"), "version").CombinedOutput(); err != nil {
		t.Errorf("modferry in a later step: %v\n%s", err, out)
	}
}

// pflag is the version of pflag that the project requires.
func pflag(t *testing.T, j *job) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(j.paths.workspace, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "github.com/spf13/pflag ")
	if !ok {
		t.Fatal("cobra does not require pflag")
	}
	return strings.Fields(rest)[0]
}
