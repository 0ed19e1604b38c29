package modcache

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary be the processes that work on a module cache
// beside the test, or get killed: with childDir set it does not test, but
// puts all modules into that module cache.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir, os.Getenv(childKill), os.Getenv(childTrees) != ""); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

const (
	childDir   = "MODFERRY_TEST_CHILD_DIR"
	childTrees = "MODFERRY_TEST_CHILD_TREES" // not "": trees instead of zips
	childKill  = "MODFERRY_TEST_CHILD_KILL"  // before (even) or after (odd) which rename, from 0; "" is never
)

func child(dir, kill string, trees bool) error {
	t := &childT{}
	c, err := Open(dir)
	if err != nil {
		return err
	}
	if kill != "" {
		point, err := strconv.Atoi(kill)
		if err != nil {
			return err
		}
		reached := 0
		c.rename = func(from, to string) error {
			if reached++; reached > point/2 && point%2 == 0 {
				killSelf()
			}
			err := os.Rename(from, to)
			if reached > point/2 {
				killSelf()
			}
			return err
		}
	}
	for _, f := range append(fixtures(t), big(t)) {
		fmt.Println(f.m)
		ctx := context.Background()
		tmp, err := c.Temp()
		if err != nil {
			return err
		}
		if trees {
			tmp.Close() // what is open is not removed on Windows
			err = c.PutTree(ctx, f.m, f.h1, treeOf(f.files))
		} else if _, err = tmp.Write(f.zip); err == nil {
			err = c.PutZip(ctx, f.m, f.h1, tmp, PutOptions{Extract: true, Parallel: 2})
		}
		if err != nil {
			return err
		}
		fmt.Println(f.m)
		if tmp, err = c.Temp(); err != nil {
			return err
		}
		if _, err := tmp.Write(f.mod); err != nil {
			return err
		}
		if err := c.PutMod(ctx, f.m, f.modH1, tmp); err != nil {
			return err
		}
		if err := c.PutInfo(ctx, f.m, f.info); err != nil {
			return err
		}
	}
	if err := c.Close(); err != nil {
		return err
	}
	t.cleanup()
	return nil
}

// killSelf ends the process as kill -9 does.
func killSelf() {
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		p.Kill()
	}
	select {}
}

// A childT lets fixtures be made without a test.
type childT struct {
	testing.TB
	dirs []string
}

func (t *childT) Helper() {}

func (t *childT) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func (t *childT) TempDir() string {
	dir, err := os.MkdirTemp("", "modcache-child-*")
	if err != nil {
		panic(err)
	}
	t.dirs = append(t.dirs, dir)
	return dir
}

func (t *childT) cleanup() {
	for _, dir := range t.dirs {
		os.RemoveAll(dir)
	}
}

// startChild makes a process that puts zips, or trees, into the module cache in
// dir.
func startChild(t *testing.T, dir, kill, trees string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childDir+"="+dir, childKill+"="+kill, childTrees+"="+trees, "TMPDIR="+t.TempDir())
	cmd.Stderr = os.Stderr
	return cmd
}

func TestProcessesPutTheSameModules(t *testing.T) {
	t.Parallel()
	dir := modCacheDir(t)
	var children []*exec.Cmd
	for _, trees := range []string{"", "", "trees", "trees"} {
		cmd := startChild(t, dir, "", trees)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, cmd)
	}
	for _, cmd := range children {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	mustBeUsable(t, dir)
}

// mustBeUsable fails unless the module cache has all modules, nothing
// temporary, and the go command is content with it.
func mustBeUsable(t *testing.T, dir string) {
	t.Helper()
	c := openAt(t, dir)
	for _, f := range append(fixtures(t), big(t)) {
		if ok, err := c.HasTree(f.m, f.h1); !ok || err != nil {
			t.Errorf("HasTree(%s) = %v, %v; want true", f.m, ok, err)
		}
		diffs, err := c.Verify(t.Context(), f.m, f.h1, f.modH1, 2)
		if err != nil || len(diffs) > 0 {
			t.Errorf("Verify(%s): %v, %v", f.m, diffs, err)
		}
	}
	runs, err := os.ReadDir(dir + "/cache/modferry")
	if err != nil || len(runs) != 2 { // ours: a directory and its lock
		t.Errorf("runs: %v, %v; want only that of this test", runs, err)
	}
	p := newProject(t, fixtures(t))
	p.run(t, dir, "off", "build", "./...")
	if out := p.run(t, dir, "off", "mod", "verify"); !strings.Contains(out, "all modules verified") {
		t.Errorf("go mod verify: %s", out)
	}
}

// Every file gets its final name by a rename, so before and after each of
// them are the instants that differ most.
func TestAKillBeforeOrAfterAnyRenameLeavesAGoodModuleCache(t *testing.T) {
	t.Parallel()
	modules := fixtures(t)
	// Those of the first module.
	for trees, renames := range map[string]int{"": 5 /* zip, ziphash, tree, go.mod, info */, "trees": 4} {
		for point := range 2 * renames {
			t.Run(fmt.Sprint(trees, point), func(t *testing.T) {
				t.Parallel()
				dir := modCacheDir(t)
				out, err := startChild(t, dir, fmt.Sprint(point), trees).Output()
				if err == nil || !strings.HasPrefix(string(out), modules[0].m.String()) {
					t.Fatalf("the child was not killed: %v\n%s", err, out)
				}
				if point%2 == 0 {
					// The go command can go on from here.
					p := newProject(t, modules)
					p.run(t, dir, p.proxy, "mod", "download")
					p.run(t, dir, "off", "build", "./...")
					p.run(t, dir, "off", "mod", "verify")
				}
				// And so can the next run.
				if err := startChild(t, dir, "", trees).Run(); err != nil {
					t.Fatal(err)
				}
				mustBeUsable(t, dir)
			})
		}
	}
}

func TestAKillAtAnyInstantLeavesAGoodModuleCache(t *testing.T) {
	t.Parallel()
	modules := fixtures(t)
	// The child says one line before each module and one after its contents; it
	// is killed while it goes on from the line-th.
	for _, trees := range []string{"", "trees"} {
		for _, line := range []int{0, 1, 2, 5, 8} {
			t.Run(fmt.Sprint(trees, line), func(t *testing.T) {
				t.Parallel()
				dir := modCacheDir(t)
				cmd := startChild(t, dir, "", trees)
				stdout, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				lines := bufio.NewScanner(stdout)
				for range line + 1 {
					if !lines.Scan() {
						t.Fatalf("the child ended before line %d", line)
					}
				}
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				for lines.Scan() { // Wait wants the pipe read to its end
				}
				cmd.Wait() // killed, unless it had just finished

				p := newProject(t, modules)
				p.run(t, dir, p.proxy, "mod", "download")
				p.run(t, dir, "off", "build", "./...")
				if err := startChild(t, dir, "", trees).Run(); err != nil {
					t.Fatal(err)
				}
				mustBeUsable(t, dir)
			})
		}
	}
}
