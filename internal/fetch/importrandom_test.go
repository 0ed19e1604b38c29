package fetch_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
)

// randomArchive is a case whose checkout is one main module or a workspace of two, with
// modules below and beside them, some replaced. No package is in two modules.
func randomArchive(r *rand.Rand) *txtar.Archive {
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	workspace := r.IntN(4) == 0
	mains := []string{"m.test"}
	a := &txtar.Archive{Comment: []byte("run: list -e -deps -test ./...\n")}
	if workspace {
		mains = append(mains, "w.test")
		a.Comment = []byte("run: list -e -deps -test ./m.test/... ./w.test/...\nsum: go.work.sum m.test/go.sum w.test/go.sum\n")
		add(a, "go.work", "go 1.21\n\nuse (\n\t./m.test\n\t./w.test\n)\n")
	}
	var modules []string
	for i := range 6 + r.IntN(6) {
		p := fmt.Sprintf("x%d.test", i)
		below := slices.Clone(modules)
		if !workspace { // a run looks at modules below there, too, the go command does not
			below = append(below, mains...)
		}
		if len(below) > 0 && r.IntN(2) == 0 {
			p = path.Join(pick(below...), pick("a", "b", "c"))
		}
		if !slices.Contains(modules, p) {
			modules = append(modules, p)
		}
	}
	all := append(slices.Clone(mains), modules...)
	in := map[string]string{}
	var packages []string
	for _, m := range all { // each has one in its root
		in[m] = m
	}
	for range 30 {
		m := pick(all...)
		p := m
		for range 1 + r.IntN(2) {
			p = path.Join(p, pick("a", "b", "c", "testdata", "_d"))
		}
		if in[p] == "" {
			in[p] = m
		}
	}
	for p := range in {
		packages = append(packages, p)
	}
	slices.Sort(packages)
	where := map[string][]string{} // the files of a module are, in each version
	var requires, newer, replaces string
	for _, m := range all {
		at := m + "@v1.0.0"
		switch n := r.IntN(10); {
		case slices.Contains(mains, m) && workspace:
			where[m] = []string{m}
			continue
		case slices.Contains(mains, m):
			where[m] = []string{"."}
			continue
		case n == 0:
			at = "dir/" + strings.ReplaceAll(m, "/", "-")
			replaces += fmt.Sprintf("replace %s => %s./%s\n", m, map[bool]string{true: "../"}[workspace], at)
		case n == 1:
			at = "fork.test/" + m + "@v1.2.0"
			replaces += fmt.Sprintf("replace %s v1.0.0 => fork.test/%s v1.2.0\n", m, m)
		case n < 5 && workspace:
			where[m] = []string{m + "@v1.1.0"}
			newer += fmt.Sprintf("require %s v1.1.0\n", m)
		}
		where[m] = append(where[m], at)
		for _, at := range where[m] {
			add(a, at+"/go.mod", "module "+m+"\n\ngo 1.21\n")
		}
		requires += fmt.Sprintf("require %s v1.0.0\n", m)
	}
	for _, m := range mains {
		own := requires
		if workspace && m == mains[1] { // what the other one requires counts
			own, replaces = newer, ""
		}
		add(a, path.Join(where[m][0], "go.mod"), "module "+m+"\n\ngo 1.21\n\n"+own+replaces)
	}
	for _, p := range packages {
		for _, at := range where[in[p]] {
			dir := path.Join(at, strings.TrimPrefix(p, in[p]))
			for i, name := range []string{"m.go", "m_test.go", "b.go", "c_windows.go", "d_linux_test.go", "e_amd64.go", "_f.go"} {
				if i > 0 && r.IntN(4) > 0 {
					continue
				}
				text := pick("", "", "", "//go:build linux\n\n", "//go:build !linux\n\n", "//go:build cgo\n\n", "// +build tools\n\n", "//go:build ignore\n\n", "//go:build unix && go1.18\n\n") + "package p\n"
				for range r.IntN(3) {
					text += fmt.Sprintf("\nimport _ %q\n", pick(append(packages, "fmt", "C", "none.test/x", modules[0]+"/gone")...))
				}
				add(a, path.Join(dir, name), text)
			}
		}
	}
	return a
}

func add(a *txtar.Archive, name, text string) {
	a.Files = append(a.Files, txtar.File{Name: path.Clean(name), Data: []byte(text)})
}

// MODFERRY_IMPORT_GRAPHS is how many random checkouts are compared with the go command,
// 5 if it is not set. They are the same in every run.
func TestRandomImportsAreThoseOfTheGoCommand(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command on PATH")
	}
	graphs := 5
	if s := os.Getenv("MODFERRY_IMPORT_GRAPHS"); s != "" {
		var err error
		if graphs, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	cache := filepath.Join(t.TempDir(), "build")
	var compared, downloaded atomic.Int64
	t.Cleanup(func() {
		if n, all := downloaded.Load(), compared.Load(); n < 3*all {
			t.Errorf("the go command downloads %d zips for %d checkouts: they test too little", n, all)
		}
	})
	for i := range graphs {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			archive := txtar.Format(randomArchive(rand.New(rand.NewPCG(uint64(i), 12))))
			c := readImportCase(t, archive)
			b := c.bench(t)
			proxy := c.fixtures.WriteProxy(t, t.TempDir())
			want := zips(t, c.run(t, b, cache, proxy, filepath.Join(t.TempDir(), "mod")))
			compared.Add(1)
			downloaded.Add(int64(len(want)))
			r := b.Run(proxy)
			if diff := gocmp.Diff(want, zips(t, b.ModCache), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("zips (-go command +run, which says %s %s):\n%s\n%s", r.Outcome, r.Message, diff, archive)
			}
		})
	}
}
