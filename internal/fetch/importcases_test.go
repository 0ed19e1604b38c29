package fetch_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// importCase is a checkout with modules that a mirror has, from a txtar archive. The
// files of a module are named PATH@VERSION/FILE, all others are the checkout's. Above
// them stand lines of
//
//	dir: DIR            the checkout is there instead of at the top
//	env: NAME=VALUE     for the go command
//	sum: FILE...        the go.sum files, instead of one in dir; made of all modules
//	nosum: PATH VERSION but for the zip of this one
//	link: NAME TARGET   a symbolic link
//	run: ARGS           a go command that downloads, instead of list -deps -test ./...
//	fails: TEXT         what the go command says that fails
//	finding: CHECK      what a run tells, besides
//	more: ZIP...        what a run brings for a build that fails sooner
type importCase struct {
	lines    map[string][]string
	files    map[string]string
	fixtures *mirrortest.Fixtures
	modules  []mirrortest.Module
}

func readImportCase(t *testing.T, text []byte) importCase {
	t.Helper()
	a := txtar.Parse(text)
	c := importCase{lines: map[string][]string{}, files: map[string]string{}}
	for line := range strings.Lines(string(a.Comment)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			c.lines[key] = append(c.lines[key], value)
		}
	}
	modules := map[module.Version]mirrortest.Module{}
	for _, f := range a.Files {
		at, rest, ok := strings.Cut(f.Name, "@")
		if !ok {
			c.files[f.Name] = string(f.Data)
			continue
		}
		version, name, _ := strings.Cut(rest, "/")
		v := module.Version{Path: at, Version: version}
		m, ok := modules[v]
		if !ok {
			m = mirrortest.Module{Path: at, Version: version, Files: map[string]string{}}
		}
		if name == "go.mod" {
			m.GoMod = string(f.Data)
		} else {
			m.Files[name] = string(f.Data)
		}
		modules[v] = m
	}
	c.modules = slices.Collect(maps.Values(modules))
	c.fixtures = mirrortest.Build(t, c.modules...)
	return c
}

// one is the value of a line that stands there once, "" without it.
func (c importCase) one(key string) string { return strings.Join(c.lines[key], "") }

// sum is a go.sum with all modules.
func (c importCase) sum() string {
	var b strings.Builder
	for _, a := range c.fixtures.All() {
		lines := a.SumLines()
		if slices.Contains(c.lines["nosum"], a.Path+" "+a.Version.Version) {
			_, lines, _ = strings.Cut(lines, "\n")
		}
		b.WriteString(lines)
	}
	return b.String()
}

// bench is a bench over the checkout for linux/amd64 alone, as the go command of run.
func (c importCase) bench(t *testing.T) *fetchtest.Bench {
	t.Helper()
	b := fetchtest.New(t, c.fixtures, mirrortest.Checkout{})
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		fetchtest.Remove(t, filepath.Join(b.Dir, name))
	}
	files := maps.Clone(c.files)
	for _, name := range strings.Fields(cmp.Or(c.one("sum"), path.Join(c.one("dir"), "go.sum"))) {
		files[name] = c.sum()
	}
	for name, text := range files {
		name = filepath.Join(b.Dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		fetchtest.Write(t, name, text)
	}
	for _, line := range c.lines["link"] {
		name, target, _ := strings.Cut(line, " ")
		if err := os.Symlink(target, filepath.Join(b.Dir, name)); err != nil {
			t.Skip(err)
		}
	}
	b.Dir = filepath.Join(b.Dir, c.one("dir"))
	b.Values.Checkout.Root = b.Dir
	b.Values.Dir, b.Values.Platforms, b.Values.NoProbe, b.Values.Extract = b.Dir, "linux/amd64", true, "off"
	for _, line := range c.env() {
		name, value, _ := strings.Cut(line, "=")
		b.Setenv(name, value)
		b.Env[name] = value
	}
	return b
}

func (c importCase) env() []string {
	return append([]string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=1"}, c.lines["env"]...)
}

// run runs the go commands of the case with a module cache, which it returns.
func (c importCase) run(t *testing.T, b *fetchtest.Bench, cache, proxy, modcache string) string {
	t.Helper()
	tmp := t.TempDir()
	runs, failed := c.lines["run"], ""
	if runs == nil {
		runs = []string{"list -deps -test ./..."}
	}
	for _, args := range runs {
		cmd := exec.CommandContext(t.Context(), "go", strings.Fields(args)...)
		cmd.Dir = b.Dir
		// No HOME: the go command would leave a process behind that writes telemetry
		// there.
		cmd.Env = append([]string{
			"PATH=" + os.Getenv("PATH"), "TMPDIR=" + tmp, "TMP=" + tmp, "GOPATH=" + tmp, "GOCACHE=" + cache, "GOENV=off", "GOTOOLCHAIN=local", "GOVCS=*:off",
			"GOSUMDB=off", // nobody else knows these modules
			"GOMODCACHE=" + modcache, "GOPROXY=" + proxy,
		}, c.env()...)
		// Last, so that the directories can be removed.
		cmd.Env = append(cmd.Env, "GOFLAGS="+strings.TrimSpace("-modcacherw "+b.Env["GOFLAGS"]))
		if out, err := cmd.CombinedOutput(); err != nil {
			failed += fmt.Sprintf("go %s: %v\n%s", args, err, out)
		}
	}
	if want := c.one("fails"); (failed != "") != (want != "") || !strings.Contains(failed, want) {
		t.Errorf("the go command fails with %q, want %q", failed, want)
	}
	return modcache
}

// zips are the module zips that are or were in a module cache: of those that layers
// brought as trees there is the hash alone.
func zips(t *testing.T, modcache string) (names []string) {
	t.Helper()
	root := filepath.Join(modcache, "cache", "download")
	err := filepath.WalkDir(root, func(name string, _ os.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // nothing was downloaded
		}
		if err == nil && filepath.Ext(name) == ".ziphash" {
			rel, _ := filepath.Rel(root, strings.TrimSuffix(name, "hash"))
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// The zips that a run brings are those that the go command downloads to build, vet and
// test, name by name.
func TestImportsAreThoseOfTheGoCommand(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command on PATH")
	}
	cache := filepath.Join(t.TempDir(), "build")
	names, err := filepath.Glob(filepath.Join("testdata", "imports", "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			c := readImportCase(t, text)
			b := c.bench(t)
			proxy := c.fixtures.WriteProxy(t, t.TempDir())
			want := append(zips(t, c.run(t, b, cache, proxy, filepath.Join(t.TempDir(), "mod"))), strings.Fields(c.one("more"))...)
			r := b.Run(proxy)
			if diff := gocmp.Diff(want, zips(t, b.ModCache), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("zips (-go command +run):\n%s", diff)
			}
			if c.one("fails") == "" {
				fetchtest.WantOutcome(t, r, report.OK)
				c.run(t, b, cache, "off", b.ModCache) // with every go.mod that it reads
			}
			for _, check := range []string{"import-ambiguous", "import-not-required", "scope-build"} {
				if got := fetchtest.Found(r, check); (got != nil) != (c.one("finding") == check) {
					t.Errorf("finding %s: %+v", check, got)
				}
			}
		})
	}
}
