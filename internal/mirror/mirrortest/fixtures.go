package mirrortest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"
)

// Module describes a module version to make.
type Module struct {
	Path, Version string

	// Require are the require lines of its go.mod. The package of the module
	// does not import them.
	Require []module.Version
	// GoMod is the whole go.mod; "" writes one with the module, go 1.21 and
	// Require.
	GoMod string
	// Files are added to, or replace, the default m.go (package m, which only
	// declares a constant). Names are relative to the module.
	Files map[string]string
	// Size is the number of bytes of incompressible content in data.bin; 0
	// means no such file. The zip is about that large.
	Size int
}

// Artifact is a module version as a mirror serves it, with the hashes that a
// go.sum holds for it. Tests must not change its bytes.
type Artifact struct {
	module.Version
	Zip, Mod, Info []byte
	ZipSum, ModSum string // "h1:…"
}

// SumLines are the two lines of a go.sum for it.
func (a *Artifact) SumLines() string {
	return fmt.Sprintf("%s %s %s\n%s %s/go.mod %s\n",
		a.Path, a.Version.Version, a.ZipSum, a.Path, a.Version.Version, a.ModSum)
}

// File is the content of its file of that kind: "zip", "mod" or "info".
func (a *Artifact) File(kind string) []byte {
	switch kind {
	case "zip":
		return a.Zip
	case "mod":
		return a.Mod
	case "info":
		return a.Info
	}
	return nil
}

// Fixtures is an immutable set of artifacts, at most one per module version.
type Fixtures struct {
	byVersion map[module.Version]*Artifact
}

// Build makes the modules. The same modules give the same bytes in every run.
func Build(tb testing.TB, mods ...Module) *Fixtures {
	tb.Helper()
	f := &Fixtures{byVersion: map[module.Version]*Artifact{}}
	for _, m := range mods {
		a, err := m.artifact()
		if err != nil {
			tb.Fatalf("build fixture %s@%s: %v", m.Path, m.Version, err)
		}
		f.byVersion[a.Version] = a
	}
	return f
}

// Generate makes n modules example.test/m000@v1.0.0, example.test/m001@v1.0.1
// and so on, each with size bytes of incompressible content.
func Generate(tb testing.TB, n, size int) *Fixtures {
	tb.Helper()
	mods := make([]Module, n)
	for i := range mods {
		mods[i] = Module{
			Path:    fmt.Sprintf("example.test/m%03d", i),
			Version: fmt.Sprintf("v1.0.%d", i),
			Size:    size,
		}
	}
	return Build(tb, mods...)
}

// With is a copy of f in which the given artifacts stand in for, or are added
// to, those of f: a mirror that lies about some modules.
func (f *Fixtures) With(as ...*Artifact) *Fixtures {
	c := &Fixtures{byVersion: maps.Clone(f.byVersion)}
	for _, a := range as {
		c.byVersion[a.Version] = a
	}
	return c
}

// Without is a copy of f that lacks the given module versions.
func (f *Fixtures) Without(vs ...module.Version) *Fixtures {
	c := &Fixtures{byVersion: maps.Clone(f.byVersion)}
	for _, v := range vs {
		delete(c.byVersion, v)
	}
	return c
}

// All returns the artifacts, sorted by path and version.
func (f *Fixtures) All() []*Artifact {
	vs := slices.Collect(maps.Keys(f.byVersion))
	module.Sort(vs)
	as := make([]*Artifact, len(vs))
	for i, v := range vs {
		as[i] = f.byVersion[v]
	}
	return as
}

// Versions returns the module versions of All.
func (f *Fixtures) Versions() []module.Version {
	var vs []module.Version
	for _, a := range f.All() {
		vs = append(vs, a.Version)
	}
	return vs
}

// Get returns the artifact of a module version, nil when there is none.
func (f *Fixtures) Get(path, version string) *Artifact {
	return f.byVersion[module.Version{Path: path, Version: version}]
}

// list returns the sorted versions of a module path.
func (f *Fixtures) list(path string) []string {
	var vs []string
	for v := range f.byVersion {
		if v.Path == path {
			vs = append(vs, v.Version)
		}
	}
	semver.Sort(vs)
	return vs
}

// Content is n pseudo-random bytes that depend on the name alone.
func Content(name string, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8(sha256.Sum256([]byte(name))).Read(b)
	return b
}

// goMod is the module's go.mod.
func (m Module) goMod() string {
	if m.GoMod != "" {
		return m.GoMod
	}
	var b strings.Builder
	fmt.Fprintf(&b, "module %s\n\ngo 1.21\n", m.Path)
	for _, r := range m.Require {
		fmt.Fprintf(&b, "\nrequire %s %s\n", r.Path, r.Version)
	}
	return b.String()
}

// files are all files of the module by name.
func (m Module) files() map[string][]byte {
	files := map[string][]byte{
		"go.mod": []byte(m.goMod()),
		"m.go":   fmt.Appendf(nil, "// Package m is a fixture.\npackage m\n\nconst Name = %q\n", m.Path+"@"+m.Version),
	}
	if m.Size > 0 {
		files["data.bin"] = Content(m.Path+"@"+m.Version, m.Size)
	}
	for name, text := range m.Files {
		files[name] = []byte(text)
	}
	return files
}

func (m Module) artifact() (*Artifact, error) {
	v := module.Version{Path: m.Path, Version: m.Version}
	if err := module.Check(v.Path, v.Version); err != nil {
		return nil, err
	}
	files := m.files()
	var list []modzip.File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, memFile{name, files[name]})
	}
	var zip bytes.Buffer
	if err := modzip.Create(&zip, v, list); err != nil {
		return nil, err
	}
	zipSum, err := hashFiles(v, files)
	if err != nil {
		return nil, err
	}
	modSum, err := hashMod(files["go.mod"])
	if err != nil {
		return nil, err
	}
	return &Artifact{
		Version: v,
		Zip:     zip.Bytes(), Mod: files["go.mod"], Info: info(v.Version),
		ZipSum: zipSum, ModSum: modSum,
	}, nil
}

// info is the .info of a version. All fixtures are of the same instant.
func info(version string) []byte {
	b, err := json.Marshal(struct {
		Version string
		Time    time.Time
	}{version, time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)})
	if err != nil {
		panic(err) // two plain fields
	}
	return b
}

// hashFiles is the h1 of a module zip with these files.
func hashFiles(v module.Version, files map[string][]byte) (string, error) {
	prefix := v.Path + "@" + v.Version + "/"
	var names []string
	for name := range files {
		names = append(names, prefix+name)
	}
	return dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files[strings.TrimPrefix(name, prefix)])), nil
	})
}

// hashMod is the h1 of a go.mod (cmd/go modfetch/fetch.go: goModSum).
func hashMod(data []byte) (string, error) {
	return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	})
}

// memFile is a file of a module zip to be.
type memFile struct {
	name string
	data []byte
}

func (f memFile) Path() string                 { return f.name }
func (f memFile) Lstat() (os.FileInfo, error)  { return memInfo{f}, nil }
func (f memFile) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.data)), nil }

// memInfo is the os.FileInfo of a memFile.
type memInfo struct{ f memFile }

func (i memInfo) Name() string       { return path.Base(i.f.name) }
func (i memInfo) Size() int64        { return int64(len(i.f.data)) }
func (i memInfo) Mode() fs.FileMode  { return 0o644 }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return false }
func (i memInfo) Sys() any           { return nil }
