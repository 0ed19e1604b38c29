package modcache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/failure"
)

// evilZip is a zip of f's module that the go command would extract, with
// other contents.
func evilZip(t testing.TB, f fixture) []byte {
	return zipOf(t, f.m, map[string]string{"go.mod": string(f.mod), "evil.go": "package evil\n"})
}

// states are what a put may find in the place of a module, but for a good zip
// with its ziphash.
var states = []struct {
	name   string
	before func(t *testing.T, c *Cache, f fixture, s slot)
}{
	{"a zip and ziphash of other contents", func(t *testing.T, c *Cache, f fixture, s slot) {
		mustWrite(t, s.zip, evilZip(t, f))
		mustWrite(t, s.ziphash, []byte(hashOf(t, evilZip(t, f))))
	}},
	{"a zip of other contents beside the right ziphash", func(t *testing.T, c *Cache, f fixture, s slot) {
		mustWrite(t, s.zip, evilZip(t, f))
		mustWrite(t, s.ziphash, []byte(f.h1))
	}},
	{"a truncated zip", func(t *testing.T, c *Cache, f fixture, s slot) {
		mustWrite(t, s.zip, f.zip[:100])
		mustWrite(t, s.ziphash, []byte(f.h1))
	}},
	{"an empty zip without ziphash", func(t *testing.T, c *Cache, f fixture, s slot) {
		mustWrite(t, s.zip, nil)
	}},
	{"a cut ziphash", func(t *testing.T, c *Cache, f fixture, s slot) {
		mustWrite(t, s.zip, f.zip)
		mustWrite(t, s.ziphash, make([]byte, 47))
	}},
	{"a tree of other contents without zip", func(t *testing.T, c *Cache, f fixture, s slot) {
		mustWrite(t, filepath.Join(s.tree, "evil.go"), []byte("package evil\n"))
	}},
	{"a tree of which a file was changed", func(t *testing.T, c *Cache, f fixture, s slot) {
		put(t, c, f, PutOptions{Extract: true})
		mustWrite(t, filepath.Join(s.tree, "go.mod"), []byte("module evil\n"))
	}},
	{"an empty tree", func(t *testing.T, c *Cache, f fixture, s slot) {
		if err := os.MkdirAll(s.tree, 0o777); err != nil {
			t.Fatal(err)
		}
	}},
	{"a file in the tree's place", func(t *testing.T, c *Cache, f fixture, s slot) {
		mustWrite(t, s.tree, []byte("x"))
	}},
	{"an interrupted extraction that left a good tree", func(t *testing.T, c *Cache, f fixture, s slot) {
		put(t, c, f, PutOptions{Extract: true})
		mustWrite(t, s.partial, nil)
	}},
	{"an interrupted extraction that left no tree", func(t *testing.T, c *Cache, f fixture, s slot) {
		mustWrite(t, s.partial, nil)
	}},
	{"an interrupted extraction", func(t *testing.T, c *Cache, f fixture, s slot) {
		mustWrite(t, s.partial, nil)
		mustWrite(t, filepath.Join(s.tree, "go.mod"), f.mod)
	}},
}

func TestPutZipReplaces(t *testing.T) {
	t.Parallel()
	for _, tt := range states {
		for _, extract := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, extract %v", tt.name, extract), func(t *testing.T) {
				t.Parallel()
				c := openTest(t)
				f := fixtures(t)[0]
				s := mustSlot(t, c, f.m)
				tt.before(t, c, f, s)
				c.rename = func(from, to string) error {
					if to == s.zip && exists(s.ziphash) && mustRead(t, s.ziphash) != f.h1 {
						t.Errorf("the zip is placed beside a ziphash of other contents")
					}
					if to == s.zip && exists(s.tree) && mustRead(t, filepath.Join(s.tree, "go.mod")) != string(f.mod) {
						t.Errorf("the zip is placed beside a tree of other contents")
					}
					return os.Rename(from, to)
				}
				put(t, c, f, PutOptions{Extract: extract})
				if got := mustRead(t, s.ziphash); got != f.h1 {
					t.Errorf("ziphash is %q, want %q", got, f.h1)
				}
				if exists(s.partial) {
					t.Error(".partial is left")
				}
				mustBeComplete(t, c, f)
				if c.Extracted(f.m) != extract || exists(s.tree) != extract {
					t.Errorf("Extracted = %v, tree exists: %v; want %v", c.Extracted(f.m), exists(s.tree), extract)
				}
				mustHaveNoTemps(t, c)
			})
		}
	}
}

func TestPutZipKeeps(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := fixtures(t)[0]
	s := mustSlot(t, c, f.m)
	put(t, c, f, PutOptions{Extract: true})
	before := map[string]os.FileInfo{}
	for _, name := range []string{s.zip, s.ziphash, s.tree} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		before[name] = info
	}
	put(t, c, f, PutOptions{Extract: true})
	for name, was := range before {
		if is, err := os.Stat(name); err != nil || !os.SameFile(was, is) {
			t.Errorf("%s was replaced (%v)", c.name(name), err)
		}
	}
	mustHaveNoTemps(t, c)
}

func TestManyPutsOfTheSameModulesAtTheSameTime(t *testing.T) {
	t.Parallel()
	dir := modCacheDir(t)
	modules := append(fixtures(t), big(t))
	var wg sync.WaitGroup
	for range 2 { // two runs in one process share nothing but the locks
		c := openAt(t, dir)
		for i := range 20 {
			f := modules[i%len(modules)]
			tmp := temp(t, c, f.zip)
			wg.Go(func() {
				if err := c.PutZip(t.Context(), f.m, f.h1, tmp, PutOptions{Extract: i%2 == 0, Parallel: i % 4}); err != nil {
					t.Error(err)
				}
				if err := c.PutMod(t.Context(), f.m, f.modH1, temp(t, c, f.mod)); err != nil {
					t.Error(err)
				}
				if err := c.PutInfo(t.Context(), f.m, f.info); err != nil {
					t.Error(err)
				}
				mustBeComplete(t, c, f)
			})
		}
		defer mustHaveNoTemps(t, c)
	}
	wg.Wait()
	c := openAt(t, dir)
	for _, f := range modules {
		mustBeComplete(t, c, f)
		if ok, err := c.HasMod(f.m, f.modH1); !ok || err != nil {
			t.Errorf("HasMod(%s) = %v, %v; want true", f.m, ok, err)
		}
		if !c.HasInfo(f.m) || !c.Extracted(f.m) {
			t.Errorf("%s: info %v, extracted %v; want true", f.m, c.HasInfo(f.m), c.Extracted(f.m))
		}
	}
}

func TestPutModRefuses(t *testing.T) {
	t.Parallel()
	f := fixtures(t)[0]
	tests := []struct {
		name  string
		data  []byte
		class failure.Class
	}{
		{"another go.mod", []byte("module evil\n"), failure.HashMismatch},
		{"a login page", []byte("<html><body>Sign in"), failure.WrongContent},
		{"nothing", nil, failure.HashMismatch},
		{"more than 16 MiB", make([]byte, 16<<20+1), failure.TooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := openTest(t)
			if err := c.PutMod(t.Context(), f.m, f.modH1, temp(t, c, tt.data)); failureClass(err) != tt.class {
				t.Errorf("PutMod = %v; want %s", err, tt.class)
			}
			if s := mustSlot(t, c, f.m); exists(s.mod) || exists(s.list) {
				t.Error("something was written")
			}
		})
	}
}

func TestTheListNamesEveryVersionThatHasAGoMod(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	for _, version := range []string{"v1.10.0", "v1.2.0", "v1.2.0-rc.1", "v1.2.0"} {
		f := newFixture(t, "example.test/x", version, map[string]string{"go.mod": "module example.test/x\n"})
		put(t, c, f, PutOptions{})
	}
	s := mustSlot(t, c, newFixture(t, "example.test/x", "v1.2.0", nil).m)
	if got, want := mustRead(t, s.list), "v1.2.0-rc.1\nv1.2.0\nv1.10.0\n"; got != want {
		t.Errorf("list is %q, want %q", got, want)
	}
}

func TestAModuleThatIsNoFileNameIsRefused(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	good := fixtures(t)[0]
	for _, bad := range []struct{ path, version string }{
		{"../../etc", "v1.0.0"}, {"/etc", "v1.0.0"}, {"example.test/a/../b", "v1.0.0"}, {`example.test\a`, "v1.0.0"},
		{"example.test/a", "v1"}, {"example.test/a", "../v1.0.0"}, {"example.test/a", "v1.0.0/../x"}, {"", ""},
	} {
		f := good
		f.m.Path, f.m.Version = bad.path, bad.version
		_, has := c.HasZip(t.Context(), f.m, f.h1)
		for what, err := range map[string]error{
			"HasZip":  has,
			"PutZip":  c.PutZip(t.Context(), f.m, f.h1, temp(t, c, f.zip), PutOptions{Extract: true}),
			"PutMod":  c.PutMod(t.Context(), f.m, f.modH1, temp(t, c, f.mod)),
			"PutInfo": c.PutInfo(t.Context(), f.m, f.info),
			"Discard": c.Discard(t.Context(), f.m),
		} {
			if err == nil {
				t.Errorf("%s(%s) succeeded", what, f.m)
			}
		}
	}
	mustHaveNoTemps(t, c)
}

// A full disk is met while the tree is written, or while the zip is placed.
func TestPutZipLocalFailure(t *testing.T) {
	t.Parallel()
	f := fixtures(t)[0]
	for _, tt := range []struct {
		cause error
		class failure.Class
	}{
		{syscall.ENOSPC, failure.DiskFull},
		{syscall.EDQUOT, failure.DiskFull},
		{syscall.EACCES, failure.Permission},
		{syscall.EROFS, failure.Permission},
		{syscall.EIO, failure.LocalIO},
	} {
		t.Run(string(tt.class)+" "+tt.cause.Error(), func(t *testing.T) {
			t.Parallel()
			c := openTest(t)
			c.rename = func(from, to string) error { return &os.LinkError{Op: "rename", Old: from, New: to, Err: tt.cause} }
			err := c.PutZip(t.Context(), f.m, f.h1, temp(t, c, f.zip), PutOptions{Extract: true})
			if failureClass(err) != tt.class {
				t.Errorf("PutZip = %v; want %s", err, tt.class)
			}
			mustHoldNothing(t, c, f.m)
			if err := c.PutMod(t.Context(), f.m, f.modH1, temp(t, c, f.mod)); failureClass(err) != tt.class {
				t.Errorf("PutMod = %v; want %s", err, tt.class)
			}
			mustHaveNoTemps(t, c)
		})
	}
}

func TestANameThatIsTooLongIsTheModules(t *testing.T) {
	t.Parallel()
	causes := map[error]bool{syscall.ENAMETOOLONG: true, syscall.EIO: false}
	if runtime.GOOS == "windows" {
		causes[windowsInvalidName], causes[windowsNameTooLong] = true, true
	}
	for cause, want := range causes {
		err := &ExtractError{Err: local("extract", &fs.PathError{Op: "open", Path: "n", Err: cause})}
		if got := err.OfModule(); got != want {
			t.Errorf("%v: %v, want %v", cause, got, want)
		}
	}
}

func TestATreeThatCannotBePlacedLeavesTheZipInPlace(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := fixtures(t)[0]
	s := mustSlot(t, c, f.m)
	c.rename = func(from, to string) error {
		if to != s.tree {
			return os.Rename(from, to)
		}
		// A directory that holds something, in the place of .partial, stays.
		mustWrite(t, filepath.Join(s.partial, "something"), nil)
		return otherFileSystem(from, to)
	}
	err := c.PutZip(t.Context(), f.m, f.h1, temp(t, c, f.zip), PutOptions{Extract: true})
	var notExtracted *ExtractError
	if !errors.As(err, &notExtracted) || notExtracted.Module != f.m {
		t.Errorf("PutZip = %v; want an ExtractError", err)
	}
	if got := mustRead(t, s.zip); got != string(f.zip) {
		t.Error("the zip is not in place")
	}
	if got := mustRead(t, s.ziphash); got != f.h1 {
		t.Errorf("ziphash %q, want %q", got, f.h1)
	}
	mustHaveNoTemps(t, c)
}
