package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A checkout may have put a link in the place of a file that the job names there.
func TestALinkOfTheCheckoutIsNotWrittenThrough(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	checkout, outside := filepath.Join(top, "checkout"), filepath.Join(top, "outside")
	victim := filepath.Join(outside, "victim")
	for _, err := range []error{
		os.Mkdir(checkout, 0o777), os.Mkdir(outside, 0o777), os.WriteFile(victim, []byte("mine"), 0o666),
		os.Symlink(victim, filepath.Join(checkout, "link.json")), os.Symlink(outside, filepath.Join(checkout, "dir")),
		os.Symlink(victim, filepath.Join(top, "link.json")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	read := func() string {
		data, err := os.ReadFile(victim)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if err := writeFile(filepath.Join(checkout, "link.json"), []byte("new"), checkout); err != nil || read() != "mine" {
		t.Errorf("the file behind the link is %q, %v", read(), err)
	}
	if data, err := os.ReadFile(filepath.Join(checkout, "link.json")); err != nil || string(data) != "new" {
		t.Errorf("the file is %q, %v", data, err)
	}
	if err := writeFile(filepath.Join(checkout, "dir", "victim"), []byte("new"), checkout); err == nil || read() != "mine" {
		t.Errorf("the file in the directory behind the link is %q, %v", read(), err)
	}
	if err := makeDir(filepath.Join(checkout, "dir", "made"), checkout); err == nil {
		t.Error("a directory was made behind the link")
	}
	// What the job has linked elsewhere is its own affair.
	if err := writeFile(filepath.Join(top, "link.json"), []byte("new"), checkout); err != nil || read() != "new" {
		t.Errorf("behind the job's link is %q, %v", read(), err)
	}
}
