package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/dirhash"
)

// publish writes a module with one file of the given size to a mirror's files.
func publish(t *testing.T, files, path, version string, size int) {
	t.Helper()
	place := filepath.Join(files, path, "@v", version)
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(place+".mod", []byte("module "+path+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(place + ".zip")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	w, err := z.CreateHeader(&zip.FileHeader{Name: path + "@" + version + "/file.go", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestChangeBringsTheMedianModuleInANewVersion(t *testing.T) {
	t.Parallel()
	files := t.TempDir()
	for path, size := range map[string]int{"a.test/small": 10, "a.test/middle": 1000, "a.test/large": 100000, "a.test/indirect": 1001, "a.test/replaced": 1002} {
		publish(t, files, path, "v1.2.3-rc.1", size)
	}
	goMod := `module example.test/x

go 1.26

require (
	a.test/small v1.2.3-rc.1
	a.test/middle v1.2.3-rc.1
	a.test/large v1.2.3-rc.1
	a.test/replaced v1.2.3-rc.1
	a.test/indirect v1.2.3-rc.1 // indirect
)

replace a.test/replaced => ./here
`
	goSum := `a.test/large v1.2.3-rc.1 h1:1=
a.test/large v1.2.3-rc.1/go.mod h1:2=
a.test/middle v1.2.3-rc.1 h1:3=
a.test/middle v1.2.3-rc.1/go.mod h1:4=
`
	c := &checkout{goMod: []byte(goMod), goSum: []byte(goSum)}
	changed, what, err := c.change(files, files)
	if err != nil {
		t.Fatal(err)
	}
	if want := "a.test/middle@v1.2.3-rc.1, 1.2 kB"; what != want {
		t.Errorf("got %q, want %q", what, want)
	}
	if diff := cmp.Diff(strings.Replace(goMod, "a.test/middle v1.2.3-rc.1", "a.test/middle v1.2.4-bench", 1), string(changed.goMod)); diff != "" {
		t.Errorf("go.mod: %s", diff)
	}
	fresh := filepath.Join(files, "a.test/middle/@v/v1.2.4-bench")
	hash, err := dirhash.HashZip(fresh+".zip", dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	wantSum := `a.test/large v1.2.3-rc.1 h1:1=
a.test/large v1.2.3-rc.1/go.mod h1:2=
a.test/middle v1.2.4-bench ` + hash + `
a.test/middle v1.2.4-bench/go.mod h1:4=
a.test/middle v1.2.3-rc.1/go.mod h1:4=
`
	if diff := cmp.Diff(wantSum, string(changed.goSum)); diff != "" {
		t.Errorf("go.sum: %s", diff)
	}
	if string(c.goMod) != goMod || string(c.goSum) != goSum {
		t.Error("the checkout before the change has changed")
	}
	z, err := zip.OpenReader(fresh + ".zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if len(z.File) != 1 || z.File[0].Name != "a.test/middle@v1.2.4-bench/file.go" {
		t.Errorf("got members %v, want the file with the new version", z.File)
	}
	for _, ext := range []string{".mod", ".info"} {
		if _, err := os.Stat(fresh + ext); err != nil {
			t.Error(err)
		}
	}
}

func TestChangeNeedsADirectRequirement(t *testing.T) {
	t.Parallel()
	c := &checkout{goMod: []byte("module example.test/x\n")}
	_, _, err := c.change(t.TempDir(), t.TempDir())
	if want := "found no direct requirement with a zip, expected one"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}
