package fetch_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// zipOf is a zip of files with the names given.
func zipOf(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, n := range names {
		f, err := w.Create(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("package evil\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What --extract reads it verifies, and what is wrong it replaces.
func TestExtractReplacesAPoisonedModule(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 100)
	v := f.Versions()[0]
	in := v.Path + "@" + v.Version + "/"
	tree := func(b *fetchtest.Bench) string {
		return filepath.Join(b.ModCache, filepath.FromSlash(v.Path)+"@"+v.Version)
	}
	other := mirrortest.Corrupt(t, mirrortest.Module{Path: v.Path, Version: v.Version, Size: 100}, mirrortest.OtherContent)
	for _, tt := range []struct {
		name string
		zip  []byte
		harm func(t *testing.T, b *fetchtest.Bench)
	}{
		{"other contents under the right ziphash", other.Zip, nil},
		{"no zip at all", []byte("<html>log in</html>"), nil},
		{"a zip that breaks the rules", zipOf(t, in+"a.go", in+"A.go"), nil},
		{"foreign names", zipOf(t, "../evil.go"), nil},
		{"a cut zip", other.Zip[:len(other.Zip)/2], nil},
		{"other contents beside a partial tree", other.Zip, func(t *testing.T, b *fetchtest.Bench) {
			if err := os.MkdirAll(tree(b), 0o777); err != nil {
				t.Fatal(err)
			}
			fetchtest.Write(t, filepath.Join(tree(b), "evil.go"), "package evil\n")
			fetchtest.Write(t, b.File(v, "partial"), "")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Values.NoProbe = true
			b.Env["GOFLAGS"] = "-modcacherw"
			b.Values.Extract = "none"
			fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
			poison(t, b, v, tt.zip)
			if tt.harm != nil {
				tt.harm(t, b)
			}
			b.Values.Extract = "all"
			r := b.Run(s.URL)
			fetchtest.WantOutcome(t, r, report.OK)
			b.Complete()
			if n := r.Totals.BySource[report.FromMirror]; n != 1 {
				t.Errorf("%d files fetched, want the poisoned one", n)
			}
			if x := fetchtest.Found(r, "cache-poisoned"); x == nil || x.Found != v.String() {
				t.Errorf("findings %v, want cache-poisoned of %s", r.Findings, v)
			}
			if _, err := os.Stat(filepath.Join(tree(b), "evil.go")); err == nil {
				t.Error("a file of the wrong tree stayed")
			}
			if _, err := os.Stat(filepath.Join(tree(b), "go.mod")); err != nil {
				t.Errorf("the module was not extracted: %v", err)
			}
		})
	}
	t.Run("no source has the right bytes", func(t *testing.T) {
		t.Parallel()
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
		b := fetchtest.New(t, f, mirrortest.Checkout{})
		b.Values.NoProbe = true
		b.Values.Extract = "none"
		fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
		poison(t, b, v, other.Zip)
		b.Values.Extract = "all"
		fetchtest.WantOutcome(t, b.Run("off"), report.Incomplete)
		if _, err := os.Stat(b.File(v, "zip")); !os.IsNotExist(err) {
			t.Errorf("the wrong zip stayed: %v", err)
		}
	})
}
