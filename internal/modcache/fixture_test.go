package modcache

import (
	"archive/zip"
	"bytes"
	"cmp"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"
)

// A fixture is one module version with everything a mirror has of it.
type fixture struct {
	m     module.Version
	files map[string]string
	zip   []byte
	mod   []byte
	info  []byte
	h1    string // of zip
	modH1 string
}

func newFixture(t testing.TB, path, version string, files map[string]string) fixture {
	t.Helper()
	f := fixture{m: module.Version{Path: path, Version: version}, files: files}
	f.zip = zipOf(t, f.m, files)
	f.mod = []byte("module " + path + "\n")
	if text, ok := files["go.mod"]; ok {
		f.mod = []byte(text)
	}
	// Not the go command's spelling, and more than it keeps.
	f.info = []byte(`{
		"Time": "2024-03-01T12:00:00Z", "Version": "` + version + `", "Name": "abc",
		"Origin": {"VCS": "git", "URL": "https://git.example.test/x", "Hash": "abc", "Ref": "refs/tags/x", "TagSum": "t1:xyz"}
	}`)
	f.h1 = hashOf(t, f.zip)
	f.modH1 = modSum(f.mod)
	return f
}

// hashOf is the h1 of a zip as x/mod computes it.
func hashOf(t testing.TB, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "hash.zip")
	mustWrite(t, name, data)
	h1, err := dirhash.HashZip(name, dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	return h1
}

// fixtures are four modules that exercise the names of the module cache:
// upper-case letters, a major version suffix with a pre-release, a
// pseudo-version, and +incompatible without go.mod. Each package imports the
// next one.
func fixtures(t testing.TB) []fixture {
	return []fixture{
		newFixture(t, "example.test/Alpha", "v1.2.3", map[string]string{
			"go.mod":          "module example.test/Alpha\n\ngo 1.20\n\nrequire example.test/beta/v2 v2.0.0-RC.1\n",
			"alpha.go":        "package alpha\n\nimport \"example.test/beta/v2/sub/dir\"\n\nconst Name = \"alpha\" + dir.Name\n",
			"LICENSE":         strings.Repeat("You may. ", 100),
			"testdata/empty":  "",
			"testdata/a/b/c":  strings.Repeat("deep ", 50_000),
			"Upper/Case.text": "x",
		}),
		newFixture(t, "example.test/beta/v2", "v2.0.0-RC.1", map[string]string{
			"go.mod":         "module example.test/beta/v2\n\ngo 1.20\n\nrequire example.test/gamma v0.0.0-20240301120000-abcdefabcdef\n",
			"sub/dir/dir.go": "package dir\n\nimport \"example.test/gamma\"\n\nconst Name = \"beta\" + gamma.Name\n",
		}),
		newFixture(t, "example.test/gamma", "v0.0.0-20240301120000-abcdefabcdef", map[string]string{
			"go.mod":   "module example.test/gamma\n\ngo 1.20\n\nrequire example.test/old v3.0.0+incompatible\n",
			"gamma.go": "package gamma\n\nimport \"example.test/old\"\n\nconst Name = \"gamma\" + old.Name\n",
		}),
		newFixture(t, "example.test/old", "v3.0.0+incompatible", map[string]string{
			"old.go": "package old\n\nconst Name = \"old\"\n",
		}),
	}
}

// big is a module of many files, so that placing it takes some time.
func big(t testing.TB) fixture {
	files := map[string]string{"go.mod": "module example.test/big\n"}
	for i := range 200 {
		dir := string(rune('a'+i%7)) + "/" + string(rune('a'+i%20))
		files[dir+"/"+string(rune('a'+i/10))+string(rune('a'+i%10))+".txt"] = strings.Repeat("big ", i*20)
	}
	return newFixture(t, "example.test/big", "v1.0.0", files)
}

// zipOf is the module zip of m with the given files, made by x/mod/zip.
func zipOf(t testing.TB, m module.Version, files map[string]string) []byte {
	t.Helper()
	var list []modzip.File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, textFile{name, files[name]})
	}
	var out bytes.Buffer
	if err := modzip.Create(&out, m, list); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A textFile is a modzip.File, and its fs.FileInfo.
type textFile struct{ name, text string }

func (f textFile) Path() string                 { return f.name }
func (f textFile) Lstat() (fs.FileInfo, error)  { return f, nil }
func (f textFile) Open() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(f.text)), nil }
func (f textFile) Name() string                 { return f.name }
func (f textFile) Size() int64                  { return int64(len(f.text)) }
func (f textFile) Mode() fs.FileMode            { return 0o644 }
func (f textFile) ModTime() time.Time           { return time.Time{} }
func (f textFile) IsDir() bool                  { return false }
func (f textFile) Sys() any                     { return nil }

// A rawFile is an entry of a zip that need not keep any rule.
type rawFile struct {
	name     string
	text     string
	mode     fs.FileMode
	declared uint64 // uncompressed size to declare instead of the true one; the text is then stored raw
	method   uint16 // of the raw text
	comment  string
}

func rawZip(t testing.TB, files ...rawFile) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Comment: f.comment}
		if f.mode != 0 {
			h.SetMode(f.mode)
		}
		create := w.CreateHeader
		if f.declared > 0 {
			h.Method = f.method
			h.UncompressedSize64 = f.declared
			h.CompressedSize64 = uint64(len(f.text))
			create = w.CreateRaw
		}
		entry, err := create(h)
		if err == nil {
			_, err = io.WriteString(entry, f.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// openTest opens an empty module cache that the test removes.
func openTest(t testing.TB) *Cache {
	t.Helper()
	return openAt(t, modCacheDir(t))
}

// modCacheDir is a name for a module cache, removed with its read-only
// directories after the test.
func modCacheDir(t testing.TB) string {
	dir := filepath.Join(t.TempDir(), "mod")
	t.Cleanup(func() { removeTree(dir) })
	return dir
}

func openAt(t testing.TB, dir string) *Cache {
	t.Helper()
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// temp is a temporary file of c with the given data.
func temp(t testing.TB, c *Cache, data []byte) *os.File {
	t.Helper()
	f, err := c.Temp()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	return f
}

// put brings all of f into c.
func put(t testing.TB, c *Cache, f fixture, o PutOptions) {
	t.Helper()
	if err := c.PutZip(t.Context(), f.m, f.h1, temp(t, c, f.zip), o); err != nil {
		t.Fatal(err)
	}
	if err := c.PutMod(t.Context(), f.m, f.modH1, temp(t, c, f.mod)); err != nil {
		t.Fatal(err)
	}
	if err := c.PutInfo(t.Context(), f.m, f.info); err != nil {
		t.Fatal(err)
	}
}

func mustSlot(t testing.TB, c *Cache, m module.Version) slot {
	t.Helper()
	s, err := c.slot(m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustWrite(t testing.TB, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	os.Chmod(filepath.Dir(name), 0o777)
	os.Chmod(name, 0o666)
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func mustRead(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// mustBeComplete fails unless f is present and nothing of it differs.
func mustBeComplete(t testing.TB, c *Cache, f fixture) {
	t.Helper()
	if ok, err := c.HasZip(t.Context(), f.m, f.h1); !ok || err != nil {
		t.Errorf("HasZip(%s) = %v, %v; want true", f.m, ok, err)
	}
	diffs, err := c.Verify(t.Context(), f.m, f.h1, f.modH1, 2)
	if err != nil {
		t.Errorf("Verify(%s): %v", f.m, err)
	}
	for _, d := range diffs {
		t.Errorf("Verify(%s): %s", f.m, d)
	}
}

// listing describes every file below dir: mode, and for regular files the
// content. What only one of the two writers leaves is skipped: our directory,
// and the go command's lock of go.sum.
func listing(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(cmp.Or(strings.TrimPrefix(name, dir), "/"))
		switch rel {
		case "/cache/modferry":
			return fs.SkipDir
		case "/cache/lock":
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String()
		if info.Mode().IsRegular() {
			text += " " + mustRead(t, name)
		}
		out[rel] = text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
