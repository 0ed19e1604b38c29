//go:build unix

package dir

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
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

// Two users of one directory; it takes root to be both.
func TestSeveralUsersShareADirectory(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can be two users")
	}
	path, err := os.MkdirTemp("", "modferry-shared-*") // t.TempDir is root's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(path) })
	const group = 65533
	if err := os.Chown(path, 0, group); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, fs.ModeSetgid|0o775); err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skip(err)
	}
	program := filepath.Join(path, "program") // the test binary is out of their reach
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	as := func(user uint32, task, name string) error {
		cmd := startChild(t, filepath.Join(path, "cache"), task, name)
		cmd.Path, cmd.Dir = program, path
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: group}}
		return cmd.Run()
	}
	if err := os.Mkdir(filepath.Join(path, "cache"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(path, "cache"), fs.ModeSetgid|0o775); err != nil {
		t.Fatal(err)
	}
	const ann, bob = 65531, 65532
	if err := as(ann, "create 077", "a"); err != nil {
		t.Fatal(err)
	}
	s, err := Open(filepath.Join(path, "cache"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	about := filepath.Join(s.place("a"), aboutName)
	if err := os.Chtimes(about, start, start); err != nil {
		t.Fatal(err)
	}
	if err := as(bob, "use", "a"); err != nil {
		t.Fatal(err)
	}
	e, err := s.Find(t.Context(), "a")
	if err != nil || !e.Used.After(start.Add(time.Hour)) {
		t.Errorf("Find = %+v, %v; want it marked as used by another user", e, err)
	}
	mustHold(t, s, "a")
	if err := as(bob, "create", "b"); err != nil {
		t.Error(err)
	}
	if err := as(bob, "delete", "a"); err != nil {
		t.Error(err)
	}
	mustList(t, s, "b")
	mustBeTidy(t, s)
}
