// Package program builds programs that "go install" refuses, because the go.mod of
// their module replaces or excludes others.
package program

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Build builds packages in a module with the requirements of its own that gomod
// gives, lines of a go.mod, and returns the directory that has the programs.
func Build(tb testing.TB, gomod string, packages ...string) (dir string) {
	tb.Helper()
	dir = tb.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.test/program\n\ngo 1.26.0\n\n"+gomod+"\n"), 0o644); err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command("go", append([]string{"build", "-mod=mod", "-o", dir + "/"}, packages...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "PWD="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("build %q: %v\n%s", packages, err, out)
	}
	return dir
}
