package worklist

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/imports"
)

// Options say what of a checkout is wanted, and what the go command's
// environment says about it.
type Options struct {
	// Modules is a comma list of directories below the checkout that hold
	// main modules; * ? [ ] match within an element, "..." or "**" any number
	// of elements, so "./..." means all. Empty means the module or workspace
	// that a go command would find.
	Modules string

	// All adds what only go mod tidy wants: the zips that go.sum has lines
	// for although no go.mod requires them.
	All bool

	// Checkout is the directory that no file of the checkout may lead out of
	// through a link; "" means the checkout's own directory. A go.mod that a
	// go.work, a replace line or the environment names elsewhere is confined to
	// its own directory.
	Checkout string

	// Mounted says that the builds may see another machine outside the checkout
	// than this process does.
	Mounted bool

	GOFLAGS string // as in the environment; -mod and -modfile count
	GOWORK  string // "off", an absolute path, or "" (also "auto") to search

	// GOOS and GOARCH are the platform that is built for; "" means this one.
	GOOS, GOARCH string

	// Contexts are the ways to build whose imports List.Readings follow, for a main
	// module with such a go line and with the tags of GOFLAGS; nil for no readings.
	Contexts func(goLine string, tags []string) imports.Contexts
}

// loader gathers a List.
type loader struct {
	opts    Options
	flags   goflags
	list    *List
	modules map[module.Version]*Module
	works   map[string]*workspace // by absolute path of the go.work
	sums    []*sumFile            // every one read, in order
	skipErr error                 // the first reason why a guessed main module was skipped
	goFiles *goFiles
}

// Load reads the checkout at dir. The error is an *InputError for anything
// the user must fix. What is merely odd is a finding of the list: a go
// command that would work is never kept from working.
func Load(dir string, opts Options) (*List, error) {
	flags, err := parseGOFLAGS(opts.GOFLAGS)
	if err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, &InputError{
			File:  filepath.ToSlash(dir),
			Found: "no working directory", Expected: "one to start from", Remedy: "give an absolute directory", Err: err,
		}
	}
	if opts.Checkout == "" {
		opts.Checkout = dir
	}
	l := &loader{
		opts:    opts,
		flags:   flags,
		list:    new(List),
		modules: make(map[module.Version]*Module),
		works:   make(map[string]*workspace),
		goFiles: &goFiles{root: opts.Checkout, dirs: make(map[string]goDir)},
	}
	places, err := l.places(dir, opts.Modules)
	if err != nil {
		return nil, err
	}
	for _, p := range places {
		if err := l.load(p); err != nil {
			return nil, err
		}
	}
	if len(l.list.Mains) == 0 && l.skipErr != nil {
		return nil, l.skipErr
	}
	if err := l.finish(); err != nil {
		return nil, err
	}
	return l.list, nil
}

func (l *loader) load(p place) error {
	u, err := l.readUnit(p)
	if err != nil && p.guessed {
		return l.skip(err)
	}
	if err != nil {
		return err
	}
	l.checkMembers(u)
	l.findUpdates(u)
	if l.vendored(u) {
		l.list.Vendored = append(l.list.Vendored, l.rel(u.dir))
		if u.goLine() != "" && atLeast(u.goLine(), "1.14") { // before, modules.txt tells too little
			l.checkVendor(u)
		}
	} else if err := l.need(u); err != nil {
		if p.guessed && errors.Is(err, fs.ErrNotExist) { // no go.sum
			return l.skip(err)
		}
		return err
	}
	l.list.Mains = append(l.list.Mains, u.main(l.rel(u.dir)))
	if p.ignored != "" {
		l.tell(finding.Finding{
			Check: "go-work-unused-module", Severity: finding.Info,
			Setting: "GOWORK", File: l.rel(p.ignored),
			Found:  u.mods[0].file,
			Effect: "The go command uses this workspace, which does not include the module, and refuses to build it; modferry makes the work list as with GOWORK=off.",
			Fix:    "GOWORK=off, or go work use " + l.rel(u.dir),
		})
	}
	return nil
}

// skip turns the error of a main module that a pattern found into a finding, when its
// go.mod or go.work cannot be read or its go.sum is missing: a template or an
// unfinished example is no reason to fail. What a go.sum says gets no pardon.
func (l *loader) skip(err error) error {
	var input *InputError
	if !errors.As(err, &input) {
		return err
	}
	if l.skipErr == nil {
		l.skipErr = err
	}
	f := finding.Finding{
		Check: "main-module-skipped", Severity: finding.Warning,
		File: input.File, Line: input.Line, Found: input.Found,
		Effect: "The go command fails here too; this main module or workspace is left out of the work list.",
		Fix:    input.Remedy,
	}
	if !slices.Contains(l.list.Findings, f) { // a workspace is met once per module
		l.tell(f)
	}
	return nil
}

func (l *loader) tell(f finding.Finding) { l.list.Findings = append(l.list.Findings, f) }

// agree returns an error when two go.sum files state different hashes for one
// file. Within a file checkTwoHashes has seen to it.
func (l *loader) agree() error {
	if len(l.sums) < 2 {
		return nil
	}
	hashes := make(map[sumKey]sumLine)
	for _, f := range l.sums {
		for _, line := range f.lines {
			first, ok := hashes[line.sumKey]
			if !ok {
				hashes[line.sumKey] = line
			} else if err := agree(first, line); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *loader) finish() error {
	if err := l.agree(); err != nil {
		return err
	}
	l.list.Modules = make([]Module, 0, len(l.modules))
	for _, m := range l.modules {
		l.list.Modules = append(l.list.Modules, *m)
	}
	slices.SortFunc(l.list.Modules, Module.compare)
	return nil
}
