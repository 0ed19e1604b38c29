package keep_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/relay/keep"
)

// A file that came whole is answered with, though the disk has no room for its name.
func TestOnAFullDiskFilesAreKeptAsTheyAre(t *testing.T) {
	path := t.TempDir()
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, "size=512k"); err != nil {
		t.Skip("mounting a small file system: ", err)
	}
	defer func() {
		if err := syscall.Unmount(path, 0); err != nil {
			t.Error(err)
		}
	}()
	a := mirrortest.Generate(t, 1, 100<<10).All()[0]
	k, err := keep.Open(path, keep.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for kind, h1 := range map[string]string{"zip": a.ZipSum, "mod": a.ModSum} {
		tmp, err := k.Temp()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tmp.Write(a.File(kind)); err != nil {
			t.Fatal(err)
		}
		filler, err := os.Create(filepath.Join(path, "filler-"+kind))
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{64 << 10, 4 << 10, 1} {
			for block := make([]byte, size); err == nil; {
				_, err = filler.Write(block)
			}
			err = nil
		}
		filler.Close()
		if kind == "mod" {
			err = k.PutMod(t.Context(), a.Version, h1, tmp)
		} else {
			err = k.PutZip(t.Context(), a.Version, h1, tmp, modcache.PutOptions{})
		}
		if err != nil || !has(t, k, a, kind) {
			t.Errorf("%s: %v", kind, err)
		}
		os.Remove(filler.Name())
	}
	if k.Stats().Unstored == 0 {
		t.Error("the disk was not full")
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}
