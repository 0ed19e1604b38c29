package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// startDir is a directory as a store.
func startDir(t *testing.T, _ bool) *counterpart {
	dir := filepath.Join(memory(t), "cache")
	return &counterpart{cache: "dir:" + dir, kept: keptDir(dir)}
}

// eachStore runs a test on every store: the directory, and the others in front
// of their counterparts.
func eachStore(t *testing.T, alone bool, test func(t *testing.T, c *counterpart)) {
	t.Run("dir", func(t *testing.T) { test(t, startDir(t, alone)) })
	for _, c := range counterparts {
		t.Run(c.name, func(t *testing.T) { test(t, c.start(t, alone)) })
	}
}

// use lets the commands of a place use a store.
func (p *place) use(c *counterpart) {
	p.cache = c.cache
	p.env = append(p.env, c.environ()...)
	for _, name := range []string{"ACTIONS_RUNTIME_TOKEN", "AWS_SECRET_ACCESS_KEY"} {
		if secret := c.env[name]; secret != "" {
			p.secrets = append(p.secrets, secret)
		}
	}
}

// wipe makes the module cache that of a new job: empty.
func (p *place) wipe(t *testing.T) {
	t.Helper()
	writable(t, p.modcache)
	if err := os.RemoveAll(p.modcache); err != nil {
		t.Fatal(err)
	}
}

// verified has the go command look at every zip and tree.
func (p *place) verified(t *testing.T) {
	t.Helper()
	if out := p.goOffline(t, "mod", "verify"); !strings.Contains(out, "all modules verified") {
		t.Errorf("go mod verify says:\n%s", out)
	}
}

// save runs `modferry cache save` and expects that something was saved.
func (p *place) save(t *testing.T, args ...string) *report.Saved {
	t.Helper()
	r := p.modferry(t, 0, append([]string{"cache", "save"}, args...)...)
	if r.Cache.Saved == nil || r.Cache.Saved.Index == "" {
		t.Fatalf("nothing was saved: %+v", r.Cache)
	}
	return r.Cache.Saved
}

// fromCacheAlone reports as errors what a run asked of a mirror beyond the
// preflight.
func fromCacheAlone(t *testing.T, r *report.Result, s *mirrortest.Server) {
	t.Helper()
	for _, m := range r.Modules {
		if m.Source != report.FromCache {
			t.Errorf("%s %s@%s: %s, expected cache", m.Kind, m.Path, m.Version, m.Source)
		}
	}
	if n := s.Count("*.zip"); n > 0 {
		t.Errorf("the mirror was asked for %d zips", n)
	}
	if len(r.Cache.Rejected) > 0 || r.Cache.Reason != "" {
		t.Errorf("the cache brought less than it might: %q %q", r.Cache.Rejected, r.Cache.Reason)
	}
}

// cachedProject is a project in the life of a cache.
type cachedProject struct {
	project
	command string // the package that its jobs build
	drops   string // a file without which imports need much less; "" when they do anyway

	// A commit that changes one module: its versions, and its lines of go.sum.
	module, from, to, sums string
}

// hugo needs half of its modules, in bytes, for nothing that its jobs do.
var hugo = cachedProject{
	project: projects[0], command: ".",
	module: "github.com/bep/debounce", from: "v1.2.0", to: "v1.2.1",
	sums: "github.com/bep/debounce v1.2.1 h1:v67fRdBA9UQu2NhLFXrSg0Brw7CexQekrBwDMM8bzeY=\n" +
		"github.com/bep/debounce v1.2.1/go.mod h1:H8yggRPQKLUhUoqrJC1bO2xNya7vanpDl7xR3ISbCJ0=\n",
}

// task has a seventh of hugo's modules.
var task = cachedProject{
	project: project{Version: module.Version{Path: "github.com/go-task/task/v3", Version: "v3.40.1"}, packages: "./..."},
	command: "./cmd/task", drops: "taskfile/node_git.go",
	module: "golang.org/x/sync", from: "v0.9.0", to: "v0.10.0",
	sums: "golang.org/x/sync v0.10.0 h1:3NQrjDixjgGwUOCaF8w2+VYHv0Ve/vGYSbdkTa98gmQ=\n" +
		"golang.org/x/sync v0.10.0/go.mod h1:Czt+wKu1gCyEFDUtn0jG5QVvpJ6rzVqr5aXyt9drQfk=\n",
}

// commit changes the module in the checkout.
func (p cachedProject) commit(t *testing.T, dir string) {
	t.Helper()
	for _, change := range []struct{ name, old, new string }{
		{"go.mod", p.module + " " + p.from, p.module + " " + p.to},
		// Its old go.mod file stays part of the module graph.
		{"go.sum", p.module + " " + p.from + " h1:", p.sums},
	} {
		file := filepath.Join(dir, change.name)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		before, after, ok := strings.Cut(string(data), change.old)
		if !ok {
			t.Fatalf("%s has no %q", change.name, change.old)
		}
		if change.name == "go.sum" {
			_, after, _ = strings.Cut(after, "\n") // the rest of the line
		}
		if err := os.WriteFile(file, []byte(before+change.new+after), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestASavedProjectComesBackFromEveryStore is the life of a cache: a first job,
// the same again, one that wants more than imports need, and one after a commit
// that changes one module.
func TestASavedProjectComesBackFromEveryStore(t *testing.T) {
	p := task
	if everything() {
		p = hugo
	}
	checkout := p.checkout(t)
	eachStore(t, false, func(t *testing.T, c *counterpart) {
		t.Parallel()
		s := startRecorded(t)
		at := newPlace(t, s)
		at.dir = filepath.Join(t.TempDir(), "checkout")
		if err := os.CopyFS(at.dir, os.DirFS(checkout)); err != nil {
			t.Fatal(err)
		}
		if p.drops != "" {
			if err := os.Remove(filepath.Join(at.dir, p.drops)); err != nil {
				t.Fatal(err)
			}
		}
		at.use(c)

		// The first job. Only what imports need is brought and saved.
		first := at.fetch(t, 0)
		if first.Cache.Hit != "miss" {
			t.Errorf("the first job: cache %+v, expected a miss", first.Cache)
		}
		at.goOffline(t, "list", "-deps", p.command)
		saved := at.save(t)
		all := total(c.kept.sizes(t))
		if saved.Layers == 0 || saved.Bytes == 0 || saved.Bytes > all {
			t.Errorf("saved %+v, and the store has %d bytes", saved, all)
		}

		// The same commit again.
		next := func(expect string, args ...string) *report.Result {
			t.Helper()
			at.wipe(t)
			s.Forget()
			r := at.fetch(t, 0, args...)
			if r.Cache.Hit != expect {
				t.Errorf("cache %+v, expected hit %s", r.Cache, expect)
			}
			return r
		}
		again := next("exact")
		fromCacheAlone(t, again, s)
		if len(again.Modules) != len(first.Modules) {
			t.Errorf("%d module files, expected %d as in the first job", len(again.Modules), len(first.Modules))
		}
		at.goOffline(t, "list", "-deps", "-test", p.packages)

		// All that go.mod requires, which is more.
		wider := next("exact", "--scope", "build")
		n := sources(wider)
		if n["zip cache"] != sources(first)["zip mirror"] || n["zip mirror"] == 0 || s.Count("*.zip") < n["zip mirror"] {
			t.Errorf("all that go.mod requires: %v, after a first job with %v", n, sources(first))
		}
		at.verified(t)
		at.save(t, "--scope", "build")
		if both := total(c.kept.sizes(t)); all > both*9/10 {
			t.Errorf("%d bytes for what imports need, %d with the rest", all, both)
		}
		whole := next("exact", "--scope", "build", "--zips", "rebuild")
		fromCacheAlone(t, whole, s)
		if len(whole.Modules) != len(wider.Modules) {
			t.Errorf("%d module files, expected %d as in the job before", len(whole.Modules), len(wider.Modules))
		}
		at.verified(t)
		at.goOffline(t, "mod", "download") // which wants zips

		// A commit that changes one module.
		all = total(c.kept.sizes(t))
		p.commit(t, at.dir)
		partial := next("partial", "--scope", "build")
		if n, zips := sources(partial), s.Paths("*.zip"); n["zip mirror"] != 1 || len(zips) != 1 {
			t.Errorf("after a change of one module %v, and the mirror was asked for %q", n, zips)
		}
		at.goOffline(t, "list", "-deps", p.command)
		if saved := at.save(t, "--scope", "build"); saved.Layers != 1 || saved.Compact {
			t.Errorf("after a change of one module %+v was saved, expected one small layer", saved)
		}
		if grown := total(c.kept.sizes(t)) - all; grown > all/50 {
			t.Errorf("after a change of one module the store grew by %d bytes, over 2 %% of %d", grown, all)
		}
		fromCacheAlone(t, next("exact", "--scope", "build"), s)

		// Nothing is new.
		before := total(c.kept.sizes(t))
		r := at.modferry(t, 0, "cache", "save", "--scope", "build")
		if after := total(c.kept.sizes(t)); after-before > all/50 {
			t.Errorf("saving what came from the cache grew the store by %d bytes: %+v", after-before, r.Cache.Saved)
		}
	})
}
