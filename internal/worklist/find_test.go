package worklist

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// monorepo has three modules and a workspace, and directories that are passed
// over.
const monorepo = `
-- services/a/go.mod --
module r.test/a
go 1.22
require (
	example.test/x v1.0.0
	example.test/y v1.0.0
)
-- services/a/go.sum --
example.test/x v1.0.0 h1:x
example.test/x v1.0.0/go.mod h1:xm
example.test/y v1.0.0 h1:y
example.test/y v1.0.0/go.mod h1:ym
-- services/b/go.mod --
module r.test/b
go 1.22
require example.test/y v1.0.0 // indirect
require example.test/x v1.0.0 // indirect
-- services/b/go.sum --

example.test/x v1.0.0 h1:x
example.test/x v1.0.0/go.mod h1:xm
example.test/y v1.0.0/go.mod h1:ym
example.test/y v1.0.0 h1:y
-- tools/go.mod --
module r.test/tools
go 1.22
-- tools/go.sum --
example.test/x v1.0.0/go.mod h1:xm
example.test/z v1.0.0/go.mod h1:zm
-- web/go.work --
go 1.23
use ./api
-- web/api/go.mod --
module r.test/api
go 1.22
-- web/api/node_modules/pkg/go.mod --
no module
-- services/a/testdata/go.mod --
no module
-- services/a/_old/go.mod --
no module
-- .cache/go.mod --
no module
`

func TestLoadModules(t *testing.T) {
	t.Parallel()
	const (
		services = `
			example.test/x v1.0.0 zip=services/a/go.sum:1 mod=services/a/go.sum:2 require=services/a/go.mod:4
			example.test/y v1.0.0 zip=services/a/go.sum:3 mod=services/a/go.sum:4 require=services/a/go.mod:5`
		everything = services + `
			example.test/z v1.0.0 mod=tools/go.sum:2 low`
		allMains = `
			services/a r.test/a go=1.22 toolchain=
			services/b r.test/b go=1.22 toolchain=
			tools r.test/tools go=1.22 toolchain=
			web workspace go=1.23 toolchain=`
	)
	for _, c := range []loadCase{
		{
			name:    "./... means all, the workspace once",
			opts:    Options{Modules: "./..."},
			files:   monorepo,
			modules: everything,
			mains:   allMains,
		},
		{
			name:    "a pattern matches one element",
			opts:    Options{Modules: "services/*"},
			files:   monorepo,
			modules: services,
			mains: `
				services/a r.test/a go=1.22 toolchain=
				services/b r.test/b go=1.22 toolchain=`,
		},
		{
			name: "names and patterns add up, without repeats",
			opts: Options{Modules: " services/b/ , ./services/...,services/[b-c],"},
			in:   ".",
			files: `
-- go.mod --
module r.test
` + monorepo,
			modules: `
				example.test/x v1.0.0 zip=services/b/go.sum:2 mod=services/b/go.sum:3 require=services/b/go.mod:4
				example.test/y v1.0.0 zip=services/b/go.sum:5 mod=services/b/go.sum:4 require=services/b/go.mod:3`,
			mains: `
				services/b r.test/b go=1.22 toolchain=
				services/a r.test/a go=1.22 toolchain=`,
		},
		{
			name:  "a member of a workspace stands for the workspace",
			opts:  Options{Modules: "web/api"},
			files: monorepo,
			mains: `web workspace go=1.23 toolchain=`,
		},
		{
			name:  "with GOWORK=off a go.work is nothing",
			opts:  Options{Modules: "web/...", GOWORK: "off"},
			files: monorepo,
			mains: `web/api r.test/api go=1.22 toolchain=`,
		},
		{
			name: "the vendored ones among several need nothing",
			opts: Options{Modules: "./..."},
			files: monorepo + `
-- services/b/vendor/modules.txt --
# example.test/x v1.0.0
## explicit
# example.test/y v1.0.0
## explicit
-- services/a/vendor/modules.txt --
# example.test/x v1.0.0
## explicit
# example.test/y v1.0.0
## explicit
`,
			modules: `
				example.test/x v1.0.0 mod=tools/go.sum:1 low
				example.test/z v1.0.0 mod=tools/go.sum:2 low`,
			vendored: []string{"services/a", "services/b"},
			mains:    allMains,
		},
		{
			name: "what a pattern found and cannot be read is told and left out",
			opts: Options{Modules: "./..."},
			files: `
-- good/go.mod --
module r.test/good
go 1.22
require example.test/x v1.0.0
-- good/go.sum --
example.test/x v1.0.0 h1:x
example.test/x v1.0.0/go.mod h1:xm
-- template/go.mod --
module {{.Name}}
-- unsummed/x.go --
package unsummed
import _ "example.test/x/sub"
-- unsummed/go.mod --
module r.test/unsummed
go 1.22
require example.test/x v1.0.0
-- work/go.work --
go 1.23
use ./gone
-- work/one/go.mod --
module r.test/one
`,
			modules: `example.test/x v1.0.0 zip=good/go.sum:1 mod=good/go.sum:2 require=good/go.mod:3`,
			findings: `
				main-module-skipped template/go.mod:1
				main-module-skipped unsummed/go.sum:0
				main-module-skipped work/go.work:2
				go-work-unused-module work/go.work:0`,
			mains: `
				good r.test/good go=1.22 toolchain=
				work/one r.test/one go= toolchain=`,
		},
		{
			name: "a module that one main needs to build is not low because another doesn't",
			opts: Options{Modules: "./..."},
			files: `
-- a/go.mod --
module r.test/a
go 1.16
-- a/go.sum --
example.test/x v1.0.0/go.mod h1:xm
-- b/go.mod --
module r.test/b
go 1.22
-- b/go.sum --
example.test/x v1.0.0/go.mod h1:xm
example.test/y v1.0.0/go.mod h1:ym
`,
			modules: `
				example.test/x v1.0.0 mod=a/go.sum:1
				example.test/y v1.0.0 mod=b/go.sum:2 low`,
		},
		{
			name: "a module is indirect only where every go.mod says so, and takes its lines from whoever has them",
			opts: Options{Modules: "./..."},
			files: `
-- a/go.mod --
module r.test/a
go 1.22
-- a/go.sum --
example.test/x v1.0.0/go.mod h1:xm
-- b/go.mod --
module r.test/b
go 1.22
require example.test/x v1.0.0 // indirect
-- b/go.sum --
example.test/x v1.0.0 h1:x
example.test/x v1.0.0/go.mod h1:xm
-- c/go.mod --
module r.test/c
go 1.22
require example.test/y v1.0.0
-- c/go.sum --
example.test/y v1.0.0 h1:y
`,
			modules: `
				example.test/x v1.0.0 zip=b/go.sum:1 mod=a/go.sum:1 require=b/go.mod:3 indirect
				example.test/y v1.0.0 zip=c/go.sum:1 require=c/go.mod:3`,
			findings: `go-sum-missing-line c/go.mod:3`,
		},
	} {
		t.Run(c.name, c.run)
	}
}

func TestMatchElems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		pattern []string
		dir     string
		want    bool
	}{
		{"... matches the directory itself", []string{"..."}, ".", true},
		{"... matches any depth", []string{"..."}, "a/b/c", true},
		{"a/... matches a", []string{"a", "..."}, "a", true},
		{"a/... matches below a", []string{"a", "..."}, "a/b/c", true},
		{"a/... does not match ab", []string{"a", "..."}, "ab", false},
		{"a star matches one element", []string{"*"}, "a", true},
		{"a star does not match two", []string{"*"}, "a/b", false},
		{"a star does not match the directory itself", []string{"*"}, ".", false},
		{"**/x matches x at any depth", []string{"**", "x"}, "a/b/x", true},
		{"**/x matches x itself", []string{"**", "x"}, "x", true},
		{"**/x backs off from an x on the way", []string{"**", "x"}, "a/x/b/x", true},
		{"**/x does not match below x", []string{"**", "x"}, "x/y", false},
		{"two wildcards share the elements", []string{"...", "a", "...", "b"}, "a/c/a/d/b", true},
		{"two wildcards need what is between them", []string{"...", "a", "...", "b"}, "c/d/b", false},
		{"a longer pattern does not match", []string{"a", "b"}, "a", false},
		{"a part of an element may vary", []string{"svc-*"}, "svc-a", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := matchElems(c.pattern, splitDir(c.dir)); got != c.want {
				t.Errorf("%q on %q: %v", c.pattern, c.dir, got)
			}
		})
	}
}

func TestLoadNamesADirectoryItMayNotRead(t *testing.T) {
	t.Parallel()
	if os.Geteuid() <= 0 {
		t.Skip("root may read everything, and Windows has no modes")
	}
	dir := checkout(t, monorepo)
	closed := filepath.Join(dir, "tools")
	if err := os.Chmod(closed, 0); err != nil {
		t.Skip(err)
	}
	defer os.Chmod(closed, 0o755)
	l, err := Load(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := findings(l), "directory-unreadable tools:0\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestALinkedDirectoryIsNotFollowedUnlessNamed(t *testing.T) {
	t.Parallel()
	dir := checkout(t, monorepo)
	if err := os.Symlink(filepath.Join(dir, "services", "a"), filepath.Join(dir, "link")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	dirs := func(modules string) []string {
		l, err := Load(dir, Options{Modules: modules})
		if err != nil {
			t.Fatal(err)
		}
		var dirs []string
		for _, m := range l.Mains {
			dirs = append(dirs, m.Dir)
		}
		return dirs
	}
	if got := dirs("./..."); slices.Contains(got, "link") {
		t.Errorf("./... followed the link: %q", got)
	}
	if got := dirs("link"); !slices.Equal(got, []string{"link"}) {
		t.Errorf("the link by its name: %q", got)
	}
}

func TestAFileThatIsALinkToItselfIsUnreadable(t *testing.T) {
	t.Parallel()
	dir := checkout(t, "-- go.mod --\nmodule m.test\ngo 1.22\nrequire example.test/x v1.0.0\n")
	file := filepath.Join(dir, "go.sum")
	if err := os.Symlink(file, file); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	_, err := Load(dir, Options{})
	var input *InputError
	if !errors.As(err, &input) {
		t.Fatalf("%T: %v", err, err)
	}
	if input.File != "go.sum" || input.Err == nil {
		t.Errorf("got %+v", input)
	}
}
