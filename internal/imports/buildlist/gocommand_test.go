package buildlist

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// These tests compare the package with the real go command, where one is on
// PATH. Nothing leaves the machine: its mirror is a directory.

// goCommand is a go command in a checkout.
type goCommand struct {
	t        testing.TB
	dir, tmp string
	env      []string
}

func newGoCommand(t testing.TB, c checkout) *goCommand {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command on PATH")
	}
	g := &goCommand{t: t, dir: t.TempDir(), tmp: t.TempDir()}
	mirror := t.TempDir()
	for name, text := range c {
		where, version, ok := strings.Cut(name, "@")
		if !ok {
			g.write(filepath.Join(g.dir, name), text)
			continue
		}
		where, err := module.EscapePath(where)
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(mirror, where, "@v", version)
		g.write(at+".mod", text)
		g.write(at+".info", fmt.Sprintf(`{"Version":%q}`, version))
	}
	g.env = []string{
		"PATH=" + os.Getenv("PATH"),
		// No HOME: the go command would leave a process behind that writes
		// telemetry there.
		"TMPDIR=" + g.tmp,
		"TMP=" + g.tmp, // on Windows
		"GOCACHE=" + filepath.Join(g.tmp, "build"),
		"GOPATH=" + filepath.Join(g.tmp, "path"),
		"GOENV=off",
		"GOTOOLCHAIN=local",
		"GOVCS=*:off",
		"GOSUMDB=off", // nobody else knows these modules
		"GOPROXY=file:///" + strings.TrimPrefix(filepath.ToSlash(mirror), "/"),
	}
	if !c.workspace() {
		g.env = append(g.env, "GOWORK=off")
		g.dir = filepath.Join(g.dir, "main")
	}
	return g
}

func (g *goCommand) write(name, text string) {
	g.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		g.t.Fatal(err)
	}
}

func (g *goCommand) read(name string) string {
	g.t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		g.t.Fatal(err)
	}
	return string(data)
}

// run runs a go command with a module cache in g.tmp and returns its output.
func (g *goCommand) run(modcache string, args ...string) (string, error) {
	cmd := exec.CommandContext(g.t.Context(), "go", args...)
	cmd.Dir = g.dir
	cmd.Env = append(slices.Clip(g.env), "GOMODCACHE="+filepath.Join(g.tmp, modcache))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return string(out), nil
}

// tidied has the go command write what it wants into go.mod and go.sum of a
// single main module, as it would refuse to build otherwise, and returns the
// checkout with that go.mod.
func (g *goCommand) tidied(c checkout) (checkout, error) {
	const file, line = "main/go.mod", "\ngo 1.16\n"
	main, err := modfile.ParseLax(file, []byte(c[file]), nil)
	if err != nil {
		return nil, err
	}
	onDisk := filepath.Join(g.dir, "go.mod")
	if main.Go == nil { // it would write the line of its own version
		g.write(onDisk, c[file]+line)
	}
	if _, err := g.run("tidied", "list", "-mod=mod", "-m", "all"); err != nil {
		return nil, err
	}
	tidied := maps.Clone(c)
	tidied[file] = g.read(onDisk)
	if main.Go == nil {
		tidied[file] = strings.Replace(tidied[file], line, "\n", 1)
		g.write(onDisk, tidied[file])
	}
	return tidied, nil
}

// selected is the build list of the go command without the main modules.
func (g *goCommand) selected() (string, error) {
	out, err := g.run("selected", "list", "-m", "-f", "{{if not .Main}}{{.Path}} {{.Version}}{{end}}", "all")
	if err != nil {
		return "", err
	}
	versions := make(map[string]string)
	for line := range strings.Lines(out) {
		if path, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok { // a main module's line is empty
			versions[path] = version
		}
	}
	return list(versions), nil
}

// files are the go.mod files that the go command reads from a mirror to know
// the module graph.
func (g *goCommand) files() ([]string, error) {
	if _, err := g.run("files", "mod", "graph"); err != nil {
		return nil, err
	}
	root := filepath.Join(g.tmp, "files", "cache", "download")
	var files []string
	for _, name := range glob(g.t, root, ".mod") {
		escaped, version, _ := strings.Cut(strings.TrimSuffix(name, ".mod"), "/@v/")
		path, err := module.UnescapePath(escaped)
		if err != nil {
			g.t.Fatal(err)
		}
		files = append(files, path+"@"+version)
	}
	slices.Sort(files)
	return files, nil
}

// glob returns the files below root with a suffix.
func glob(t testing.TB, root, suffix string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, _ os.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // nothing was read
		}
		if err != nil || !strings.HasSuffix(name, suffix) {
			return err
		}
		rel, err := filepath.Rel(root, name)
		names = append(names, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// compare compares what this package selects and reads with the go command,
// and reports whether that accepts the checkout.
func compare(t testing.TB, c checkout) (accepted bool) {
	t.Helper()
	command := newGoCommand(t, c)
	var err error
	if !c.workspace() {
		if c, err = command.tidied(c); err != nil {
			t.Logf("refused: %v", err)
			return false
		}
	}
	want, err := command.selected()
	if err != nil {
		t.Logf("refused: %v", err)
		return false
	}
	wantRead, err := command.files()
	if err != nil {
		t.Logf("refused: %v", err)
		return false
	}
	g := c.graph(t)
	read := slices.DeleteFunc(c.answer(t, g), func(name string) bool { return !strings.Contains(name, "@") })
	versions, err := g.Selected()
	if err != nil {
		t.Errorf("Selected: %v\n%s", err, c)
	}
	if diff := cmp.Diff(want, list(versions)); diff != "" {
		t.Errorf("build list differs (-go command +ours):\n%s\n%s", diff, c)
	}
	if diff := cmp.Diff(wantRead, read, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("go.mod files differ (-go command +ours):\n%s\n%s", diff, c)
	}
	return true
}

func TestTheGoCommandSelectsTheSameInTheCases(t *testing.T) {
	t.Parallel()
	for name, archive := range cases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCheckout(archive)
			delete(c, "want")
			delete(c, "read")
			if !compare(t, c) {
				t.Error("the go command does not accept it")
			}
		})
	}
}

// MODFERRY_BUILDLIST_GRAPHS is how many graphs there are, 40 if it is not set. They
// are the same in every run.
func TestTheGoCommandSelectsTheSameInRandomGraphs(t *testing.T) {
	t.Parallel()
	graphs := 40
	if s := os.Getenv("MODFERRY_BUILDLIST_GRAPHS"); s != "" {
		var err error
		if graphs, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	accepted := make([]bool, graphs)
	t.Run("graph", func(t *testing.T) {
		for i := range graphs {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				accepted[i] = compare(t, randomCheckout(rand.New(rand.NewPCG(uint64(i), 1))))
			})
		}
	})
	compared := 0
	for _, ok := range accepted {
		if ok {
			compared++
		}
	}
	t.Logf("the go command accepts %d of %d graphs", compared, graphs)
	if compared < graphs*3/4 {
		t.Errorf("the go command accepts %d of %d graphs: they test too little", compared, graphs)
	}
}

// cases are the files of testdata by name.
func cases(t testing.TB) map[string]*txtar.Archive {
	t.Helper()
	all := make(map[string]*txtar.Archive)
	for _, name := range glob(t, "testdata", ".txtar") {
		a, err := txtar.ParseFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(name, ".txtar")] = a
	}
	if len(all) == 0 {
		t.Fatal("no cases")
	}
	return all
}
