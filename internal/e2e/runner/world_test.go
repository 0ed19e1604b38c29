//go:build linux

package runner

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// world is what surrounds the jobs: modules, a mirror that is dead and one that
// is not, a checksum database, and a cache service.
type world struct {
	t       *testing.T
	modules *mirrortest.Fixtures // of the checkout
	dead    *mirrortest.Server   // answers 503
	mirror  *mirrortest.Server
	sumdb   *mirrortest.SumDB
	sumURL  string
	cache   *ghatest.Server
	v1      bool // the cache service is spoken to as v1
}

// The modules beyond those that the checkout builds with.
var (
	unused = module.Version{Path: "example.test/unused", Version: "v1.0.0"} // required, imported by nothing
	extra  = module.Version{Path: "example.test/extra", Version: "v1.2.3"}  // required by nothing
)

// newWorld is a world with 8 modules.
func newWorld(t *testing.T, cache ghatest.Options) *world {
	t.Helper()
	needRoot(t)
	mods := []mirrortest.Module{{Path: unused.Path, Version: unused.Version, Size: 40_000}}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		mods = append(mods, mirrortest.Module{Path: "example.test/" + name, Version: "v1.0.0", Size: 20_000})
	}
	w := &world{t: t, modules: mirrortest.Build(t, mods...), v1: cache.Protocol == "v1"}
	all := w.modules.With(mirrortest.Build(t, mirrortest.Module{Path: extra.Path, Version: extra.Version, Size: 30_000}).All()...)
	w.sumdb = mirrortest.NewSumDB(t, all)
	w.sumURL = mirrortest.Start(t, mirrortest.Options{Handler: w.sumdb}).URL
	w.mirror = mirrortest.Start(t, mirrortest.Options{Fixtures: all})
	w.dead = mirrortest.Start(t, mirrortest.Options{Faults: []mirrortest.Rule{mirrortest.Always("", mirrortest.Status(503))}})
	w.cache = ghatest.Start(t, cache)
	return w
}

// checkout writes the project into a directory.
func (w *world) checkout(dir string) {
	w.t.Helper()
	var used []module.Version
	for _, v := range w.modules.Versions() {
		if v != unused {
			used = append(used, v)
		}
	}
	w.modules.WriteCheckout(w.t, dir, mirrortest.Checkout{
		Require:    used,
		ExtraGoMod: "\nrequire " + unused.Path + " " + unused.Version + "\n",
		ExtraGoSum: w.modules.Get(unused.Path, unused.Version).SumLines(),
	})
}

// join gives a job the services and mirrors of the world.
func (w *world) join(j *job) *job {
	env := w.cache.Env()
	delete(env, "ACTIONS_CACHE_SERVICE_V2") // which container actions never get
	j.service = map[string]string{"ACTIONS_RUNTIME_URL": "http://runtime.example.test/"}
	for name, value := range env {
		if strings.HasPrefix(name, "ACTIONS_") {
			j.service[name] = value
		}
	}
	if w.v1 && !j.layout.act {
		j.event["GITHUB_SERVER_URL"] = env["GITHUB_SERVER_URL"]
	}
	j.secrets = append(j.secrets, w.cache.Secrets()...)
	maps.Copy(j.with, map[string]string{
		"proxy":  w.dead.URL + "|" + w.mirror.URL,
		"sumdb":  w.sumdb.Key + " " + w.sumURL,
		"report": "modferry.json",
	})
	return j
}

// job is a new job in the world, on a machine with nothing but the checkout.
func (w *world) job(l layout, e engine) *job {
	w.t.Helper()
	return w.join(newJob(w.t, l, e, w.checkout))
}

// result is what main wrote for input report.
func (j *job) result() *report.Result {
	j.t.Helper()
	f, err := os.Open(filepath.Join(j.paths.workspace, "modferry.json"))
	if err != nil {
		j.t.Fatal(err)
	}
	defer f.Close()
	r, err := report.Decode(f)
	if err != nil {
		j.t.Fatal(err)
	}
	return r
}

// modcache is the module cache that later steps use, on the host.
func (j *job) modcache() string {
	j.t.Helper()
	dir := onHost(translate(j.env["GOMODCACHE"], j.paths.ofJob(j.layout)), j.paths.ofJob(j.layout))
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		j.t.Fatalf("GOMODCACHE=%s, which later steps do not see: %v", j.env["GOMODCACHE"], err)
	}
	return dir
}

// owned fails the test for everything below dir that is not the runner's user's.
func owned(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if s := info.Sys().(*syscall.Stat_t); s.Uid != runnerUID || s.Gid != runnerGID {
			t.Errorf("%s belongs to %d:%d, expected the workspace's owner %d:%d", name, s.Uid, s.Gid, runnerUID, runnerGID)
			if d.IsDir() {
				return fs.SkipDir
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// has reports whether the module cache has a module's zip or its tree.
func (j *job) has(v module.Version) bool {
	j.t.Helper()
	for _, name := range []string{filepath.Join("cache", "download", v.Path, "@v", v.Version+".zip"), v.String()} {
		if _, err := os.Stat(filepath.Join(j.modcache(), filepath.FromSlash(name))); err == nil {
			return true
		}
	}
	return false
}

// matcher is a problem matcher file.
type matcher struct {
	ProblemMatcher []struct {
		Owner    string
		Severity string
		Pattern  []struct {
			Regexp  string
			File    int
			Line    int
			Message int
		}
	} `json:"problemMatcher"`
}

// readMatchers reads the matcher files that the job has registered, as the
// runner's user on the host.
func (j *job) readMatchers() []matcher {
	j.t.Helper()
	var all []matcher
	for _, name := range j.matcher {
		out := box{Dir: "/", Argv: []string{"/bin/cat", name}, UID: runnerUID, GID: runnerGID}.run(j.t)
		if out.code != 0 {
			j.t.Errorf("the runner cannot read the matcher: %s", out.stderr)
			continue
		}
		var m matcher
		if err := json.Unmarshal([]byte(out.stdout), &m); err != nil {
			j.t.Errorf("matcher %s: %v", name, err)
		}
		all = append(all, m)
	}
	return all
}
