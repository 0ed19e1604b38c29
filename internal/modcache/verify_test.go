package modcache

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/failure"
)

// The cases are those in which the go command builds what somebody else put
// into the module cache, and those it notices.
func TestVerify(t *testing.T) {
	t.Parallel()
	type diffs = []Difference
	f := fixtures(t)[0]
	const (
		base = "cache/download/example.test/!alpha/@v/v1.2.3"
		tree = "example.test/!alpha@v1.2.3"
	)
	sum := func(text string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))) }
	evil := evilZip(t, f)
	evilH1 := hashOf(t, evil)
	tests := []struct {
		name   string
		change func(t *testing.T, s slot) // of a complete and extracted module
		want   diffs
	}{
		{"nothing changed", func(t *testing.T, s slot) {}, nil},
		{"nothing there", func(t *testing.T, s slot) {
			for _, name := range []string{s.zip, s.ziphash, s.mod, s.tree} {
				removeTree(name)
			}
		}, nil},
		{"an evil zip beside the right ziphash", func(t *testing.T, s slot) {
			mustWrite(t, s.zip, evil)
		}, diffs{{"zip", base + ".zip", evilH1, f.h1}}},
		{"an evil zip with its own ziphash", func(t *testing.T, s slot) {
			mustWrite(t, s.zip, evil)
			mustWrite(t, s.ziphash, []byte(evilH1))
		}, diffs{{"zip", base + ".zip", evilH1, f.h1}, {"ziphash", base + ".ziphash", evilH1, f.h1}}},
		{"an evil zip, ziphash and tree that agree", func(t *testing.T, s slot) {
			mustWrite(t, s.zip, evil)
			mustWrite(t, s.ziphash, []byte(evilH1))
			removeTree(s.tree)
			mustWrite(t, filepath.Join(s.tree, "go.mod"), f.mod)
			mustWrite(t, filepath.Join(s.tree, "evil.go"), []byte("package evil\n"))
		}, diffs{{"zip", base + ".zip", evilH1, f.h1}, {"ziphash", base + ".ziphash", evilH1, f.h1}, {"tree", tree, evilH1, f.h1}}},
		{"a zip that is none", func(t *testing.T, s slot) {
			mustWrite(t, s.zip, []byte("<html>"))
		}, diffs{{"zip", base + ".zip", "found an HTML page of 6 bytes, as login pages and captive portals send, expected a zip (zip: not a valid zip file)", f.h1}}},
		{"a directory as zip", func(t *testing.T, s slot) {
			if err := os.Remove(s.zip); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(s.zip, 0o700); err != nil {
				t.Fatal(err)
			}
		}, diffs{{"zip", base + ".zip", "found a directory, not a regular file", f.h1}}},
		{"changed, missing and further files in the tree", func(t *testing.T, s slot) {
			mustWrite(t, filepath.Join(s.tree, "alpha.go"), []byte("package evil\n"))
			mustWrite(t, filepath.Join(s.tree, "testdata", "evil"), []byte("x"))
			if err := os.Remove(filepath.Join(s.tree, "testdata", "empty")); err != nil {
				t.Fatal(err)
			}
		}, diffs{
			{"tree", tree + "/alpha.go", sum("package evil\n"), sum(f.files["alpha.go"])},
			{"tree", tree + "/testdata/empty", absent, sum("")},
			{"tree", tree + "/testdata/evil", sum("x"), absent},
		}},
		{"an evil tree without ziphash", func(t *testing.T, s slot) {
			mustWrite(t, filepath.Join(s.tree, "alpha.go"), []byte("package evil\n"))
			if err := os.Remove(s.ziphash); err != nil {
				t.Fatal(err)
			}
		}, diffs{{"tree", tree + "/alpha.go", sum("package evil\n"), sum(f.files["alpha.go"])}}},
		{"an evil tree without zip", func(t *testing.T, s slot) {
			removeTree(s.tree)
			mustWrite(t, filepath.Join(s.tree, "go.mod"), f.mod)
			mustWrite(t, filepath.Join(s.tree, "evil.go"), []byte("package evil\n"))
			if err := os.Remove(s.zip); err != nil {
				t.Fatal(err)
			}
		}, diffs{{"tree", tree, evilH1, f.h1}}},
		{"the tree without zip", func(t *testing.T, s slot) {
			if err := os.Remove(s.zip); err != nil {
				t.Fatal(err)
			}
		}, nil},
		{"an interrupted extraction", func(t *testing.T, s slot) {
			mustWrite(t, s.partial, nil)
			mustWrite(t, filepath.Join(s.tree, "alpha.go"), []byte("package evil\n"))
		}, diffs{{"partial", base + ".partial", "an interrupted extraction", absent}}},
		{"an evil go.mod", func(t *testing.T, s slot) {
			mustWrite(t, s.mod, []byte("module evil\n"))
		}, diffs{{"mod", base + ".mod", modSum([]byte("module evil\n")), f.modH1}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := openTest(t)
			put(t, c, f, PutOptions{Extract: true})
			tt.change(t, mustSlot(t, c, f.m))
			for _, parallel := range []int{0, 4} {
				got, err := c.Verify(t.Context(), f.m, f.h1, f.modH1, parallel)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("differences (-want, +got):\n%s", diff)
				}
			}
			if got, err := c.Verify(t.Context(), f.m, "", "", 1); len(got) > 0 || err != nil {
				t.Errorf("Verify without hashes = %v, %v", got, err)
			}
		})
	}
}

func TestVerifyDoesNotFollowLinksInATree(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := fixtures(t)[0]
	put(t, c, f, PutOptions{Extract: true})
	s := mustSlot(t, c, f.m)
	// The same content, from where it can be changed later.
	elsewhere := filepath.Join(t.TempDir(), "alpha.go")
	mustWrite(t, elsewhere, []byte(f.files["alpha.go"]))
	name := filepath.Join(s.tree, "alpha.go")
	os.Chmod(s.tree, 0o777)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, name); err != nil {
		if runtime.GOOS == "windows" {
			t.Skipf("symbolic links need a privilege on Windows: %v", err)
		}
		t.Fatal(err)
	}
	got, err := c.Verify(t.Context(), f.m, f.h1, "", 1)
	if err != nil || len(got) != 1 || got[0].Found != "not a regular file" || got[0].File != "example.test/!alpha@v1.2.3/alpha.go" {
		t.Errorf("Verify = %v, %v; want one difference, alpha.go", got, err)
	}
}

func TestVerifyEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := fixtures(t)[1] // of files so small that none takes more than one read
	put(t, c, f, PutOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if diffs, err := c.Verify(ctx, f.m, f.h1, "", 2); failureClass(err) != failure.Cancelled {
		t.Errorf("Verify = %v, %v; want %s", diffs, err, failure.Cancelled)
	}
}

func TestDiscard(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := fixtures(t)[0]
	s := mustSlot(t, c, f.m)
	if err := c.Discard(t.Context(), f.m); err != nil {
		t.Errorf("Discard of nothing: %v", err)
	}
	put(t, c, f, PutOptions{Extract: true})
	if err := c.DiscardTree(t.Context(), f.m); err != nil {
		t.Fatal(err)
	}
	if exists(s.tree) || exists(s.partial) {
		t.Error("DiscardTree left something")
	}
	mustBeComplete(t, c, f)
	put(t, c, f, PutOptions{Extract: true})
	if !c.Extracted(f.m) {
		t.Fatal("not extracted again")
	}
	if err := c.Discard(t.Context(), f.m); err != nil {
		t.Fatal(err)
	}
	mustHoldNothing(t, c, f.m)
	if ok, err := c.HasZip(t.Context(), f.m, f.h1); ok || err != nil {
		t.Errorf("HasZip = %v, %v; want false", ok, err)
	}
	if !exists(s.mod) || !exists(s.info) || !exists(s.lock) {
		t.Error("Discard removed more than zip, ziphash and tree")
	}
}

func TestExtract(t *testing.T) {
	t.Parallel()
	c := openTest(t)
	f := fixtures(t)[0]
	s := mustSlot(t, c, f.m)
	if err := c.Extract(t.Context(), f.m, f.h1); failureClass(err) != failure.LocalIO {
		t.Errorf("Extract without zip = %v; want %s", err, failure.LocalIO)
	}
	mustWrite(t, s.zip, evilZip(t, f))
	if err := c.Extract(t.Context(), f.m, f.h1); failureClass(err) != failure.HashMismatch || exists(s.tree) {
		t.Errorf("Extract of an evil zip = %v; want %s", err, failure.HashMismatch)
	}
	put(t, c, f, PutOptions{})
	for range 2 {
		if err := c.Extract(t.Context(), f.m, f.h1); err != nil {
			t.Fatal(err)
		}
	}
	if !c.Extracted(f.m) {
		t.Error("not extracted")
	}
	mustBeComplete(t, c, f)
	mustHaveNoTemps(t, c)
}
