package dir

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

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
	const ann, bob, group = 65531, 65532, 65533
	if err := os.Chown(path, 0, group); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, fs.ModeSetgid|0o775); err != nil {
		t.Fatal(err)
	}
	as := func(user uint32, task, name string) {
		t.Helper()
		cmd := startChild(t, path, task, name)
		cmd.Path, cmd.Dir = "/proc/self/exe", path // the way to the program may be closed for them
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: group}}
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
	}

	as(ann, "create 077", "a")
	s := open(t, path)
	if err := os.Chtimes(filepath.Join(s.place("a"), aboutName), start, start); err != nil {
		t.Fatal(err)
	}
	as(bob, "use", "a")
	if e, err := s.Find(t.Context(), "a"); err != nil || !e.Used.After(start.Add(time.Hour)) {
		t.Errorf("Find = %+v, %v; want it marked as used by another user", e, err)
	}
	mustHold(t, s, "a")
	as(bob, "create", "b")
	as(bob, "delete", "a")
	mustList(t, s, "b")
	mustBeTidy(t, s)
}
