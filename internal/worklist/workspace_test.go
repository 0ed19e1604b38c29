package worklist

import "testing"

func TestLoadWorkspace(t *testing.T) {
	t.Parallel()
	for _, c := range []loadCase{
		{
			name: "a workspace needs every zip and every go.mod of its go.sum files and of go.work.sum",
			files: `
-- go.work --
go 1.23.0
toolchain go1.23.2
use (
	./a
	./b
)
-- go.work.sum --
example.test/deep v0.1.0 h1:d
example.test/deep v0.1.0/go.mod h1:dm
example.test/far v0.1.0/go.mod h1:fm
-- a/go.mod --
module w.test/a
go 1.22
require (
	example.test/x v1.0.0
	w.test/b v0.0.0
)
-- a/go.sum --
example.test/left v0.1.0 h1:l
example.test/left v0.1.0/go.mod h1:lm
example.test/x v1.0.0 h1:x
example.test/x v1.0.0/go.mod h1:xm
-- b/go.mod --
module w.test/b
go 1.22
require example.test/x v1.0.0 // indirect
require example.test/y v1.0.0 // indirect
-- b/go.sum --
example.test/x v1.0.0 h1:x
example.test/x v1.0.0/go.mod h1:xm
example.test/y v1.0.0 h1:y
example.test/y v1.0.0/go.mod h1:ym
`,
			modules: `
				example.test/deep v0.1.0 zip=go.work.sum:1 mod=go.work.sum:2
				example.test/far v0.1.0 mod=go.work.sum:3
				example.test/left v0.1.0 zip=a/go.sum:1 mod=a/go.sum:2
				example.test/x v1.0.0 zip=a/go.sum:3 mod=a/go.sum:4 require=a/go.mod:4
				example.test/y v1.0.0 zip=b/go.sum:3 mod=b/go.sum:4 require=b/go.mod:4 indirect`,
			findings: `go-work-unpublished a/go.mod:5`,
			mains:    `. workspace go=1.23.0 toolchain=go1.23.2`,
		},
		{
			name: "of a used module's published versions only the go.mod is needed",
			files: `
-- go.work --
go 1.23
use ./a
use ./b
-- a/go.mod --
module w.test/a
go 1.22
require w.test/b v0.3.0
-- a/go.sum --
w.test/b v0.3.0 h1:b
w.test/b v0.3.0/go.mod h1:bm
-- b/go.mod --
module w.test/b
go 1.22
`,
			modules: `w.test/b v0.3.0 mod=a/go.sum:2`,
		},
		{
			name: "all adds the published zips of used modules, which only tidying a single module wants",
			opts: Options{All: true},
			files: `
-- go.work --
go 1.23
use ./a
use ./b
-- a/go.mod --
module w.test/a
go 1.22
-- a/go.sum --
w.test/b v0.3.0 h1:b
w.test/b v0.3.0/go.mod h1:bm
-- b/go.mod --
module w.test/b
`,
			modules: `w.test/b v0.3.0 zip=a/go.sum:1 mod=a/go.sum:2`,
		},
		{
			name: "a version that one module has in its graph only may be what the workspace selects for another",
			files: `
-- go.work --
go 1.23
use ./a
use ./b
-- go.work.sum --
-- a/go.mod --
module w.test/a
go 1.22
require example.test/y v1.1.0
-- a/go.sum --
example.test/y v1.1.0 h1:ya
example.test/y v1.1.0/go.mod h1:yam
-- b/go.mod --
module w.test/b
go 1.22
require example.test/z v1.0.0
-- b/go.sum --
example.test/y v1.2.0 h1:yb
example.test/y v1.2.0/go.mod h1:ybm
example.test/z v1.0.0 h1:z
example.test/z v1.0.0/go.mod h1:zm
`,
			modules: `
				example.test/y v1.1.0 zip=a/go.sum:1 mod=a/go.sum:2 require=a/go.mod:3
				example.test/y v1.2.0 zip=b/go.sum:1 mod=b/go.sum:2
				example.test/z v1.0.0 zip=b/go.sum:3 mod=b/go.sum:4 require=b/go.mod:3`,
		},
		{
			name: "a missing go.work.sum is told, and so are requires that no file has a line for",
			files: `
-- go.work --
go 1.23
use ./a
-- a/go.mod --
module w.test/a
go 1.22
require example.test/x v1.0.0
`,
			findings: `go-work-sum-missing go.work.sum:0`,
		},
		{
			name: "a missing go.work.sum is no matter when nothing is required",
			files: `
-- go.work --
go 1.23
use ./a
-- a/go.mod --
module w.test/a
go 1.22
`,
		},
		{
			name: "replacements of go.work come before those of go.mod",
			files: `
-- go.work --
go 1.23
use ./a
use ./b
replace example.test/x => example.test/fork v2.0.0+incompatible
-- go.work.sum --
example.test/fork v2.0.0+incompatible h1:f
example.test/fork v2.0.0+incompatible/go.mod h1:fm
-- a/go.mod --
module w.test/a
go 1.22
require example.test/x v1.0.0
replace example.test/x => ../x
-- b/go.mod --
module w.test/b
go 1.22
replace example.test/x => ../y
`,
			modules: `example.test/fork v2.0.0+incompatible zip=go.work.sum:1 mod=go.work.sum:2 require=a/go.mod:3 replace=go.work:4`,
		},
		{
			name: "the same replacement in two modules is no contradiction, relative to each",
			files: `
-- go.work --
go 1.23
use ./a
use ./sub/b
-- a/go.mod --
module w.test/a
go 1.22
require example.test/x v1.0.0
replace example.test/x => ../x
-- sub/b/go.mod --
module w.test/b
go 1.22
require example.test/x v1.0.0
replace example.test/x => ../../x
-- x/go.mod --
module example.test/x
`,
		},
		{
			name: "GOWORK=off leaves the module by itself",
			in:   "a",
			opts: Options{GOWORK: "off"},
			files: `
-- go.work --
go 1.23
use ./a
-- a/go.mod --
module w.test/a
go 1.22
require example.test/x v1.0.0
-- a/go.sum --
example.test/x v1.0.0 h1:x
example.test/x v1.0.0/go.mod h1:xm
example.test/y v1.0.0/go.mod h1:ym
`,
			modules: `
				example.test/x v1.0.0 zip=go.sum:1 mod=go.sum:2 require=go.mod:3
				example.test/y v1.0.0 mod=go.sum:3 low`,
			mains: `. w.test/a go=1.22 toolchain=`,
		},
		{
			name: "a module that the workspace above does not use counts by itself",
			in:   "tools/gen",
			files: `
-- go.work --
go 1.23
use ./a
-- a/go.mod --
module w.test/a
-- tools/go.mod --
module w.test/tools
go 1.22
require example.test/x v1.0.0
-- tools/go.sum --
example.test/x v1.0.0 h1:x
example.test/x v1.0.0/go.mod h1:xm
-- tools/gen/main.go --
package main
`,
			modules:  `example.test/x v1.0.0 zip=go.sum:1 mod=go.sum:2 require=go.mod:3`,
			findings: `go-work-unused-module ../go.work:0`,
			mains:    `. w.test/tools go=1.22 toolchain=`,
		},
		{
			name: "a directory of the workspace stands for the workspace",
			in:   "a/cmd",
			files: `
-- go.work --
go 1.23
use ./a
-- a/go.mod --
module w.test/a
-- a/cmd/main.go --
package main
`,
			mains: `. workspace go=1.23 toolchain=`,
		},
		{
			name: "flags that workspaces refuse are told",
			opts: Options{GOFLAGS: "-mod=mod -modfile=x.mod"},
			files: `
-- go.work --
go 1.23
use .
-- go.mod --
module w.test
`,
			findings: `
				goflags-workspace :0
				goflags-workspace :0`,
			mains: `. workspace go=1.23 toolchain=`,
		},
	} {
		t.Run(c.name, c.run)
	}
}

func TestGOWORKNamesTheWorkspace(t *testing.T) {
	t.Parallel()
	dir := checkout(t, `
-- ci/go.work --
go 1.23
use ../a
-- ci/go.work.sum --
-- a/go.mod --
module w.test/a
go 1.22
require example.test/x v1.0.0
-- a/go.sum --
example.test/x v1.0.0 h1:x
example.test/x v1.0.0/go.mod h1:xm
`)
	l, err := Load(dir+"/a", Options{GOWORK: dir + "/ci/go.work"})
	if err != nil {
		t.Fatal(err)
	}
	want := "example.test/x v1.0.0 zip=../a/go.sum:1 mod=../a/go.sum:2 require=../a/go.mod:3\n"
	if got := lines(l.Modules); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	checkPositions(t, l)
}
