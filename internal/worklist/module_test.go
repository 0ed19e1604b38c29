package worklist

import "testing"

func TestLoadModule(t *testing.T) {
	t.Parallel()
	for _, c := range []loadCase{
		{
			name: "a go 1.17 module needs the zips it requires and, low, the rest of the graph's go.mod files",
			files: `
-- go.mod --
module m.test

go 1.22.0

toolchain go1.23.4

require (
	example.test/a v1.0.0
	example.test/b v1.2.0 // indirect
)
-- go.sum --
example.test/a v1.0.0 h1:a
example.test/a v1.0.0/go.mod h1:am
example.test/b v1.1.0/go.mod h1:old
example.test/b v1.2.0 h1:b
example.test/b v1.2.0/go.mod h1:bm
example.test/c v0.1.0 h1:c
example.test/c v0.1.0/go.mod h1:cm
`,
			modules: `
				example.test/a v1.0.0 zip=go.sum:1 mod=go.sum:2 require=go.mod:8
				example.test/b v1.1.0 mod=go.sum:3 low
				example.test/b v1.2.0 zip=go.sum:4 mod=go.sum:5 require=go.mod:9 indirect
				example.test/c v0.1.0 mod=go.sum:7 low`,
			mains: `. m.test go=1.22.0 toolchain=go1.23.4`,
		},
		{
			name: "all adds the zips that no require asks for",
			opts: Options{All: true},
			files: `
-- go.mod --
module m.test
go 1.22
require example.test/a v1.0.0
-- go.sum --
example.test/a v1.0.0 h1:a
example.test/a v1.0.0/go.mod h1:am
example.test/c v0.1.0 h1:c
example.test/c v0.1.0/go.mod h1:cm
example.test/d v0.1.0/go.mod h1:dm
`,
			modules: `
				example.test/a v1.0.0 zip=go.sum:1 mod=go.sum:2 require=go.mod:3
				example.test/c v0.1.0 zip=go.sum:3 mod=go.sum:4
				example.test/d v0.1.0 mod=go.sum:5 low`,
		},
		{
			name: "a go 1.16 module needs the whole graph for any build",
			files: `
-- go.mod --
module m.test
go 1.16
require example.test/a v1.0.0
-- go.sum --
example.test/a v1.0.0 h1:a
example.test/a v1.0.0/go.mod h1:am
example.test/c v0.1.0 h1:c
example.test/c v0.1.0/go.mod h1:cm
example.test/d v0.1.0/go.mod h1:dm
`,
			modules: `
				example.test/a v1.0.0 zip=go.sum:1 mod=go.sum:2 require=go.mod:3
				example.test/c v0.1.0 zip=go.sum:3 mod=go.sum:4
				example.test/d v0.1.0 mod=go.sum:5`,
		},
		{
			name: "without a go line a module counts as go 1.16",
			files: `
-- go.mod --
module m.test
require example.test/a v1.0.0
-- go.sum --
example.test/a v1.0.0 h1:a
example.test/a v1.0.0/go.mod h1:am
example.test/c v0.1.0 h1:c
example.test/c v0.1.0/go.mod h1:cm
`,
			modules: `
				example.test/a v1.0.0 zip=go.sum:1 mod=go.sum:2 require=go.mod:2
				example.test/c v0.1.0 zip=go.sum:3 mod=go.sum:4`,
			mains: `. m.test go= toolchain=`,
		},
		{
			name: "a replacing module is needed in the place of the required one",
			files: `
-- go.mod --
module m.test
go 1.22
require example.test/a v1.0.0
require example.test/b v1.0.0
replace example.test/a v1.0.0 => example.test/fork v1.5.0
replace example.test/b => example.test/wide v0.2.0
replace example.test/graph => example.test/deep v0.3.0
-- go.sum --
example.test/deep v0.3.0/go.mod h1:dm
example.test/fork v1.5.0 h1:f
example.test/fork v1.5.0/go.mod h1:fm
example.test/wide v0.2.0 h1:w
example.test/wide v0.2.0/go.mod h1:wm
`,
			modules: `
				example.test/deep v0.3.0 mod=go.sum:1 replace=go.mod:7 low
				example.test/fork v1.5.0 zip=go.sum:2 mod=go.sum:3 require=go.mod:3 replace=go.mod:5
				example.test/wide v0.2.0 zip=go.sum:4 mod=go.sum:5 require=go.mod:4 replace=go.mod:6`,
		},
		{
			name: "a replacement of one version comes before one of all versions",
			files: `
-- go.mod --
module m.test
go 1.22
require example.test/a v1.0.0
replace example.test/a => ./a
replace example.test/a v1.0.0 => example.test/fork v1.5.0
-- go.sum --
example.test/fork v1.5.0 h1:f
example.test/fork v1.5.0/go.mod h1:fm
`,
			modules: `example.test/fork v1.5.0 zip=go.sum:1 mod=go.sum:2 require=go.mod:3 replace=go.mod:5`,
		},
		{
			name: "a replacement of another version does not count",
			files: `
-- go.mod --
module m.test
go 1.22
require example.test/a v1.0.0
replace example.test/a v1.1.0 => example.test/fork v1.5.0
-- go.sum --
example.test/a v1.0.0 h1:a
example.test/a v1.0.0/go.mod h1:am
`,
			modules: `example.test/a v1.0.0 zip=go.sum:1 mod=go.sum:2 require=go.mod:3`,
		},
		{
			name: "nothing is needed of a module that a directory replaces, not even a line in go.sum",
			files: `
-- go.mod --
module m.test
go 1.22
require (
	example.test/a v1.0.0
	nodot v0.0.0
)
replace (
	example.test/a => ./a
	nodot => ./b
)
-- a/go.mod --
module example.test/a
-- b/go.mod --
module nodot
`,
		},
		{
			name: "directories of the checkout that replace modules but are missing are told once",
			files: `
-- go.mod --
module m.test
go 1.22
require (
	example.test/a v1.0.0
	example.test/b v1.0.0
)
replace (
	example.test/a => ./a
	example.test/b => ./b
)
`,
			findings: `replace-directory-missing go.mod:8`,
		},
		{
			name: "a require without a zip line keeps its go.mod and is told",
			files: `
-- go.mod --
module m.test
go 1.22
require (
	example.test/a v1.0.0
	example.test/b v1.0.0
	example.test/c v1.0.0
)
-- go.sum --
example.test/a v1.0.0/go.mod h1:am
example.test/b v1.0.0 h1:b
`,
			modules: `
				example.test/a v1.0.0 mod=go.sum:1 require=go.mod:4 low
				example.test/b v1.0.0 zip=go.sum:2 require=go.mod:5`,
			findings: `
				go-sum-missing-line go.mod:4
				go-sum-missing-line go.mod:5
				go-sum-missing-line go.mod:6`,
		},
		{
			name: "an excluded requirement is ignored and told",
			files: `
-- go.mod --
module m.test
go 1.22
exclude example.test/a v1.0.0
require example.test/a v1.0.0
-- go.sum --
example.test/a v1.0.0 h1:a
example.test/a v1.0.0/go.mod h1:am
`,
			modules:  `example.test/a v1.0.0 mod=go.sum:2 low`,
			findings: `go-mod-excluded-require go.mod:4`,
		},
		{
			name: "tool, retract, godebug and ignore lines change nothing",
			files: `
-- go.mod --
module m.test
go 1.25
godebug default=go1.21
tool example.test/a/cmd/gen
ignore ./web
retract v0.1.0
require example.test/a v1.0.0 // indirect
-- go.sum --
example.test/a v1.0.0 h1:a
example.test/a v1.0.0/go.mod h1:am
`,
			modules: `example.test/a v1.0.0 zip=go.sum:1 mod=go.sum:2 require=go.mod:7 indirect`,
		},
		{
			name: "versions are sorted as versions and build metadata is kept",
			files: `
-- go.mod --
module m.test
go 1.22
-- go.sum --
example.test/a v1.10.0/go.mod h1:d
example.test/a v1.9.0/go.mod h1:c
example.test/a v1.9.0-rc.1/go.mod h1:b
example.test/a v3.0.0+incompatible/go.mod h1:e
example.test/Z v0.0.0-20240102030405-abcdefabcdef/go.mod h1:a
`,
			modules: `
				example.test/Z v0.0.0-20240102030405-abcdefabcdef mod=go.sum:5 low
				example.test/a v1.9.0-rc.1 mod=go.sum:3 low
				example.test/a v1.9.0 mod=go.sum:2 low
				example.test/a v1.10.0 mod=go.sum:1 low
				example.test/a v3.0.0+incompatible mod=go.sum:4 low`,
		},
		{
			name: "lines for what cannot be a module are skipped and told once",
			files: `
-- go.mod --
module m.test
go 1.22
-- go.sum --
nodot v1.0.0/go.mod h1:a
example.test/a v1.0/go.mod h1:b
example.test/../b v1.0.0/go.mod h1:c
example.test/c v2.0.0/go.mod h1:d
example.test/d v1.0.0/go.mod h1:e
`,
			modules:  `example.test/d v1.0.0 mod=go.sum:5 low`,
			findings: `go-sum-invalid-line go.sum:1`,
		},
		{
			name: "a required module that cannot exist is left out and told",
			files: `
-- go.mod --
module m.test
go 1.22
require nodot v1.0.0
-- go.sum --
nodot v1.0.0 h1:a
`,
			findings: `go-mod-invalid-module go.mod:3`,
		},
		{
			name: "the main module's own older versions may be in the graph",
			files: `
-- go.mod --
module example.test/m
go 1.22
require example.test/m v0.1.0
-- go.sum --
example.test/m v0.1.0/go.mod h1:m
`,
			modules: `example.test/m v0.1.0 mod=go.sum:1 low`,
		},
		{
			name: "a module without requirements needs no go.sum",
			files: `
-- go.mod --
module m.test
go 1.22
`,
			mains: `. m.test go=1.22 toolchain=`,
		},
		{
			name: "the go.mod is searched in the directories above",
			in:   "cmd/tool",
			files: `
-- go.mod --
module m.test
go 1.22
require example.test/a v1.0.0
-- go.sum --
example.test/a v1.0.0 h1:a
example.test/a v1.0.0/go.mod h1:am
-- cmd/tool/main.go --
package main
-- sub/go.mod --
module sub.test
`,
			modules: `example.test/a v1.0.0 zip=go.sum:1 mod=go.sum:2 require=go.mod:3`,
			mains:   `. m.test go=1.22 toolchain=`,
		},
		{
			name: "-modfile puts another go.mod and go.sum in their place",
			in:   "sub",
			opts: Options{GOFLAGS: `-trimpath "-modfile=../alt.mod"`},
			files: `
-- go.mod --
module m.test
-- alt.mod --
module m.test
go 1.22
require example.test/a v1.0.0
-- alt.sum --
example.test/a v1.0.0 h1:a
example.test/a v1.0.0/go.mod h1:am
-- sub/x.go --
package sub
`,
			modules: `example.test/a v1.0.0 zip=alt.sum:1 mod=alt.sum:2 require=alt.mod:3`,
		},
		{
			name: "with -mod=mod a missing go.sum is told and nothing is needed",
			opts: Options{GOFLAGS: "-mod=mod"},
			files: `
-- go.mod --
module m.test
go 1.22
require example.test/a v1.0.0
`,
			findings: `go-sum-missing go.sum:0`,
		},
	} {
		t.Run(c.name, c.run)
	}
}

func TestModulePositionIsTheLineARemarkBelongsOn(t *testing.T) {
	t.Parallel()
	replace, require := Position{"go.mod", 9}, Position{"go.mod", 3}
	zip, mod := Position{"go.sum", 1}, Position{"go.sum", 2}
	for _, c := range []struct {
		name string
		m    Module
		want Position
	}{
		{"a replaced module's replace line", Module{Replace: replace, Require: require, ZipSum: zip, ModSum: mod}, replace},
		{"a required module's require line", Module{Require: require, ZipSum: zip, ModSum: mod}, require},
		{"the zip line of a module nobody requires", Module{ZipSum: zip, ModSum: mod}, zip},
		{"the go.mod line of a module of the graph", Module{ModSum: mod}, mod},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.m.Position(); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
