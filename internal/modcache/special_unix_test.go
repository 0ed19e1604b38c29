//go:build unix

package modcache

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	modzip "golang.org/x/mod/zip"
)

// FIFOs, endless devices and huge files in the places of a module cache's files
// are neither waited for nor read: they count as missing, and a put replaces
// them. A FIFO that is opened in the ordinary way hangs the test.
func TestWhatIsNoFileOfAModuleCacheIsReplaced(t *testing.T) {
	t.Parallel()
	places := map[string]func(s slot) string{
		"zip":     func(s slot) string { return s.zip },
		"ziphash": func(s slot) string { return s.ziphash },
		"mod":     func(s slot) string { return s.mod },
		"info":    func(s slot) string { return s.info },
		"list":    func(s slot) string { return s.list },
		"lock":    func(s slot) string { return s.lock },
		"partial": func(s slot) string { return s.partial },
		"tree":    func(s slot) string { return s.tree },
		"source":  func(s slot) string { return filepath.Join(s.tree, "alpha.go") },
	}
	kinds := map[string]func(t *testing.T, name string){
		"a FIFO":                    mkfifo,
		"a link to an endless file": func(t *testing.T, name string) { link(t, "/dev/zero", name) },
		"a link to a FIFO": func(t *testing.T, name string) {
			fifo := filepath.Join(t.TempDir(), "fifo")
			mkfifo(t, fifo)
			link(t, fifo, name)
		},
		"a huge file": func(t *testing.T, name string) {
			mustWrite(t, name, nil)
			if err := os.Truncate(name, modzip.MaxZipFile<<10); err != nil { // without blocks on the disk
				t.Fatal(err)
			}
		},
	}
	for place, at := range places {
		for kind, make := range kinds {
			t.Run(kind+" as "+place, func(t *testing.T) {
				t.Parallel()
				dir := modCacheDir(t)
				c := openAt(t, dir)
				c.ModCacheRW = true
				f := fixtures(t)[0]
				s := mustSlot(t, c, f.m)
				put(t, c, f, PutOptions{Extract: true})
				if err := removeTree(at(s)); err != nil {
					t.Fatal(err)
				}
				make(t, at(s))

				reader, err := OpenForReading(dir)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := reader.Verify(t.Context(), f.m, f.h1, f.modH1, 1); err != nil {
					t.Errorf("Verify: %v", err)
				}
				for _, kind := range []string{"zip", "mod", "info"} {
					if file, err := reader.OpenFile(f.m, kind); err == nil {
						file.Close()
					}
				}
				hasZip, err := c.HasZip(t.Context(), f.m, f.h1)
				if err != nil || hasZip != (place != "zip") {
					t.Errorf("HasZip = %v, %v", hasZip, err)
				}
				hasMod, err := c.HasMod(f.m, f.modH1)
				if err != nil || hasMod != (place != "mod") {
					t.Errorf("HasMod = %v, %v", hasMod, err)
				}
				if has := c.HasInfo(f.m); has != (place != "info") {
					t.Errorf("HasInfo = %v", has)
				}
				put(t, c, f, PutOptions{Extract: true})
				mustBeComplete(t, c, f)
				if place != "lock" && place != "list" || kind != "a huge file" { // of locks only the name matters
					mustBeRegular(t, s)
				}
			})
		}
	}
}

// Whoever made a directory may have put anything into it.
func TestADirectoryInThePlaceOfAFileIsNotRemoved(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := fixtures(t)[0]
	s := mustSlot(t, c, f.m)
	kept := filepath.Join(s.mod, "something")
	mustWrite(t, kept, nil)
	if err := c.PutMod(t.Context(), f.m, f.modH1, temp(t, c, f.mod)); err == nil {
		t.Error("PutMod of a directory succeeded")
	}
	if !exists(kept) {
		t.Error("the directory was removed")
	}
}

func mkfifo(t *testing.T, name string) {
	t.Helper()
	if err := syscall.Mkfifo(name, 0o666); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

// mustBeRegular fails if a file of the slot is there and special.
func mustBeRegular(t *testing.T, s slot) {
	t.Helper()
	for _, name := range []string{s.zip, s.ziphash, s.mod, s.info, s.list, s.lock, s.partial} {
		if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
			t.Errorf("%s is %v", name, info.Mode())
		}
	}
}
