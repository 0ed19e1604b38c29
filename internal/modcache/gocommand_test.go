package modcache

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// A project is a main module that imports the fixtures, with a complete
// go.sum, and the real go command to use on it.
type project struct {
	dir   string
	proxy string // GOPROXY with the fixtures
	env   []string
}

func newProject(t *testing.T, modules []fixture) project {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command on PATH")
	}
	p := project{dir: t.TempDir()}
	var mod, sum strings.Builder
	mod.WriteString("module example.test/main\n\ngo 1.20\n")
	for _, f := range modules {
		fmt.Fprintf(&mod, "require %s %s // indirect\n", f.m.Path, f.m.Version)
		fmt.Fprintf(&sum, "%s %s %s\n%s %s/go.mod %s\n", f.m.Path, f.m.Version, f.h1, f.m.Path, f.m.Version, f.modH1)
	}
	mustWrite(t, filepath.Join(p.dir, "go.mod"), []byte(mod.String()))
	mustWrite(t, filepath.Join(p.dir, "go.sum"), []byte(sum.String()))
	// Constants only, and no main package: nothing of the standard library has
	// to be compiled.
	mustWrite(t, filepath.Join(p.dir, "lib.go"), []byte("package lib\n\nimport \"example.test/Alpha\"\n\nconst Name = alpha.Name\n"))
	p.proxy = fileMirror(t, modules)
	tmp := t.TempDir()
	p.env = []string{
		"PATH=" + os.Getenv("PATH"),
		// No HOME: the go command would leave a process behind that writes
		// telemetry there.
		"TMPDIR=" + tmp,
		"TMP=" + tmp, // on Windows
		"GOCACHE=" + filepath.Join(tmp, "build"),
		"GOPATH=" + filepath.Join(tmp, "path"),
		"GOENV=off",
		"GOTOOLCHAIN=local",
		"GOVCS=*:off",
		"GOWORK=off",
		"GOFLAGS=-mod=readonly",
		"GONOSUMDB=example.test", // go.sum is complete; this keeps a mistake in it off the network
	}
	return p
}

// fileMirror writes a static mirror and returns its URL.
func fileMirror(t *testing.T, modules []fixture) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range modules {
		path, err := module.EscapePath(f.m.Path)
		if err != nil {
			t.Fatal(err)
		}
		version, err := module.EscapeVersion(f.m.Version)
		if err != nil {
			t.Fatal(err)
		}
		base := filepath.Join(dir, path, "@v", version)
		mustWrite(t, base+".zip", f.zip)
		mustWrite(t, base+".mod", f.mod)
		mustWrite(t, base+".info", f.info)
	}
	return "file:///" + strings.TrimPrefix(filepath.ToSlash(dir), "/")
}

func (p project) command(t *testing.T, modcache, proxy string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = p.dir
	cmd.Env = append(p.env[:len(p.env):len(p.env)], "GOMODCACHE="+modcache, "GOPROXY="+proxy)
	return cmd
}

// run runs a go command that must succeed and returns its standard output.
func (p project) run(t *testing.T, modcache, proxy string, args ...string) string {
	t.Helper()
	cmd := p.command(t, modcache, proxy, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}

func TestTheModuleCacheEqualsThatOfTheGoCommand(t *testing.T) {
	t.Parallel()
	modules := fixtures(t)
	p := newProject(t, modules)
	theirs := modCacheDir(t)
	p.run(t, theirs, p.proxy, "mod", "download")
	want := listing(t, theirs)

	for _, tt := range []struct {
		name string
		put  func(t *testing.T, c *Cache, f fixture)
	}{
		{"when extracting in the pass that hashes", func(t *testing.T, c *Cache, f fixture) {
			put(t, c, f, PutOptions{Extract: true, Parallel: 4})
		}},
		{"when extracting later", func(t *testing.T, c *Cache, f fixture) {
			put(t, c, f, PutOptions{})
			if err := c.Extract(t.Context(), f.m, f.h1); err != nil {
				t.Fatal(err)
			}
		}},
		{"when the parts are on different file systems", func(t *testing.T, c *Cache, f fixture) {
			c.rename = otherFileSystem
			put(t, c, f, PutOptions{Extract: true})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := modCacheDir(t)
			c := openAt(t, dir)
			for _, f := range modules {
				tt.put(t, c, f)
			}
			if diff := cmp.Diff(want, listing(t, dir)); diff != "" {
				t.Errorf("module cache differs (-go command, +ours):\n%s", diff)
			}
		})
	}

	t.Run("with -modcacherw", func(t *testing.T) {
		t.Parallel()
		theirs := modCacheDir(t)
		p.run(t, theirs, p.proxy, "mod", "download", "-modcacherw")
		dir := modCacheDir(t)
		c := openAt(t, dir)
		c.ModCacheRW = true
		for _, f := range modules {
			put(t, c, f, PutOptions{Extract: true})
		}
		if diff := cmp.Diff(listing(t, theirs), listing(t, dir)); diff != "" {
			t.Errorf("module cache differs (-go command, +ours):\n%s", diff)
		}
	})
}

func otherFileSystem(from, to string) error {
	return &os.LinkError{Op: "rename", Old: from, New: to, Err: syscall.EXDEV}
}

func TestTheGoCommandWorksOfflineWithWhatWasPut(t *testing.T) {
	t.Parallel()
	modules := fixtures(t)
	for _, extract := range []bool{false, true} {
		t.Run(fmt.Sprintf("extracted %v", extract), func(t *testing.T) {
			t.Parallel()
			p := newProject(t, modules)
			dir := modCacheDir(t)
			c := openAt(t, dir)
			for _, f := range modules {
				put(t, c, f, PutOptions{Extract: extract})
			}
			p.run(t, dir, "off", "build", "./...")
			if out := p.run(t, dir, "off", "mod", "verify"); !strings.Contains(out, "all modules verified") {
				t.Errorf("go mod verify: %s", out)
			}
			p.run(t, dir, "off", "mod", "graph")
			type download struct{ Path, Version, Error, Sum, GoModSum, Info, Zip, Dir string }
			found := 0
			for dec := json.NewDecoder(strings.NewReader(p.run(t, dir, "off", "mod", "download", "-json"))); dec.More(); found++ {
				var d download
				if err := dec.Decode(&d); err != nil {
					t.Fatal(err)
				}
				if d.Error != "" || d.Zip == "" || d.Dir == "" || d.Info == "" {
					t.Errorf("go mod download -json: %+v", d)
				}
			}
			if found != len(modules) {
				t.Errorf("go mod download -json names %d modules, want %d", found, len(modules))
			}
			for _, f := range modules {
				mustBeComplete(t, c, f)
			}
		})
	}
}

// Without zips the go command does all but go mod download, and with zips that
// were made of the trees it does that, too.
func TestTheGoCommandWorksOfflineWithTreesAlone(t *testing.T) {
	t.Parallel()
	modules := fixtures(t)
	p := newProject(t, modules)
	theirs := modCacheDir(t)
	p.run(t, theirs, p.proxy, "mod", "download")
	want := listing(t, theirs)
	for name := range want {
		if strings.HasSuffix(name, ".zip") {
			delete(want, name)
		}
	}
	dir := modCacheDir(t)
	c := openAt(t, dir)
	for _, f := range modules {
		putTree(t, c, f)
	}
	if diff := cmp.Diff(want, listing(t, dir)); diff != "" {
		t.Errorf("module cache differs (-go command's without zips, +ours):\n%s", diff)
	}
	for _, args := range [][]string{{"list", "-deps", "-test", "./..."}, {"build", "./..."}, {"vet", "./..."}, {"list", "all"}, {"mod", "graph"}, {"mod", "verify"}} {
		p.run(t, dir, "off", args...)
	}
	if out, err := p.command(t, dir, "off", "mod", "download").CombinedOutput(); err == nil {
		t.Errorf("go mod download needs no zips any more:\n%s", out)
	}
	for _, f := range modules {
		if err := c.RebuildZip(t.Context(), f.m, f.h1); err != nil {
			t.Fatal(err)
		}
		mustBeComplete(t, c, f)
	}
	p.run(t, dir, "off", "mod", "download")
	if out := p.run(t, dir, "off", "mod", "verify"); !strings.Contains(out, "all modules verified") {
		t.Errorf("go mod verify: %s", out)
	}
	// Another module cache takes this one for a mirror.
	other := modCacheDir(t)
	mirror := "file:///" + strings.TrimPrefix(filepath.ToSlash(filepath.Join(dir, "cache", "download")), "/")
	p.run(t, other, mirror, "mod", "download")
	p.run(t, other, "off", "build", "./...")
}

// A go command that runs meanwhile sees whole modules only: it succeeds with
// what is there already and else says that it may not download.
func TestAGoCommandAtTheSameTimeSeesNoHalfOfATree(t *testing.T) {
	t.Parallel()
	modules := fixtures(t)
	p := newProject(t, modules)
	dir := modCacheDir(t)
	c := openAt(t, dir)
	first := modules[0]
	for _, f := range modules[1:] {
		putTree(t, c, f)
	}
	if err := c.PutMod(t.Context(), first.m, first.modH1, temp(t, c, first.mod)); err != nil {
		t.Fatal(err)
	}
	s := mustSlot(t, c, first.m)
	var builds []*exec.Cmd
	c.rename = func(from, to string) error {
		if to == s.ziphash || to == s.tree {
			build := p.command(t, dir, "off", "build", "./...")
			build.Stderr = &bytes.Buffer{}
			if err := build.Start(); err != nil {
				t.Fatal(err)
			}
			builds = append(builds, build)
		}
		return os.Rename(from, to)
	}
	putTree(t, c, first)
	if len(builds) != 2 {
		t.Errorf("%d go commands ran meanwhile, want 2", len(builds))
	}
	for _, build := range builds {
		if err := build.Wait(); err != nil && !strings.Contains(fmt.Sprint(build.Stderr), "disabled by GOPROXY=off") {
			t.Errorf("go build: %v\n%s", err, build.Stderr)
		}
	}
	p.run(t, dir, "off", "build", "./...")
}

func TestAGoCommandThatWaitsForTheLockAdoptsOurFiles(t *testing.T) {
	t.Parallel()
	modules := fixtures(t)
	p := newProject(t, modules)
	dir := modCacheDir(t)
	c := openAt(t, dir)
	for _, f := range modules[1:] {
		put(t, c, f, PutOptions{})
	}
	first := modules[0]
	if err := c.PutMod(t.Context(), first.m, first.modH1, temp(t, c, first.mod)); err != nil {
		t.Fatal(err)
	}
	cmd := p.command(t, dir, "off", "build", "./...")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	lines := bufio.NewScanner(stderr)
	asked := false
	// The first rename, that of the zip, happens under the version's lock:
	// there the go command is started, and waited for until it says what it
	// says before it asks for the lock. With GOPROXY=off it can then only
	// succeed by adopting the files.
	c.rename = func(from, to string) error {
		c.rename = os.Rename
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for !asked && lines.Scan() {
			said.WriteString(lines.Text() + "\n")
			asked = strings.HasPrefix(lines.Text(), "go: downloading "+first.m.Path)
		}
		return os.Rename(from, to)
	}
	err = c.PutZip(t.Context(), first.m, first.h1, temp(t, c, first.zip), PutOptions{Extract: true})
	if err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("go build: %v\n%s", err, &said)
	}
	if !asked {
		t.Fatalf("go build did not ask for %s:\n%s", first.m, &said)
	}
	mustBeComplete(t, c, first)
}
