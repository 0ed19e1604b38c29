package fetchtest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
)

// File is a file of a module version in the module cache.
func (b *Bench) File(v module.Version, ext string) string {
	p, err := module.EscapePath(v.Path)
	if err != nil {
		b.T.Fatal(err)
	}
	ver, err := module.EscapeVersion(v.Version)
	if err != nil {
		b.T.Fatal(err)
	}
	return filepath.Join(b.ModCache, "cache", "download", filepath.FromSlash(p), "@v", ver+"."+ext)
}

// tree is where the module cache has the extracted tree of a module version.
func (b *Bench) tree(v module.Version) string {
	b.T.Helper()
	rel, err := filepath.Rel(filepath.Join(b.ModCache, "cache", "download"), b.File(v, "zip"))
	if err != nil {
		b.T.Fatal(err)
	}
	path, version, _ := strings.Cut(filepath.ToSlash(strings.TrimSuffix(rel, ".zip")), "/@v/")
	return filepath.Join(b.ModCache, filepath.FromSlash(path)+"@"+version)
}

// h1 is the hash of the zip of a module version, or of its tree when there is no
// zip.
func (b *Bench) h1(v module.Version) (string, error) {
	h1, err := dirhash.HashZip(b.File(v, "zip"), dirhash.Hash1)
	if errors.Is(err, fs.ErrNotExist) {
		return dirhash.HashDir(b.tree(v), v.String(), dirhash.Hash1)
	}
	return h1, err
}

// Complete checks that the module cache holds every fixture: the go.mod byte for
// byte, and a zip or a tree with the right hash.
func (b *Bench) Complete() {
	b.T.Helper()
	for _, a := range b.Fixtures.All() {
		for ext, want := range map[string]string{"mod": string(a.Mod), "ziphash": a.ZipSum} {
			got, err := os.ReadFile(b.File(a.Version, ext))
			if err != nil || string(got) != want {
				b.T.Errorf("%s.%s: %d bytes, %v; want %d right ones", a.Version, ext, len(got), err, len(want))
			}
		}
		if h1, err := b.h1(a.Version); err != nil || h1 != a.ZipSum {
			b.T.Errorf("zip or tree of %s: %s, %v; want %s", a.Version, h1, err, a.ZipSum)
		}
		if _, err := os.Stat(b.File(a.Version, "info")); err != nil {
			b.T.Error(err)
		}
	}
	b.Clean()
}

// Clean checks that the module cache holds no byte that is not a fixture's and
// no leftovers.
func (b *Bench) Clean() {
	b.T.Helper()
	err := filepath.WalkDir(b.ModCache, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.Index(d.Name(), "@v") > 0 {
			return filepath.SkipDir // a tree
		}
		if err != nil || d.IsDir() {
			return err
		}
		switch ext := filepath.Ext(name); ext {
		case ".lock", ".info", ".ziphash":
		case ".zip", ".mod":
			if !b.right(name, ext[1:]) {
				b.T.Errorf("%s holds wrong bytes", name)
			}
		default:
			base := filepath.Base(name)
			if base != "list" && base != "bad-layers" && filepath.Base(filepath.Dir(name)) != "imports" {
				b.T.Errorf("%s is left over", name)
			}
		}
		return nil
	})
	if err != nil {
		b.T.Error(err)
	}
}

// right reports whether a file of the module cache is what go.sum names. Of a
// zip that is its h1 hash: what surrounds the contents may differ.
func (b *Bench) right(name, ext string) bool {
	for _, a := range b.Fixtures.All() {
		if name != b.File(a.Version, ext) {
			continue
		}
		if ext == "zip" {
			h1, err := dirhash.HashZip(name, dirhash.Hash1)
			return err == nil && h1 == a.ZipSum
		}
		data, err := os.ReadFile(name)
		return err == nil && string(data) == string(a.Mod)
	}
	return false
}

func WantOutcome(t *testing.T, r *report.Result, want report.Outcome) {
	t.Helper()
	if r.Outcome != want {
		t.Errorf("outcome %q (%s), want %q", r.Outcome, r.Message, want)
		for _, m := range r.Modules {
			if m.Source == report.FromFailed {
				t.Logf("%s@%s %s: %s %s %v", m.Path, m.Version, m.Kind, m.Class, m.Message, m.Attempts)
			}
		}
		for _, m := range r.Mirrors {
			t.Logf("mirror %s %s %s %s", m.URL, m.State, m.Class, m.Reason)
		}
	}
}

// Found is the finding of a check, nil when there is none.
func Found(r *report.Result, check string) *finding.Finding {
	for i, f := range r.Findings {
		if f.Check == check {
			return &r.Findings[i]
		}
	}
	return nil
}

// Met reports whether some attempt failed in the class.
func Met(r *report.Result, class failure.Class) bool {
	for _, m := range r.Modules {
		for _, a := range m.Attempts {
			if a.Class == class {
				return true
			}
		}
	}
	return false
}
