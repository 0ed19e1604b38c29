// Package worklist reads a checkout (go.mod, go.sum, go.work, go.work.sum,
// vendor/modules.txt) and tells which module files its builds need, the hash
// each file must have, and the line that says so. No toolchain is run and
// nothing is fetched.
//
// Its main invariant: every hash of a List is one that a line of the checkout
// states, so whoever fetches a List by hash trusts nothing but the checkout.
// What no line states is left out and told as a finding.
//
// Rules of the go command are taken from cmd/go/internal/modload (init.go,
// modfile.go, vendor.go) and cmd/go/internal/modfetch (fetch.go).
package worklist

import (
	"cmp"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/modferry/modferry/internal/finding"
)

// Position is a line of a file of the checkout.
type Position struct {
	File string // slash-separated, relative to List.Root
	Line int    // 1-based; 0 means no line stands for it
}

// Module is one module version of the work list with the files needed of it.
type Module struct {
	Path    string
	Version string

	Zip string // "h1:…" the zip must have; "" when the zip is not needed
	Mod string // "h1:…" the go.mod must have; "" when no line names it

	// Optional marks a module of which only the .mod is needed and only by graph
	// commands (go mod download, graph, verify): it is fetched last, and its
	// absence never fails a build.
	Optional bool

	Indirect bool     // its require line says // indirect (in every go.mod that names it)
	Require  Position // the require line that asks for it, directly or through Replace
	Replace  Position // the replace line that puts this module in another's place
	ZipSum   Position // its zip line in go.sum or go.work.sum
	ModSum   Position // its /go.mod line there
}

// ID is the module's path and version.
func (m Module) ID() module.Version { return module.Version{Path: m.Path, Version: m.Version} }

// Position is the line a remark about the module belongs on: the replace line,
// else the require line, else its line in go.sum.
func (m Module) Position() Position {
	return cmp.Or(m.Replace, m.Require, m.ZipSum, m.ModSum)
}

func (m Module) compare(n Module) int {
	if c := cmp.Compare(m.Path, n.Path); c != 0 {
		return c // by far the most frequent, and semver.Compare is slow
	}
	return cmp.Or(
		semver.Compare(m.Version, n.Version),
		cmp.Compare(m.Version, n.Version), // +incompatible and other metadata
	)
}

// List is everything a checkout needs. Modules are sorted by path and
// version (semver) and hold no repeats. It is immutable once loaded.
type List struct {
	Root     string // absolute directory that positions are relative to
	Modules  []Module
	Mains    []Main            // the main modules read
	Vendored []string          // directories (relative to Root) of main modules that build from vendor/ and need nothing
	Lacking  int               // required modules of which no line names a needed file
	Findings []finding.Finding // things worth telling, never fatal

	// Bare is a go.mod (relative to Root) without any Go files, as in the layer of a
	// Dockerfile or in a sparse checkout: nothing tells what builds will read. ""
	// where there are some, and without Options.Contexts.
	Bare string

	readings []func() Reading                                                 // see Readings
	goMods   []func(read func(module.Version) []byte) (finding.Finding, bool) // see CheckGoMods
}

// Main is one main module (or workspace) of the checkout.
type Main struct {
	Dir       string // relative to Root, "." for Root itself
	Path      string // module path; "" for a workspace
	Go        string // go line, e.g. "1.23.0"; "" when absent
	Toolchain string // toolchain line, e.g. "go1.23.4"; "" when absent
	Work      bool   // a go.work
}
