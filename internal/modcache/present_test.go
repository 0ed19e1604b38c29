package modcache

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/failure"
)

func TestHasZip(t *testing.T) {
	t.Parallel()
	mkdir := func(t *testing.T, dir string) {
		t.Helper()
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(t *testing.T, name string) {
		t.Helper()
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name     string
		change   func(t *testing.T, f fixture, s slot) // of a complete and extracted module
		has      bool
		readOnly bool // what it is when nothing may be repaired
		tree     bool // what is left of it
	}{
		{"everything there", func(t *testing.T, f fixture, s slot) {}, true, true, true},
		{"not extracted", func(t *testing.T, f fixture, s slot) { removeTree(s.tree) }, true, true, false},
		{"a newline after the ziphash", func(t *testing.T, f fixture, s slot) { mustWrite(t, s.ziphash, []byte(f.h1+"\n")) }, true, true, true},
		{"no zip", func(t *testing.T, f fixture, s slot) { remove(t, s.zip) }, false, false, true},
		{"an empty zip", func(t *testing.T, f fixture, s slot) { mustWrite(t, s.zip, nil) }, false, false, true},
		{"a directory as zip", func(t *testing.T, f fixture, s slot) { remove(t, s.zip); mkdir(t, s.zip) }, false, false, true},
		{"the ziphash of other contents", func(t *testing.T, f fixture, s slot) { mustWrite(t, s.ziphash, []byte(modSum([]byte("evil")))) }, false, false, true},
		{"no ziphash", func(t *testing.T, f fixture, s slot) { remove(t, s.ziphash) }, true, false, true},
		{"an empty ziphash", func(t *testing.T, f fixture, s slot) { mustWrite(t, s.ziphash, nil) }, true, false, true},
		{"a ziphash of zeroes", func(t *testing.T, f fixture, s slot) { mustWrite(t, s.ziphash, make([]byte, 47)) }, true, false, true},
		{"a ziphash of another algorithm", func(t *testing.T, f fixture, s slot) { mustWrite(t, s.ziphash, []byte("h2"+f.h1[2:])) }, true, false, true},
		{"no ziphash and an evil zip", func(t *testing.T, f fixture, s slot) { remove(t, s.ziphash); mustWrite(t, s.zip, evilZip(t, f)) }, false, false, true},
		{"no ziphash and a damaged zip", func(t *testing.T, f fixture, s slot) { remove(t, s.ziphash); mustWrite(t, s.zip, []byte("PK")) }, false, false, true},
		{"an interrupted extraction", func(t *testing.T, f fixture, s slot) { mustWrite(t, s.partial, nil) }, true, false, false},
		{"an interrupted extraction without tree", func(t *testing.T, f fixture, s slot) { removeTree(s.tree); mustWrite(t, s.partial, nil) }, true, false, false},
		{"an interrupted extraction and no ziphash", func(t *testing.T, f fixture, s slot) { mustWrite(t, s.partial, nil); remove(t, s.ziphash) }, true, false, false},
		{"an empty tree", func(t *testing.T, f fixture, s slot) { removeTree(s.tree); mkdir(t, s.tree) }, true, false, false},
		{"a file in the tree's place", func(t *testing.T, f fixture, s slot) { removeTree(s.tree); mustWrite(t, s.tree, []byte("x")) }, true, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := modCacheDir(t)
			c := openAt(t, dir)
			f := fixtures(t)[0]
			s := mustSlot(t, c, f.m)
			put(t, c, f, PutOptions{Extract: true})
			tt.change(t, f, s)

			reader, err := OpenForReading(dir)
			if err != nil {
				t.Fatal(err)
			}
			before := listing(t, dir)
			if got, err := reader.HasZip(t.Context(), f.m, f.h1); got != tt.readOnly || err != nil {
				t.Errorf("opened for reading: HasZip = %v, %v; want %v", got, err, tt.readOnly)
			}
			if diff := cmp.Diff(before, listing(t, dir)); diff != "" {
				t.Errorf("opened for reading, but changed (-before, +after):\n%s", diff)
			}

			for range 2 { // the repair is for good
				if got, err := c.HasZip(t.Context(), f.m, f.h1); got != tt.has || err != nil {
					t.Errorf("HasZip = %v, %v; want %v", got, err, tt.has)
				}
			}
			if tt.has {
				mustBeComplete(t, c, f)
			}
			if exists(s.tree) != tt.tree || c.Extracted(f.m) && !tt.tree {
				t.Errorf("tree exists: %v, Extracted = %v; want %v", exists(s.tree), c.Extracted(f.m), tt.tree)
			}
			mustHaveNoTemps(t, c)
		})
	}
}

func TestARepairWaitsForWhoeverExtracts(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := fixtures(t)[0]
	s := mustSlot(t, c, f.m)
	put(t, c, f, PutOptions{})
	unlock, err := c.lockVersion(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	// A go command in the middle of an extraction.
	mustWrite(t, s.partial, nil)
	mustWrite(t, filepath.Join(s.tree, "half"), nil)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.HasZip(ctx, f.m, f.h1); failureClass(err) != failure.Cancelled {
		t.Errorf("HasZip = %v; want %s", err, failure.Cancelled)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if ok, err := c.HasZip(t.Context(), f.m, f.h1); !ok || err != nil {
			t.Errorf("HasZip = %v, %v; want true", ok, err)
		}
	})
	if !exists(filepath.Join(s.tree, "half")) {
		t.Error("the tree was removed under the lock of somebody else")
	}
	// It ends well.
	removeTree(s.tree)
	for name, text := range f.files {
		mustWrite(t, filepath.Join(s.tree, filepath.FromSlash(name)), []byte(text))
	}
	if err := os.Remove(s.partial); err != nil {
		t.Fatal(err)
	}
	unlock()
	wg.Wait()
	if !c.Extracted(f.m) {
		t.Error("a complete tree was removed")
	}
	mustBeComplete(t, c, f)
}

func TestTheLockOfAVersionIsExclusive(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	s := mustSlot(t, c, fixtures(t)[0].m)
	unlock, err := c.lockVersion(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	other := newLock(s.lock)
	if ok, err := other.TryRLock(); ok || err != nil {
		t.Errorf("while held: TryRLock = %v, %v; want false", ok, err)
	}
	unlock()
	if ok, err := other.TryLock(); !ok || err != nil {
		t.Errorf("after unlock: TryLock = %v, %v; want true", ok, err)
	}
	other.Unlock()
	if !exists(s.lock) {
		t.Error("the lock file is gone; the go command leaves it")
	}
}

func TestHasModReadsTheFile(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := fixtures(t)[0]
	s := mustSlot(t, c, f.m)
	check := func(name string, want bool) {
		t.Helper()
		if got, err := c.HasMod(f.m, f.modH1); got != want || err != nil {
			t.Errorf("%s: HasMod = %v, %v; want %v", name, got, err, want)
		}
	}
	check("absent", false)
	put(t, c, f, PutOptions{})
	check("put", true)
	mustWrite(t, s.mod, []byte("module evil\n"))
	check("changed", false)
	mustWrite(t, s.mod, nil)
	check("empty", false)
}

func TestHasInfoReadsTheFile(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := fixtures(t)[0]
	for text, want := range map[string]bool{
		`{"Version":"v1.2.3","Time":"2024-03-01T12:00:00Z"}`: true,
		`{}`:                   true,
		`{"Version":"v1.2.4"}`: false,
		`{"Version":7}`:        false,
		`<html>`:               false,
		``:                     false,
	} {
		mustWrite(t, mustSlot(t, c, f.m).info, []byte(text))
		if got := c.HasInfo(f.m); got != want {
			t.Errorf("HasInfo of %q = %v, want %v", text, got, want)
		}
	}
}

func TestPutInfoWritesTheGoCommandsSpelling(t *testing.T) {
	t.Parallel()
	f := fixtures(t)
	tests := []struct {
		name string
		f    fixture
		in   string
		want string // "" when refused
	}{
		{"as mirrors send it", f[0], `{"Version":"v1.2.3","Time":"2024-03-01T12:00:00Z"}`, `{"Version":"v1.2.3","Time":"2024-03-01T12:00:00Z"}`},
		{"over several lines and with more fields", f[0], "{\n \"Time\": \"2024-03-01T12:00:00Z\", \"Short\": \"a\",\n \"Version\": \"v1.2.3\"\n}\n", `{"Version":"v1.2.3","Time":"2024-03-01T12:00:00Z"}`},
		{"without a time", f[0], `{"Version":"v1.2.3"}`, `{"Version":"v1.2.3","Time":"0001-01-01T00:00:00Z"}`},
		{"the origin of a tag keeps its ref", f[0], `{"Version":"v1.2.3","Origin":{"VCS":"git","Ref":"refs/tags/v1.2.3","TagPrefix":"x","TagSum":"t1:y","RepoSum":"r1:z"}}`, `{"Version":"v1.2.3","Time":"0001-01-01T00:00:00Z","Origin":{"VCS":"git","Ref":"refs/tags/v1.2.3"}}`},
		{"the origin of a pseudo-version doesn't", f[2], `{"Version":"v0.0.0-20240301120000-abcdefabcdef","Origin":{"Hash":"abc","Ref":"refs/heads/main"}}`, `{"Version":"v0.0.0-20240301120000-abcdefabcdef","Time":"0001-01-01T00:00:00Z","Origin":{"Hash":"abc"}}`},
		{"another version", f[0], `{"Version":"v1.2.4"}`, ""},
		{"no version", f[0], `{}`, ""},
		{"a login page", f[0], `<html>`, ""},
		{"no JSON", f[0], `v1.2.3`, ""},
		{"a time that is none", f[0], `{"Version":"v1.2.3","Time":"yesterday"}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := openTest(t)
			s := mustSlot(t, c, tt.f.m)
			err := c.PutInfo(t.Context(), tt.f.m, []byte(tt.in))
			if tt.want == "" {
				if failureClass(err) != failure.WrongContent || exists(s.info) {
					t.Errorf("PutInfo = %v; want %s", err, failure.WrongContent)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := mustRead(t, s.info); got != tt.want {
				t.Errorf("wrote %s\nwant  %s", got, tt.want)
			}
			if !c.HasInfo(tt.f.m) {
				t.Error("HasInfo = false")
			}
		})
	}
}
