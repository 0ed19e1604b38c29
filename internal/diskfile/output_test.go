package diskfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/diskfile"
)

// A checkout may have put a link in the place of a file that the job names there.
func TestALinkOfTheCheckoutIsNotWrittenThrough(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	checkout, outside := filepath.Join(top, "checkout"), filepath.Join(top, "outside")
	victim := filepath.Join(outside, "victim")
	for _, err := range []error{
		os.Mkdir(checkout, 0o777), os.Mkdir(outside, 0o777), os.WriteFile(victim, []byte("mine"), 0o666),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	link(t, victim, filepath.Join(checkout, "link.json"))
	link(t, outside, filepath.Join(checkout, "dir"))
	link(t, victim, filepath.Join(top, "link.json"))
	read := func() string {
		data, err := os.ReadFile(victim)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if err := diskfile.WriteOutput(filepath.Join(checkout, "link.json"), []byte("new"), checkout); err != nil || read() != "mine" {
		t.Errorf("the file behind the link is %q, %v", read(), err)
	}
	if data, err := os.ReadFile(filepath.Join(checkout, "link.json")); err != nil || string(data) != "new" {
		t.Errorf("the file is %q, %v", data, err)
	}
	if err := diskfile.WriteOutput(filepath.Join(checkout, "dir", "victim"), []byte("new"), checkout); err == nil || read() != "mine" {
		t.Errorf("the file in the directory behind the link is %q, %v", read(), err)
	}
	if err := diskfile.MkdirOutput(filepath.Join(checkout, "dir", "made"), checkout); err == nil {
		t.Error("a directory was made behind the link")
	}
	// What the job has linked elsewhere is its own affair.
	if err := diskfile.WriteOutput(filepath.Join(top, "link.json"), []byte("new"), checkout); err != nil || read() != "new" {
		t.Errorf("behind the job's link is %q, %v", read(), err)
	}
}

func TestTheResultIsWrittenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := filepath.Join(dir, "old.json")
	toOld := filepath.Join(dir, "link.json")
	if err := os.WriteFile(old, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	link(t, "old.json", toOld)
	if err := diskfile.WriteOutput(toOld, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(old); err != nil || string(got) != "new" {
		t.Errorf("behind the link stands %q, %v", got, err)
	}
	if info, err := os.Lstat(toOld); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info, err)
	}
	if info, err := os.Stat(old); err != nil || info.Mode()&0o044 != 0o044 {
		t.Errorf("other steps cannot read it: %v, %v", info, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{"link.json", "old.json"}, names); diff != "" {
		t.Errorf("left over (-want +got)\n%s", diff)
	}
	if err := diskfile.WriteOutput(filepath.Join(dir, "missing", "x"), nil); err == nil {
		t.Error("a file in a missing directory was written")
	}
}
