package modcache

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/failure"
)

// A memTree is a TreeReader of files in memory.
type memTree struct {
	files []rawFile // name, text and, instead of its size, declared
	next  int
	err   error // instead of io.EOF
	strings.Reader
}

func (m *memTree) Next() (string, int64, error) {
	if m.next == len(m.files) {
		if m.err != nil {
			return "", 0, m.err
		}
		return "", 0, io.EOF
	}
	f := m.files[m.next]
	m.next++
	m.Reset(f.text)
	return f.name, max(int64(len(f.text)), int64(f.declared)), nil
}

// treeOf is a TreeReader of files, by their names.
func treeOf(files map[string]string) *memTree {
	m := &memTree{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		m.files = append(m.files, rawFile{name: name, text: files[name]})
	}
	return m
}

// putTree brings all of f into c, but for its zip.
func putTree(t testing.TB, c *Cache, f fixture) {
	t.Helper()
	if err := c.PutTree(t.Context(), f.m, f.h1, treeOf(f.files)); err != nil {
		t.Fatal(err)
	}
	if err := c.PutMod(t.Context(), f.m, f.modH1, temp(t, c, f.mod)); err != nil {
		t.Fatal(err)
	}
	if err := c.PutInfo(t.Context(), f.m, f.info); err != nil {
		t.Fatal(err)
	}
}

func TestPutTreeReplaces(t *testing.T) {
	t.Parallel()
	for _, tt := range states {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := openTest(t)
			f := fixtures(t)[0]
			s := mustSlot(t, c, f.m)
			tt.before(t, c, f, s)
			c.rename = func(from, to string) error {
				if to == s.tree && (!exists(s.ziphash) || mustRead(t, s.ziphash) != f.h1) {
					t.Error("the tree is placed without the right ziphash")
				}
				if to == s.ziphash && exists(s.zip) && hashOf(t, []byte(mustRead(t, s.zip))) != f.h1 {
					t.Error("the ziphash is placed beside a zip of other contents")
				}
				if to == s.ziphash && exists(s.tree) && mustRead(t, filepath.Join(s.tree, "go.mod")) != string(f.mod) {
					t.Error("the ziphash is placed beside a tree of other contents")
				}
				return os.Rename(from, to)
			}
			putTree(t, c, f)
			if has, err := c.HasTree(f.m, f.h1); !has || err != nil {
				t.Errorf("HasTree = %v, %v", has, err)
			}
			if exists(s.partial) {
				t.Error(".partial is left")
			}
			diffs, err := c.Verify(t.Context(), f.m, f.h1, f.modH1, 1)
			if err != nil || len(diffs) > 0 {
				t.Errorf("Verify: %v, %v", diffs, err)
			}
			mustHaveNoTemps(t, c)
		})
	}
}

func TestPutTreeKeepsARightTree(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := fixtures(t)[0]
	putTree(t, c, f)
	tree := mustSlot(t, c, f.m).tree
	before, err := os.Stat(tree)
	if err != nil {
		t.Fatal(err)
	}
	putTree(t, c, f)
	if after, err := os.Stat(tree); err != nil || !os.SameFile(before, after) {
		t.Errorf("the tree was replaced (%v)", err)
	}
	mustHaveNoTemps(t, c)
}

// Whatever comes, nothing but the tree with the right hash gets a name in the
// module cache.
func TestPutTreeRefuses(t *testing.T) {
	t.Parallel()
	f := fixtures(t)[0]
	with := func(more ...rawFile) []rawFile { return append(treeOf(f.files).files, more...) }
	changed := func(edit func(file *rawFile)) []rawFile {
		files := with()
		edit(&files[1])
		return files
	}
	tests := []struct {
		name  string
		files []rawFile
		class failure.Class
	}{
		{"another byte", changed(func(f *rawFile) { f.text += "x" }), failure.HashMismatch},
		{"another name", changed(func(f *rawFile) { f.name += "x" }), failure.HashMismatch},
		{"a file less", with()[1:], failure.HashMismatch},
		{"a file more", with(rawFile{name: "zzz"}), failure.HashMismatch},
		{"nothing", nil, failure.WrongContent},
		{"a name that leads out", with(rawFile{name: "../evil"}), failure.UnsafeZip},
		{"a name that leads out below", with(rawFile{name: "a/../../../evil"}), failure.UnsafeZip},
		{"an absolute name", with(rawFile{name: "/tmp/evil"}), failure.UnsafeZip},
		{"a drive", with(rawFile{name: "c:evil"}), failure.UnsafeZip},
		{"backslashes", with(rawFile{name: `..\evil`}), failure.UnsafeZip},
		{"no name", with(rawFile{name: ""}), failure.UnsafeZip},
		{"a dot", with(rawFile{name: "."}), failure.UnsafeZip},
		{"a directory", with(rawFile{name: "dir/"}), failure.UnsafeZip},
		{"two slashes", with(rawFile{name: "a//b"}), failure.UnsafeZip},
		{"a NUL", with(rawFile{name: "a\x00b"}), failure.UnsafeZip},
		{"a line feed", with(rawFile{name: "a\nb"}), failure.UnsafeZip},
		{"not UTF-8", with(rawFile{name: "a\xff"}), failure.UnsafeZip},
		{"a device of Windows", with(rawFile{name: "x/NUL.txt"}), failure.UnsafeZip},
		{"a trailing dot", with(rawFile{name: "x."}), failure.UnsafeZip},
		{"a file twice", with(rawFile{name: "go.mod", text: string(f.mod)}), failure.UnsafeZip},
		{"another case", with(rawFile{name: "Alpha.go"}), failure.UnsafeZip},
		{"another case of a directory", with(rawFile{name: "TestData/x"}), failure.UnsafeZip},
		{"another case beyond ASCII", with(rawFile{name: "straße-É"}, rawFile{name: "straße-é"}), failure.UnsafeZip},
		{"the sign of Kelvin", with(rawFile{name: "k"}, rawFile{name: "\u212a"}), failure.UnsafeZip},
		{"a file that is a directory", with(rawFile{name: "alpha.go/x"}), failure.UnsafeZip},
		{"a directory that is a file", with(rawFile{name: "testdata"}), failure.UnsafeZip},
		{"a go.mod below", with(rawFile{name: "sub/go.mod"}), failure.UnsafeZip},
		{"GO.MOD", with()[:0:0], failure.UnsafeZip},
		{"a go.mod beyond the limit", []rawFile{{name: "go.mod", declared: modzip.MaxGoMod + 1}}, failure.TooLarge},
		{"a LICENSE beyond the limit", []rawFile{{name: "LICENSE", declared: modzip.MaxLICENSE + 1}}, failure.TooLarge},
		{"a file beyond the limit", []rawFile{{name: "a", declared: modzip.MaxZipFile + 1}}, failure.TooLarge},
		{"files beyond the limit", []rawFile{{name: "a", declared: modzip.MaxZipFile}, {name: "b", declared: 1}}, failure.TooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := openTest(t)
			if tt.name == "GO.MOD" {
				tt.files = []rawFile{{name: "GO.MOD", text: string(f.mod)}}
			}
			err := c.PutTree(t.Context(), f.m, f.h1, &memTree{files: tt.files})
			fe, ok := errors.AsType[*failure.Error](err)
			if !ok || fe.Class != tt.class {
				t.Fatalf("error %v, want the class %s", err, tt.class)
			}
			if fe.Detail != failure.Neutral(fe.Detail) {
				t.Errorf("%q is not neutral", fe.Detail)
			}
			s := mustSlot(t, c, f.m)
			for _, name := range []string{s.tree, s.zip, s.ziphash, s.partial} {
				if exists(name) {
					t.Errorf("%s is there", c.name(name))
				}
			}
			mustHaveNoTemps(t, c)
		})
	}
}

func TestPutTreePassesOnWhatTheReaderSays(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := fixtures(t)[0]
	broken := errors.New("the connection is gone")
	tree := treeOf(f.files)
	tree.err = broken
	if err := c.PutTree(t.Context(), f.m, f.h1, tree); err != broken {
		t.Errorf("error %v, want %v", err, broken)
	}
	if exists(mustSlot(t, c, f.m).tree) {
		t.Error("a tree is there")
	}
	mustHaveNoTemps(t, c)
}

func TestPutTreeWhereThePartsAreOnDifferentFileSystems(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	c.rename = otherFileSystem
	for _, f := range fixtures(t) {
		putTree(t, c, f)
		if has, err := c.HasTree(f.m, f.h1); !has || err != nil {
			t.Errorf("HasTree(%s) = %v, %v", f.m, has, err)
		}
		if diffs, err := c.Verify(t.Context(), f.m, f.h1, f.modH1, 1); err != nil || len(diffs) > 0 {
			t.Errorf("Verify(%s): %v, %v", f.m, diffs, err)
		}
	}
	mustHaveNoTemps(t, c)
}

// The order in which files come makes no difference.
func TestPutTreeTakesFilesInAnyOrder(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := big(t)
	tree := treeOf(f.files)
	slices.Reverse(tree.files)
	if err := c.PutTree(t.Context(), f.m, f.h1, tree); err != nil {
		t.Fatal(err)
	}
}

func TestHasTree(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(t *testing.T, s slot)
		want   bool
	}{
		"a tree with its ziphash": {func(t *testing.T, s slot) {}, true},
		"no tree":                 {func(t *testing.T, s slot) { removeTree(s.tree) }, false},
		"an empty tree": {func(t *testing.T, s slot) {
			removeTree(s.tree)
			os.Mkdir(s.tree, 0o777)
		}, false},
		"no ziphash":      {func(t *testing.T, s slot) { os.Remove(s.ziphash) }, false},
		"another ziphash": {func(t *testing.T, s slot) { mustWrite(t, s.ziphash, []byte(modSum(nil))) }, false},
		"half a ziphash":  {func(t *testing.T, s slot) { mustWrite(t, s.ziphash, []byte("h1:")) }, false},
		"half a tree":     {func(t *testing.T, s slot) { mustWrite(t, s.partial, nil) }, false},
		"a file":          {func(t *testing.T, s slot) { removeTree(s.tree); mustWrite(t, s.tree, []byte("x")) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := openTest(t)
			f := fixtures(t)[0]
			putTree(t, c, f)
			tt.change(t, mustSlot(t, c, f.m))
			if got, err := c.HasTree(f.m, f.h1); got != tt.want || err != nil {
				t.Errorf("HasTree = %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

// read is what a Tree gives, and its last error.
func read(t *Tree) (map[string]string, error) {
	defer t.Close()
	files := map[string]string{}
	for {
		name, size, err := t.Next()
		if err != nil {
			return files, err
		}
		data, err := io.ReadAll(t)
		if err == nil && int64(len(data)) != size {
			err = errors.New(name + " has another size")
		}
		if err != nil {
			return files, err
		}
		files[name] = string(data)
	}
}

func TestATreeIsReadFromItsDirectoryAndFromItsZip(t *testing.T) {
	t.Parallel()
	for _, f := range append(fixtures(t), big(t)) {
		c := openTest(t)
		if _, err := c.OpenTree(t.Context(), f.m, f.h1); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("nothing there: %v", err)
		}
		if _, err := c.OpenZip(t.Context(), f.m, f.h1); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("nothing there: %v", err)
		}
		put(t, c, f, PutOptions{Extract: true})
		var total int64
		for _, text := range f.files {
			total += int64(len(text))
		}
		for _, open := range []func() (*Tree, error){
			func() (*Tree, error) { return c.OpenTree(t.Context(), f.m, f.h1) },
			func() (*Tree, error) { return c.OpenZip(t.Context(), f.m, f.h1) },
		} {
			tree, err := open()
			if err != nil {
				t.Fatal(err)
			}
			if tree.Size() != total {
				t.Errorf("%s: size %d, want %d", f.m, tree.Size(), total)
			}
			if files, err := read(tree); err != io.EOF || !maps.Equal(files, f.files) {
				t.Errorf("%s: %v, %d files", f.m, err, len(files))
			}
			// What is not read is hashed all the same.
			if tree, err = open(); err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, _, err = tree.Next()
			}
			if err != io.EOF {
				t.Errorf("%s: %v", f.m, err)
			}
			tree.Close()
		}
	}
}

func TestAWrongTreeIsNeverReadToItsEnd(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, s slot){
		"a changed file": func(t *testing.T, s slot) { mustWrite(t, filepath.Join(s.tree, "alpha.go"), []byte("package evil\n")) },
		"a further file": func(t *testing.T, s slot) { mustWrite(t, filepath.Join(s.tree, "evil.go"), []byte("package evil\n")) },
		"a file less":    func(t *testing.T, s slot) { removeTree(filepath.Join(s.tree, "testdata")) },
		"a link": func(t *testing.T, s slot) {
			os.Chmod(s.tree, 0o777)
			name := filepath.Join(s.tree, "alpha.go")
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("go.mod", name); err != nil {
				t.Skip("no symbolic links here")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := openTest(t)
			f := fixtures(t)[0]
			putTree(t, c, f)
			s := mustSlot(t, c, f.m)
			os.Chmod(filepath.Join(s.tree, "testdata"), 0o777)
			os.Chmod(s.tree, 0o777)
			change(t, s)
			tree, err := c.OpenTree(t.Context(), f.m, f.h1)
			if err == nil {
				_, err = read(tree)
			}
			if class := failure.As(err).Class; class != failure.HashMismatch && class != failure.UnsafeZip {
				t.Errorf("error %v", err)
			}
			if err := c.RebuildZip(t.Context(), f.m, f.h1); err == nil || exists(s.zip) {
				t.Errorf("a zip was made of it (%v)", err)
			}
			mustHaveNoTemps(t, c)
		})
	}
}

func TestAZipThatIsNoTree(t *testing.T) {
	t.Parallel()
	f := fixtures(t)[0]
	at := prefix(f.m)
	for name, data := range map[string][]byte{
		"an entry for a directory": rawZip(t, rawFile{name: at + "dir/"}, rawFile{name: at + "a", text: "x"}),
		"an entry for itself":      rawZip(t, rawFile{name: at}, rawFile{name: at + "a", text: "x"}),
		"a file twice":             rawZip(t, rawFile{name: at + "a", text: "x"}, rawFile{name: at + "a", text: "x"}),
		"a name that leads out":    rawZip(t, rawFile{name: at + "../a", text: "x"}),
		"nothing":                  rawZip(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := openTest(t)
			h1 := hashOf(t, data)
			if err := c.PutZip(t.Context(), f.m, h1, temp(t, c, data), PutOptions{}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.OpenZip(t.Context(), f.m, h1); !errors.Is(err, ErrNoTree) {
				t.Errorf("error %v, want ErrNoTree", err)
			}
			zip, err := c.OpenWholeZip(t.Context(), f.m, h1)
			if err != nil {
				t.Fatal(err)
			}
			zip.Close()
			// Another one under its name is none.
			mustWrite(t, mustSlot(t, c, f.m).zip, f.zip)
			if _, err := c.OpenWholeZip(t.Context(), f.m, h1); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("error %v, want fs.ErrNotExist", err)
			}
			if tree, err := c.OpenZip(t.Context(), f.m, h1); err != nil {
				t.Error(err)
			} else if _, err := read(tree); failure.As(err).Class != failure.HashMismatch {
				t.Errorf("error %v, want a mismatch", err)
			}
		})
	}
}
