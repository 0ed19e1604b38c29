//go:build unix

package fetch_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/report"
)

// What is no regular file of a module proxy is left alone and told, whatever it is
// called and wherever it leads.
func TestImportOfAHostileTree(t *testing.T) {
	t.Parallel()
	b, tree := exported(t)
	secret := filepath.Join(t.TempDir(), "secret")
	fetchtest.Write(t, secret, "module example.test/secret\n")
	dir := filepath.Join(tree, "example.test", "m001", "@v")
	for name, make := range map[string]func(string) error{
		"v9.0.0.mod":                 func(name string) error { return os.Symlink(secret, name) },
		"v9.0.1.zip":                 func(name string) error { return syscall.Mkfifo(name, 0o644) },
		"v9.0.2.zip":                 func(name string) error { return os.Mkdir(name, 0o755) },
		"::error::v1.0.0\x1b[2J.mod": func(name string) error { return os.WriteFile(name, nil, 0o644) },
		"loop":                       func(name string) error { return os.Symlink(tree, name) },
	} {
		if err := make(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	res := imported(t, b, tree)
	fetchtest.WantOutcome(t, res, report.OK)
	f := fetchtest.Found(res, "import-strange")
	if f == nil || !strings.HasPrefix(f.Found, "4 names") || strings.ContainsAny(f.Found, "\x1b\n") {
		t.Errorf("it is not told: %+v", f)
	}
	for _, m := range res.Modules {
		if strings.HasPrefix(m.Version, "v9") {
			t.Errorf("imported: %+v", m)
		}
	}
	// A FIFO in place of a file that is wanted is not waited for.
	at, err := filepath.Glob(filepath.Join(dir, "v1*.zip"))
	if err != nil || len(at) != 1 {
		t.Fatal(at, err)
	}
	if err := os.Remove(at[0]); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(at[0], 0o644); err != nil {
		t.Fatal(err)
	}
	if res := imported(t, b, tree); fetchtest.Found(res, "import-strange") == nil {
		t.Errorf("%+v", res)
	}
}

// A link in the directory of an export leads nothing out of it.
func TestExportStaysInItsDirectory(t *testing.T) {
	t.Parallel()
	b, tree := exported(t)
	out := t.TempDir()
	dir := filepath.Join(b.Dir, "tree")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(out, filepath.Join(dir, "example.test")); err != nil {
		t.Fatal(err)
	}
	fetchtest.WantOutcome(t, imported(t, b, tree), report.OK)
	again := reexport(t, b, dir)
	if again.Outcome != report.Settings || !strings.Contains(again.Message, "export to") {
		t.Errorf("%s: %s", again.Outcome, again.Message)
	}
	if left, err := os.ReadDir(out); err != nil || len(left) > 0 {
		t.Errorf("outside: %v, %v", left, err)
	}
}
