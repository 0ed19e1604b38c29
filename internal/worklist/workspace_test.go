package worklist

import "testing"

func TestLoadOfAWorkspace(t *testing.T) {
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

func TestLoadOfVendoredCheckouts(t *testing.T) {
	t.Parallel()
	const module = `
-- go.mod --
module m.test
go 1.22
require example.test/a v1.0.0
-- go.sum --
example.test/a v1.0.0 h1:a
example.test/a v1.0.0/go.mod h1:am
`
	const list = `
-- vendor/modules.txt --
# example.test/a v1.0.0
## explicit
`
	const workspace = `
-- go.work --
go 1.23
use ./a
-- go.work.sum --
-- a/go.mod --
module w.test/a
go 1.22
require example.test/a v1.0.0
-- a/go.sum --
example.test/a v1.0.0 h1:a
example.test/a v1.0.0/go.mod h1:am
`
	const needed = `example.test/a v1.0.0 zip=go.sum:1 mod=go.sum:2 require=go.mod:3`
	const neededInWorkspace = `example.test/a v1.0.0 zip=a/go.sum:1 mod=a/go.sum:2 require=a/go.mod:3`
	for _, c := range []loadCase{
		{
			name:     "a vendored module needs nothing, not even a go.sum",
			files:    "-- go.mod --\nmodule m.test\ngo 1.14\nrequire example.test/a v1.0.0\n" + list,
			vendored: []string{"."},
			mains:    `. m.test go=1.14 toolchain=`,
		},
		{
			name:    "-mod=mod builds past vendor",
			opts:    Options{GOFLAGS: "-mod=mod"},
			files:   module + list,
			modules: needed,
		},
		{
			name:    "-mod=readonly builds past vendor, and the last flag wins",
			opts:    Options{GOFLAGS: "--mod=vendor -mod=readonly"},
			files:   module + list,
			modules: needed,
		},
		{
			name:     "before go 1.14 vendor is not used by itself",
			files:    "-- go.mod --\nmodule m.test\ngo 1.13\n" + list,
			findings: `vendor-unused vendor/modules.txt:0`,
		},
		{
			name:     "without a go line vendor is not used by itself",
			files:    "-- go.mod --\nmodule m.test\n" + list,
			findings: `vendor-unused vendor/modules.txt:0`,
		},
		{
			name:     "-mod=vendor uses vendor whatever the go line says",
			opts:     Options{GOFLAGS: "-mod=vendor"},
			files:    "-- go.mod --\nmodule m.test\n" + list,
			vendored: []string{"."},
		},
		{
			name:     "-mod=vendor without vendor needs what go mod vendor will want",
			opts:     Options{GOFLAGS: "-mod=vendor"},
			files:    module,
			modules:  needed,
			findings: `vendor-incomplete vendor:0`,
		},
		{
			name:     "a vendor directory without modules.txt is told",
			files:    module + "-- vendor/jquery.js --\n",
			modules:  needed,
			findings: `vendor-incomplete vendor:0`,
		},
		{
			name:  "a vendor directory is no matter when nothing is required",
			files: "-- go.mod --\nmodule m.test\ngo 1.22\n-- vendor/jquery.js --\n",
		},
		{
			name:     "a vendor directory that does not fit go.mod is told",
			files:    module + "-- vendor/modules.txt --\n# example.test/a v0.9.0\n## explicit\n# example.test/b => ./b\n## explicit\n",
			vendored: []string{"."},
			findings: `vendor-inconsistent go.mod:3`,
		},
		{
			name:     "a vendored workspace needs nothing",
			files:    workspace + "-- vendor/modules.txt --\n## workspace\n# example.test/a v1.0.0\n## explicit; go 1.21\n",
			vendored: []string{"."},
			mains:    `. workspace go=1.23 toolchain=`,
		},
		{
			name:     "a workspace does not use a module's vendor directory",
			files:    workspace + list,
			modules:  neededInWorkspace,
			findings: `vendor-unused vendor/modules.txt:0`,
		},
		{
			name:     "a module does not use a workspace's vendor directory",
			files:    module + "-- vendor/modules.txt --\n## workspace; later\n",
			modules:  needed,
			findings: `vendor-unused vendor/modules.txt:0`,
		},
	} {
		t.Run(c.name, c.run)
	}
}
