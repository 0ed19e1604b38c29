//go:build unix

package serve

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheDirectoryIsNobodyElses(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	first, err := place("")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := place(""); err != nil || again != first {
		t.Errorf("%s, then %s: %v", first, again, err)
	}
	for name, spoil := range map[string]func(){
		"others may write": func() { os.Chmod(first, 0o777) },
		"a link":           func() { os.Remove(first); os.Symlink(temp, first) },
		"a file":           func() { os.Remove(first); os.WriteFile(first, nil, 0o600) },
		"somebody else's":  func() { os.Remove(first); os.Mkdir(first, 0o700); os.Chown(first, 12345, 12345) },
	} {
		if name == "somebody else's" && os.Getuid() != 0 {
			continue // only root may make it so
		}
		spoil()
		if got, err := place(""); err != nil || got == first || filepath.Dir(got) != temp {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if got, err := place("x"); err != nil || !filepath.IsAbs(got) || filepath.Base(got) != "x" {
		t.Errorf("a directory that was named: %s, %v", got, err)
	}
}
