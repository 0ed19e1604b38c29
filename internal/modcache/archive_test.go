package modcache

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/failure"
)

func deflated(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPutZipRefuses(t *testing.T) {
	t.Parallel()
	m := module.Version{Path: "example.test/a", Version: "v1.0.0"}
	const at = "example.test/a@v1.0.0/"
	want := newFixture(t, m.Path, m.Version, map[string]string{"go.mod": "module example.test/a\n", "a.go": "package a\n"})
	file := rawFile{name: at + "a.go", text: "package a\n"}
	flipped := bytes.Clone(want.zip)
	flipped[len(at)+40]++

	tests := []struct {
		name   string
		zip    []byte
		class  failure.Class
		detail string // part of it
	}{
		{"nothing at all", nil, failure.WrongContent, "nothing (0 bytes)"},
		{"a login page", []byte("\n<!DOCTYPE html><title>Sign in</title>"), failure.WrongContent, `an HTML page of 38 bytes titled "Sign in", as`},
		{"some text", []byte("upstream connect error"), failure.WrongContent, `22 bytes that start with "upstream connect error"`},
		{"a truncated zip", want.zip[:len(want.zip)-30], failure.WrongContent, "a truncated or damaged zip"},
		{"a zip with a changed byte", flipped, failure.WrongContent, "a damaged zip"},
		{"a zip with other contents", rawZip(t, rawFile{name: at + "a.go", text: "package evil\n"}), failure.HashMismatch, want.h1},
		{"a zip without files", rawZip(t), failure.HashMismatch, want.h1},
		{"the zip of another version", rawZip(t, rawFile{name: "example.test/a@v1.0.1/a.go", text: "package a\n"}), failure.UnsafeZip, `expected every name to start with "example.test/a@v1.0.0/"`},
		{"an absolute name", rawZip(t, file, rawFile{name: "/etc/passwd", text: "x"}), failure.UnsafeZip, "/etc/passwd"},
		{"a name that leaves the tree", rawZip(t, file, rawFile{name: at + "../../../evil", text: "x"}), failure.UnsafeZip, "evil"},
		{"a name with a backslash", rawZip(t, file, rawFile{name: at + `..\evil`, text: "x"}), failure.UnsafeZip, "evil"},
		{"a name with a newline", rawZip(t, file, rawFile{name: at + "x\ny", text: "x"}), failure.UnsafeZip, "newline"},
		{"a name twice", rawZip(t, file, file), failure.UnsafeZip, "multiple entries"},
		{"names that differ in case", rawZip(t, file, rawFile{name: at + "A.go", text: "x"}), failure.UnsafeZip, "case-insensitive"},
		{"a second go.mod", rawZip(t, file, rawFile{name: at + "sub/go.mod", text: "x"}), failure.UnsafeZip, "go.mod file not in module root"},
		{"a symbolic link", rawZip(t, file, rawFile{name: at + "link", text: "/etc/passwd", mode: fs.ModeSymlink | 0o777}), failure.UnsafeZip, "not a regular file"},
		{"a device", rawZip(t, file, rawFile{name: at + "dev", text: "", mode: fs.ModeDevice | 0o666}), failure.UnsafeZip, "not a regular file"},
		{"a file beyond 500 MiB", rawZip(t, rawFile{name: at + "a", text: "x", declared: 500<<20 + 1}), failure.TooLarge, "524288001 bytes"},
		{"contents beyond 500 MiB", rawZip(t, rawFile{name: at + "a", text: "x", declared: 300 << 20}, rawFile{name: at + "b", text: "x", declared: 300 << 20}), failure.TooLarge, "contents of more than"},
		{"sizes that overflow when summed", rawZip(t, rawFile{name: at + "a", text: "x", declared: 1<<63 + 7}, rawFile{name: at + "b", text: "x", declared: 1<<63 - 7}), failure.TooLarge, "expected at most"},
		{"a go.mod beyond 16 MiB", rawZip(t, rawFile{name: at + "go.mod", text: "x", declared: 16<<20 + 1}), failure.TooLarge, `"go.mod" of 16777217 bytes`},
		{"a LICENSE beyond 16 MiB", rawZip(t, rawFile{name: at + "LICENSE", text: "x", declared: 16<<20 + 1}), failure.TooLarge, `"LICENSE" of 16777217 bytes`},
		{"a bomb that declares less than it holds", rawZip(t, rawFile{name: at + "a", text: deflated(t, strings.Repeat("\x00", 1<<20)), declared: 100, method: zip.Deflate}), failure.WrongContent, "a damaged zip"},
		{"a file shorter than declared", rawZip(t, rawFile{name: at + "a", text: "x", declared: 100}), failure.WrongContent, "a damaged zip"},
		{"an unknown compression method", rawZip(t, rawFile{name: at + "a", text: "x", declared: 1, method: 93}), failure.WrongContent, "unsupported compression"},
		{"a list of files beyond all measure", rawZip(t, hugeDirectory(at)...), failure.TooLarge, "list of files"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, o := range []PutOptions{{}, {Extract: true, Parallel: 4}} {
				c := openTest(t)
				tmp := temp(t, c, tt.zip)
				err := c.PutZip(t.Context(), m, want.h1, tmp, o)
				fe, ok := err.(*failure.Error)
				if !ok || fe.Class != tt.class || !strings.Contains(fe.Error(), tt.detail) {
					t.Errorf("PutZip(%+v) = %v; want class %s and %q", o, err, tt.class, tt.detail)
				}
				mustHoldNothing(t, c, m)
				if exists(tmp.Name()) {
					t.Error("the temporary file was not removed")
				}
			}
		})
	}
}

func hugeDirectory(at string) []rawFile {
	var files []rawFile
	for i := range maxDirectory/(1<<16-1) + 1 {
		files = append(files, rawFile{name: at + strings.Repeat("x", i+1), comment: strings.Repeat("c", 1<<16-1)})
	}
	return files
}

// mustHoldNothing fails when anything of m, or anything temporary, is in c.
func mustHoldNothing(t *testing.T, c *Cache, m module.Version) {
	t.Helper()
	s := mustSlot(t, c, m)
	for _, name := range []string{s.zip, s.ziphash, s.tree, s.partial} {
		if exists(name) {
			t.Errorf("%s exists", c.name(name))
		}
	}
	mustHaveNoTemps(t, c)
}

func mustHaveNoTemps(t *testing.T, c *Cache) {
	t.Helper()
	left, err := os.ReadDir(c.run.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		t.Errorf("temporary %s is left", e.Name())
	}
}

func TestAMismatchNamesBothHashes(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f, evil := fixtures(t)[0], rawZip(t, rawFile{name: "example.test/Alpha@v1.2.3/a", text: "evil"})
	err := c.PutZip(t.Context(), f.m, f.h1, temp(t, c, evil), PutOptions{})
	fe, ok := err.(*failure.Error)
	if !ok || !strings.Contains(fe.Detail, f.h1) || !strings.Contains(fe.Detail, hashOf(t, evil)) {
		t.Errorf("PutZip = %v; want %s and %s in Detail", err, f.h1, hashOf(t, evil))
	}
}

func TestAZipBeyond500MiBIsRefusedUnread(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := fixtures(t)[0]
	tmp := temp(t, c, f.zip)
	if err := tmp.Truncate(modzip.MaxZipFile + 1); err != nil { // sparse
		t.Fatal(err)
	}
	err := c.PutZip(t.Context(), f.m, f.h1, tmp, PutOptions{})
	if failureClass(err) != failure.TooLarge {
		t.Errorf("PutZip = %v; want %s", err, failure.TooLarge)
	}
	mustHoldNothing(t, c, f.m)
}

// The go command looks at most of the zip rules only when it extracts, and a
// go.sum may name such a zip.
func TestAZipWithTheRightHashIsPlacedEvenIfItCannotBeExtracted(t *testing.T) {
	t.Parallel()
	m := module.Version{Path: "example.test/a", Version: "v1.0.0"}
	const at = "example.test/a@v1.0.0/"
	data := rawZip(t, rawFile{name: at + "a.go", text: "one"}, rawFile{name: at + "A.go", text: "two"}, rawFile{name: at + "a.go", text: "three"})
	h1 := hashOf(t, data)
	for _, extract := range []bool{false, true} {
		c := openTest(t)
		err := c.PutZip(t.Context(), m, h1, temp(t, c, data), PutOptions{Extract: extract})
		var notExtracted *ExtractError
		if errors.As(err, &notExtracted) != extract || !extract && err != nil {
			t.Errorf("PutZip with Extract %v = %v", extract, err)
		}
		if extract && failureClass(err) != failure.UnsafeZip {
			t.Errorf("class %s, want %s", failureClass(err), failure.UnsafeZip)
		}
		if ok, err := c.HasZip(t.Context(), m, h1); !ok || err != nil {
			t.Errorf("HasZip = %v, %v; want true", ok, err)
		}
		if c.Extracted(m) || exists(mustSlot(t, c, m).tree) {
			t.Error("a tree was made")
		}
		mustHaveNoTemps(t, c)
	}
}

func TestDirectoryEntriesOfAZipCountForItsHashButNotInItsTree(t *testing.T) {
	t.Parallel()
	m := module.Version{Path: "example.test/a", Version: "v1.0.0"}
	const at = "example.test/a@v1.0.0/"
	data := rawZip(t, rawFile{name: at}, rawFile{name: at + "sub/"}, rawFile{name: at + "sub/a.go", text: "package a"}, rawFile{name: at + "empty/"})
	h1 := hashOf(t, data)
	c := openTest(t)
	if err := c.PutZip(t.Context(), m, h1, temp(t, c, data), PutOptions{Extract: true}); err != nil {
		t.Fatal(err)
	}
	if diffs, err := c.Verify(t.Context(), m, h1, "", 1); err != nil || len(diffs) > 0 {
		t.Errorf("Verify = %v, %v", diffs, err)
	}
	if !c.Extracted(m) {
		t.Error("not extracted")
	}
}

func TestWithoutAHashNothingIsAccepted(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := fixtures(t)[0]
	for _, h1 := range []string{"", "h2:" + f.h1[3:], "h1:short"} {
		_, hasZip := c.HasZip(t.Context(), f.m, h1)
		_, hasMod := c.HasMod(f.m, h1)
		for what, err := range map[string]error{
			"PutZip":  c.PutZip(t.Context(), f.m, h1, temp(t, c, f.zip), PutOptions{}),
			"PutMod":  c.PutMod(t.Context(), f.m, h1, temp(t, c, f.mod)),
			"Extract": c.Extract(t.Context(), f.m, h1),
			"HasZip":  hasZip,
			"HasMod":  hasMod,
		} {
			if failureClass(err) != failure.MissingSum {
				t.Errorf("%s with hash %q = %v; want %s", what, h1, err, failure.MissingSum)
			}
		}
	}
	mustHoldNothing(t, c, f.m)
}

func TestACancelledContextEndsAPut(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := big(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, err := range map[string]error{
		"PutZip":  c.PutZip(ctx, f.m, f.h1, temp(t, c, f.zip), PutOptions{Extract: true}),
		"PutMod":  c.PutMod(ctx, f.m, f.modH1, temp(t, c, f.mod)),
		"PutInfo": c.PutInfo(ctx, f.m, f.info),
	} {
		if failureClass(err) != failure.Cancelled {
			t.Errorf("%s = %v; want %s", what, err, failure.Cancelled)
		}
	}
	mustHoldNothing(t, c, f.m)
}

func failureClass(err error) failure.Class {
	var fe *failure.Error
	if !errors.As(err, &fe) {
		return ""
	}
	return fe.Class
}
