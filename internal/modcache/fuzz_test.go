package modcache

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/failure"
)

// What x/mod hashes we hash to the same, unless it breaks a limit or a rule
// for names; what x/mod refuses we refuse, with a verdict and not an error of
// the disk.
func FuzzZip(f *testing.F) {
	m := module.Version{Path: "example.test/a", Version: "v1.0.0"}
	const at = "example.test/a@v1.0.0/"
	f.Add(zipOf(f, m, map[string]string{"go.mod": "module example.test/a\n", "a.go": "package a\n", "empty": ""}))
	f.Add(rawZip(f, rawFile{name: at + "a", text: "raw", declared: 3}))
	f.Add(rawZip(f, rawFile{name: at + "a", text: deflated(f, "short"), declared: 5, method: zip.Deflate}))
	f.Add(rawZip(f, rawFile{name: at}, rawFile{name: at + "d/"}, rawFile{name: at + "a", text: "1"}, rawFile{name: at + "a", text: "2"}))
	f.Add(rawZip(f, rawFile{name: at + "go.mod", text: "x", declared: 1 << 40}))
	f.Add([]byte("<html>"))
	crew := newCrew()
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(t.TempDir(), "fuzz.zip")
		if err := os.WriteFile(name, data, 0o666); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		hash := func(parallel int) (string, error) {
			a, err := openArchive(m, file, crew)
			if err != nil {
				return "", err
			}
			var total uint64
			for _, f := range a.files {
				total += f.UncompressedSize64
			}
			if total > modzip.MaxZipFile {
				t.Fatalf("contents of %d bytes passed the limit", total)
			}
			files, err := a.read(t.Context(), parallel, nil)
			if err != nil {
				return "", err
			}
			return files.h1()
		}
		got, err := hash(1)
		if again, err2 := hash(3); again != got || (err == nil) != (err2 == nil) {
			t.Errorf("hash %s, %v; in parallel %s, %v", got, err, again, err2)
		}
		var verdict *failure.Error
		if err != nil && !errors.As(err, &verdict) && !errors.Is(err, errNewline) {
			t.Errorf("error without verdict: %v", err)
		}
		if verdict != nil && (verdict.Class == failure.TooLarge || verdict.Class == failure.UnsafeZip) {
			return // dirhash knows neither limits nor prefix, and might inflate a bomb
		}
		want, wantErr := dirhash.HashZip(name, dirhash.Hash1)
		if got != want || (err == nil) != (wantErr == nil) {
			t.Errorf("hash %q, %v; dirhash says %q, %v", got, err, want, wantErr)
		}
	})
}

// An extracted zip never leaves its tree, whatever its names are, and what is
// extracted is what x/mod extracts.
func FuzzNames(f *testing.F) {
	f.Add("a.go", "sub/b.go")
	f.Add("../../evil", "a")
	f.Add("/etc/passwd", `..\evil`)
	f.Add("a", "a/b")
	f.Add("A", "a")
	f.Add("con", "aux.txt")
	f.Add("x\ny", "x\x00y")
	f.Fuzz(func(t *testing.T, one, two string) {
		if len(one) > 1<<15 || len(two) > 1<<15 {
			return
		}
		m := module.Version{Path: "example.test/a", Version: "v1.0.0"}
		const at = "example.test/a@v1.0.0/"
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for _, name := range []string{at + "go.mod", at + one, at + two} {
			if _, err := w.Create(name); err != nil {
				return
			}
		}
		if err := w.Close(); err != nil {
			return
		}
		c := openTest(t)
		tmp := temp(t, c, out.Bytes())
		h1, err := dirhash.HashZip(tmp.Name(), dirhash.Hash1)
		if err != nil {
			return
		}
		theirs := filepath.Join(t.TempDir(), "tree")
		theirErr := modzip.Unzip(theirs, m, tmp.Name())
		ourErr := c.PutZip(t.Context(), m, h1, tmp, PutOptions{Extract: true})
		if (ourErr == nil) != (theirErr == nil) {
			t.Fatalf("PutZip = %v, Unzip = %v", ourErr, theirErr)
		}
		s := mustSlot(t, c, m)
		if ourErr != nil {
			if exists(s.tree) {
				t.Error("a tree was made")
			}
			return
		}
		theirH1, err := dirhash.HashDir(theirs, m.String(), dirhash.Hash1)
		if err != nil {
			t.Fatal(err)
		}
		ourH1, err := dirhash.HashDir(s.tree, m.String(), dirhash.Hash1)
		if err != nil || ourH1 != theirH1 {
			t.Errorf("our tree %s, %v; theirs %s", ourH1, err, theirH1)
		}
	})
}
