package worklist

import (
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/finding"
)

// replacement is what a replace line puts in a module's place: another
// module, or a directory, of which no file is needed.
type replacement struct {
	to       module.Version // the path of a directory is absolute, its version ""
	absolute bool           // so the line itself has it
	pos      Position
}

func (r replacement) isDir() bool { return r.to.Version == "" }

// replacements are the replace lines that count for a unit. Those of go.work
// come before those of go.mod files, one for a version before one for all
// versions (cmd/go modload/modfile.go: replacementFrom).
type replacements struct {
	work, mods map[module.Version]replacement
}

// readReplacements gathers the replace lines of a unit. Two lines that
// disagree are an error, unless go.work decides (cmd/go modload/init.go:
// makeMainModules).
func (l *loader) readReplacements(u *unit) (*replacements, error) {
	r := &replacements{
		work: make(map[module.Version]replacement),
		mods: make(map[module.Version]replacement),
	}
	decided := make(map[string]bool)
	if u.work != nil {
		for _, line := range u.work.parsed.Replace {
			if err := add(r.work, line, u.dir, l.rel(u.work.path)); err != nil {
				return nil, err
			}
			decided[line.Old.Path] = true
		}
	}
	for _, m := range u.mods {
		for _, line := range m.parsed.Replace {
			err := add(r.mods, line, m.dir, m.file)
			if err != nil && !decided[line.Old.Path] {
				return nil, err
			}
		}
	}
	return r, nil
}

// anyDir reports whether any module is replaced by a directory.
func (r *replacements) anyDir() bool {
	for _, lines := range []map[module.Version]replacement{r.work, r.mods} {
		for _, by := range lines {
			if by.isDir() {
				return true
			}
		}
	}
	return false
}

// add notes a replace line of file, whose directories are relative to dir.
func add(to map[module.Version]replacement, line *modfile.Replace, dir, file string) error {
	r := replacement{to: line.New, pos: Position{File: file, Line: line.Syntax.Start.Line}}
	if r.isDir() {
		r.to.Path = filepath.FromSlash(r.to.Path)
		if r.absolute = filepath.IsAbs(r.to.Path); !r.absolute {
			r.to.Path = filepath.Join(dir, r.to.Path)
		}
		r.to.Path = filepath.Clean(r.to.Path)
	}
	first, ok := to[line.Old]
	if !ok {
		to[line.Old] = r
		return nil
	}
	if first.to == r.to {
		return nil
	}
	old := plain(line.Old.Path)
	if line.Old.Version != "" {
		old += " " + line.Old.Version
	}
	return &InputError{
		File: file, Line: r.pos.Line,
		Found:    fmt.Sprintf("a second replacement of %s", old),
		Expected: fmt.Sprintf("the one of %s:%d", first.pos.File, first.pos.Line),
		Remedy:   "make them agree; in a workspace `go work edit -replace` decides",
	}
}

func (r *replacements) find(m module.Version) (replacement, bool) {
	every := module.Version{Path: m.Path}
	for _, lines := range [...]map[module.Version]replacement{r.work, r.mods} {
		for _, key := range [...]module.Version{m, every} {
			if found, ok := lines[key]; ok {
				return found, true
			}
		}
	}
	return replacement{}, false
}

// standIns returns, for every module that stands in another's place, its
// replace line.
func (r *replacements) standIns() map[module.Version]Position {
	all := make(map[module.Version]Position)
	for _, lines := range [...]map[module.Version]replacement{r.mods, r.work} {
		for _, found := range lines {
			if found.isDir() {
				continue
			}
			// Several lines may name one module: the first in the file.
			old, ok := all[found.to]
			if !ok || found.pos.File < old.File || found.pos.File == old.File && found.pos.Line < old.Line {
				all[found.to] = found.pos
			}
		}
	}
	return all
}

// missingDir is a replace line of a module whose directory has no go.mod.
type missingDir struct {
	replacement
	module string // the path of the replaced one
}

func (n *needs) findAbsoluteDirs(absolute []replacement) {
	if len(absolute) == 0 {
		return
	}
	first := absolute[0]
	found := plain(first.to.Path)
	if more := len(absolute) - 1; more > 0 {
		found += fmt.Sprintf(" and %d more", more)
	}
	n.tell(finding.Finding{
		Check: "replace-directory-absolute", Severity: finding.Warning,
		File: first.pos.File, Line: first.pos.Line, Found: found,
		Effect: "The go command takes the module from there without comparing it with go.sum, and fails on every machine that has no such directory.",
		Fix:    "a path relative to go.mod, or a go.work that is not committed",
	})
}

func (n *needs) findMissingDirs(missing []missingDir) {
	if len(missing) == 0 {
		return
	}
	first := missing[0]
	where := n.rel(first.to.Path)
	if first.absolute {
		where = filepath.ToSlash(first.to.Path)
	}
	found := "no go.mod in " + plain(where)
	if more := len(missing) - 1; more > 0 {
		found += fmt.Sprintf(", nor in %d more", more)
	}
	severity := finding.Warning
	// Outside a checkout that is mounted here there may be more than can be seen.
	seen := func(dir string) bool {
		return !n.opts.Mounted || below(dir, n.opts.Checkout) || below(dir, n.list.Root)
	}
	if slices.ContainsFunc(missing, func(r missingDir) bool { return seen(r.to.Path) && n.severity(r.module) == finding.Error }) {
		severity = finding.Error
	}
	n.tell(finding.Finding{
		Check: "replace-directory-missing", Severity: severity,
		File: first.pos.File, Line: first.pos.Line, Found: found,
		Effect: finding.ReplaceDirectoryMissing.Effect,
		Fix:    n.complete(first.to.Path),
	})
}
