package e2e

import (
	"os"
	"testing"
)

// memory is a temporary directory in memory where there is room: tens of
// thousands of files come and go here, which takes some disks minutes.
func memory(t *testing.T) string {
	t.Helper()
	in := inMemory()
	if in == "" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(in, "modferry-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		writable(t, dir)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
