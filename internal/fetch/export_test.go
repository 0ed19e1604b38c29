package fetch_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/outside"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// exported is the tree of a checkout of three modules with a tool beside them.
func exported(t *testing.T) (b *fetchtest.Bench, tree string) {
	t.Helper()
	f := mirrortest.Generate(t, 3, 2<<10)
	all := f
	for _, a := range tools(t).All() {
		all = all.With(a)
	}
	db := mirrortest.NewSumDB(t, all)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: all, SumDB: db})
	b = fetchtest.New(t, f, mirrortest.Checkout{})
	b.Env["GOSUMDB"] = db.Key
	b.Values.NoProbe, b.Values.Zips, b.Values.Extract = true, "rebuild", "none"
	args, err := outside.Parse([]string{"example.test/tool/cmd/it@latest"})
	if err != nil {
		t.Fatal(err)
	}
	job, err := b.Open(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	tree = filepath.Join(t.TempDir(), "tree, with odd %characters")
	res, _ := fetch.Export(t.Context(), job, nil, tree, args)
	fetchtest.WantOutcome(t, res, report.OK)
	b.Afresh()
	return b, tree
}

// imported imports a tree into an empty module cache.
func imported(t *testing.T, b *fetchtest.Bench, tree string) *report.Result {
	t.Helper()
	b.Afresh()
	env := goenv.Env{"GOPROXY": {Value: "off", Source: "test"}, "GOMODCACHE": {Value: b.ModCache, Source: "test"}}
	for k, v := range b.Env {
		env[k] = goenv.Var{Value: v, Source: "test"}
	}
	own := *b.Values
	own.Scope, own.Retries = "all", 0
	s, err := session.OpenOffline(&own, env, b.Options, tree)
	if err != nil {
		t.Fatal(err)
	}
	own.Scope = b.Values.Scope
	needs, err := session.OpenOffline(&own, env, b.Options, tree)
	if err != nil {
		t.Fatal(err)
	}
	return fetch.Import(t.Context(), s, needs, nil, tree)
}

// gocmd runs the go command without any network and with the database on.
func gocmd(t *testing.T, b *fetchtest.Bench, dir, proxy string, args ...string) {
	t.Helper()
	base := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "GOPATH=" + base, "GOENV=off", "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=-modcacherw",
		"GOCACHE=" + filepath.Join(base, "build"), "GOMODCACHE=" + b.ModCache, "GOSUMDB=" + b.Env["GOSUMDB"], "GOPROXY=" + proxy, "CGO_ENABLED=0",
		"GODEBUG=cmdgonetlimit=0",
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go %q with GOPROXY=%s: %v\n%s", args, proxy, err, out)
	}
}

// The tree is a mirror for go commands without a network, the database included; and
// after an import, the module cache is all that they need.
func TestAnExportNeedsNoNetwork(t *testing.T) {
	t.Parallel()
	b, tree := exported(t)
	gocmd(t, b, b.Dir, session.FileURL(tree), "list", "-deps", "./...")
	gocmd(t, b, t.TempDir(), session.FileURL(tree), "install", "-n", "example.test/tool/cmd/it@latest")
	res := imported(t, b, tree)
	fetchtest.WantOutcome(t, res, report.OK)
	gocmd(t, b, b.Dir, "off", "list", "-deps", "./...")
	gocmd(t, b, t.TempDir(), session.FileURL(filepath.Join(b.ModCache, "cache", "download")), "install", "-n", "example.test/tool/cmd/it@v1.1.0")
	fetchtest.WantOutcome(t, imported(t, b, tree), report.OK)
}

// What the checkout needs is named where neither the tree nor the module cache has it.
func TestAnImportThatIsNotEnough(t *testing.T) {
	t.Parallel()
	b, tree := exported(t)
	names, err := filepath.Glob(filepath.Join(tree, "example.test", "m001", "@v", "*"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		fetchtest.Remove(t, name)
	}
	res := imported(t, b, tree)
	fetchtest.WantOutcome(t, res, report.Incomplete)
	if !strings.Contains(res.Message, "1 module that the checkout needs") {
		t.Errorf("message: %s", res.Message)
	}
	for _, m := range res.Modules {
		if failed := m.Source == report.FromFailed; failed != (m.Path == "example.test/m001") || failed && !strings.Contains(m.Message, "neither in the directory nor in the module cache") {
			t.Errorf("%s %s: %s %s", m.Path, m.Kind, m.Source, m.Message)
		}
	}
}

func TestImportOfATreeThatIsNotWhatItWas(t *testing.T) {
	t.Parallel()
	find := func(t *testing.T, tree, glob string) string {
		t.Helper()
		names, err := filepath.Glob(filepath.Join(tree, filepath.FromSlash(glob)))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %q, %v", glob, names, err)
		}
		return names[0]
	}
	replace := func(glob, with string) func(*testing.T, *fetchtest.Bench, string) {
		return func(t *testing.T, _ *fetchtest.Bench, tree string) {
			data, err := os.ReadFile(find(t, tree, with))
			if err != nil {
				t.Fatal(err)
			}
			fetchtest.Write(t, find(t, tree, glob), string(data))
		}
	}
	edit := func(glob, old, new string) func(*testing.T, *fetchtest.Bench, string) {
		return func(t *testing.T, _ *fetchtest.Bench, tree string) {
			name := find(t, tree, glob)
			data, err := os.ReadFile(name)
			if err != nil || !strings.Contains(string(data), old) {
				t.Fatalf("%v\n%s", err, data)
			}
			fetchtest.Write(t, name, strings.ReplaceAll(string(data), old, new))
		}
	}
	for _, test := range []struct {
		name    string
		tamper  func(*testing.T, *fetchtest.Bench, string)
		outcome report.Outcome
		class   failure.Class
	}{
		{"another zip of what go.sum names", replace("example.test/m001/@v/*.zip", "example.test/m002/@v/*.zip"), report.Integrity, failure.UnsafeZip},
		{"another go.mod of what go.sum names", edit("example.test/m001/@v/*.mod", "go 1.21", "go 1.22"), report.Integrity, failure.HashMismatch},
		{"another go.mod of what the database names", edit("example.test/dep/@v/*.mod", "go 1.21", "go 1.22"), report.Integrity, failure.HashMismatch},
		{"another record of the database", edit("sumdb/*/lookup/example.test/dep@*", "h1:", "h1:A"), report.Integrity, failure.HashMismatch},
		{"no record of the database", func(t *testing.T, _ *fetchtest.Bench, tree string) {
			if err := os.Remove(find(t, tree, "sumdb/*/lookup/example.test/dep@*")); err != nil {
				t.Fatal(err)
			}
		}, report.Incomplete, failure.NotFound},
		{"another key", func(t *testing.T, b *fetchtest.Bench, _ string) {
			b.Env["GOSUMDB"] = mirrortest.NewSumDB(t, b.Fixtures).Key
		}, report.Integrity, failure.HashMismatch},
		{"no go.sum", func(t *testing.T, b *fetchtest.Bench, _ string) {
			if err := os.Remove(filepath.Join(b.Dir, "go.sum")); err != nil {
				t.Fatal(err)
			}
		}, report.Incomplete, failure.NotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b, tree := exported(t)
			test.tamper(t, b, tree)
			res := imported(t, b, tree)
			fetchtest.WantOutcome(t, res, test.outcome)
			bad := 0
			for _, m := range res.Modules {
				if m.Source == report.FromFailed && m.Class == test.class {
					bad++
				}
			}
			if bad == 0 {
				t.Errorf("nothing has failed with %s:\n%s", test.class, names(res))
			}
		})
	}
}

// reexport exports what the module cache has.
func reexport(t *testing.T, b *fetchtest.Bench, dir string) *report.Result {
	t.Helper()
	s, err := b.Open("off")
	if err != nil {
		t.Fatal(err)
	}
	res, _ := fetch.Export(t.Context(), s, nil, dir, nil)
	return res
}

// Bytes that the module cache should not have are exported nowhere.
func TestExportOfAPoisonedModuleCache(t *testing.T) {
	t.Parallel()
	b, tree := exported(t)
	fetchtest.WantOutcome(t, imported(t, b, tree), report.OK)
	zips, err := filepath.Glob(filepath.Join(b.ModCache, "cache", "download", "example.test", "m00[12]", "@v", "*.zip"))
	if err != nil || len(zips) != 2 {
		t.Fatal(zips, err)
	}
	other, err := os.ReadFile(zips[1])
	if err != nil {
		t.Fatal(err)
	}
	fetchtest.Write(t, zips[0], string(other))
	dir := filepath.Join(t.TempDir(), "tree")
	if res := reexport(t, b, dir); res.Outcome != report.Integrity || !strings.Contains(res.Message, "--verify-present") {
		t.Errorf("%s: %s", res.Outcome, res.Message)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "example.test", "m001", "@v", "*.zip")); err != nil || len(left) > 0 {
		t.Errorf("exported: %v, %v", left, err)
	}
}
