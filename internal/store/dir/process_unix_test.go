//go:build unix

package dir

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

const isWindows = false

// beforeOpen is what children do first, for some tasks.
var beforeOpen = map[string]func(){
	"create 077": func() { syscall.Umask(0o077) },
	"create 000": func() { syscall.Umask(0) },
}

func TestEntriesHaveThePermissionsOfTheDirectoryWhateverTheUmask(t *testing.T) {
	t.Parallel()
	for _, dir := range []fs.FileMode{0o700, 0o755, 0o770, fs.ModeSetgid | 0o775, fs.ModeSticky | 0o777} {
		for _, umask := range []string{"000", "077"} {
			t.Run(fmt.Sprint(dir, " ", umask), func(t *testing.T) {
				t.Parallel()
				path := t.TempDir()
				if err := os.Chmod(path, dir); err != nil {
					t.Fatal(err)
				}
				if err := startChild(t, path, "create "+umask, "a").Run(); err != nil {
					t.Fatal(err)
				}
				s := open(t, path)
				for name, want := range map[string]fs.FileMode{
					s.dir:                                  dir,
					s.place("a"):                           dir,
					filepath.Join(s.place("a"), aboutName): dir & 0o666,
					filepath.Join(s.place("a"), dataName):  dir & 0o644,
				} {
					info, err := os.Stat(name)
					if err != nil {
						t.Fatal(err)
					}
					if got := info.Mode() &^ fs.ModeDir; got != want {
						t.Errorf("%s has mode %v, want %v", name, got, want)
					}
				}
			})
		}
	}
}
