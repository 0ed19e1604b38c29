package worklist

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/modferry/modferry/internal/finding"
)

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
