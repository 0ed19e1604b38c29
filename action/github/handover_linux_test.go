package github

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Only root can give files away.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: nothing can be handed over")
	}
}

// owner is the user that a file or link itself belongs to.
func owner(t *testing.T, name string) (uid, gid int) {
	t.Helper()
	info, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	s := info.Sys().(*syscall.Stat_t)
	return int(s.Uid), int(s.Gid)
}

// workspaceOf is a workspace that belongs to a user.
func workspaceOf(t *testing.T, uid, gid int) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Skip("this file system or user namespace takes no other owners: ", err)
	}
	return dir
}

func TestWhatIsHandedOverIsTheTreeAndNothingThatLinksLeadTo(t *testing.T) {
	t.Parallel()
	asRoot(t)
	workspace := workspaceOf(t, 1001, 1002)
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	elsewhere := filepath.Join(outside, "dir")
	dir := filepath.Join(t.TempDir(), "tree")
	for _, err := range []error{
		os.WriteFile(secret, nil, 0o600),
		os.MkdirAll(filepath.Join(elsewhere, "below"), 0o700),
		os.MkdirAll(filepath.Join(dir, "below"), 0o755),
		os.WriteFile(filepath.Join(dir, "below", "file"), nil, 0o444),
		os.Symlink(secret, filepath.Join(dir, "to-a-file")),
		os.Symlink(elsewhere, filepath.Join(dir, "below", "to-a-directory")),
		os.Symlink(filepath.Join(outside, "none"), filepath.Join(dir, "to-nothing")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := handOver(dir, workspace); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "below", "below/file", "to-a-file", "below/to-a-directory", "to-nothing"} {
		if uid, gid := owner(t, filepath.Join(dir, name)); uid != 1001 || gid != 1002 {
			t.Errorf("%q belongs to %d:%d, want 1001:1002", name, uid, gid)
		}
	}
	for _, name := range []string{secret, elsewhere, filepath.Join(elsewhere, "below"), outside} {
		if uid, gid := owner(t, name); uid != 0 || gid != os.Getegid() {
			t.Errorf("%s, where a link leads, was given to %d:%d", name, uid, gid)
		}
	}
}

// A group may differ alone, and what has the right owner is not touched.
func TestTheGroupIsHandedOverToo(t *testing.T) {
	t.Parallel()
	asRoot(t)
	workspace := workspaceOf(t, 1001, 1002)
	dir := t.TempDir()
	for name, ids := range map[string][2]int{"group": {1001, 0}, "user": {0, 1002}, "both": {1001, 1002}} {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(name, ids[0], ids[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := handOver(dir, workspace); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"group", "user", "both"} {
		if uid, gid := owner(t, filepath.Join(dir, name)); uid != 1001 || gid != 1002 {
			t.Errorf("%s belongs to %d:%d, want 1001:1002", name, uid, gid)
		}
	}
}

func TestAWorkspaceOfRootTakesNothingOver(t *testing.T) {
	t.Parallel()
	asRoot(t)
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(name, 1001, 1002); err != nil {
		t.Skip("this file system or user namespace takes no other owners: ", err)
	}
	if err := handOver(dir, workspaceOf(t, 0, 1002)); err != nil {
		t.Fatal(err)
	}
	if uid, gid := owner(t, name); uid != 1001 || gid != 1002 {
		t.Errorf("the file was given to %d:%d", uid, gid)
	}
}

func TestWhatIsNotThereCannotBeHandedOver(t *testing.T) {
	t.Parallel()
	if err := handOver(t.TempDir(), filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a workspace that is not there is no error")
	}
	asRoot(t)
	if err := handOver(filepath.Join(t.TempDir(), "none"), workspaceOf(t, 1001, 1002)); err == nil {
		t.Error("a directory that is not there is no error")
	}
}
