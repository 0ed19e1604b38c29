package worklist

import (
	"cmp"
	"fmt"
	"go/version"
	"slices"

	"github.com/modferry/modferry/internal/finding"
)

// checkMembers tells when the go command refuses a workspace, or parts of its
// work, because of the modules that go.work uses.
func (l *loader) checkMembers(u *unit) {
	if u.work == nil {
		return
	}
	if len(u.mods) == 0 {
		l.tell(finding.Finding{
			Check: "go-work-empty", Severity: finding.Error, File: l.rel(u.work.path),
			Effect: "It has no use line, and the go command fails with “no modules were found in the current workspace”.",
			Fix:    "go work use DIR, or GOWORK=off",
		})
		return
	}
	l.checkAge(u)
}

// checkAge tells when a go.work is older than a module that it uses (cmd/go
// modload/init.go: loadModFile). Without a go line it is of Go 1.18.
func (l *loader) checkAge(u *unit) {
	work, line := cmp.Or(u.goLine(), "1.18"), 0
	if g := u.work.parsed.Go; g != nil {
		line = g.Syntax.Start.Line
	}
	var newest *mainModule
	for _, m := range u.mods {
		if !atLeast(m.goLine(), "1.21") || version.Compare("go"+m.goLine(), "go"+work) <= 0 {
			continue
		}
		if newest == nil || version.Compare("go"+m.goLine(), "go"+newest.goLine()) > 0 {
			newest = m
		}
	}
	if newest == nil {
		return
	}
	found := "go " + work
	if line == 0 {
		found = "no go line, which means go " + work
	}
	l.tell(finding.Finding{
		Check: "go-work-too-old", Severity: finding.Error, File: l.rel(u.work.path), Line: line, Found: found,
		Effect: fmt.Sprintf("%s requires go %s, and go.work must require at least that: the go command fails with “module %s listed in go.work file requires go >= %[2]s”.", newest.file, newest.goLine(), plain(l.rel(newest.dir))),
		Fix:    "go work use, and commit go.work",
	})
}

// checkUnpublished tells of modules of the workspace that others require at a
// version which nobody can have published. Packages come from the directory, but
// whatever reads the module graph asks the mirrors for the go.mod of the
// version: in a workspace that is every build that imports a module from outside
// (cmd/go modload/buildlist.go: readModGraph).
func (n *needs) checkUnpublished() {
	u := n.unit
	if u.work == nil {
		return
	}
	own := make(map[string]bool)
	replaced := make(map[string]bool)
	for _, m := range u.mods {
		own[m.path()] = true
		for _, r := range m.parsed.Replace {
			replaced[r.Old.Path] = true
		}
	}
	for _, r := range u.work.parsed.Replace {
		replaced[r.Old.Path] = true
	}
	for _, m := range u.mods {
		for _, r := range m.parsed.Require {
			if !own[r.Mod.Path] || replaced[r.Mod.Path] || !unpublished(r.Mod.Version) {
				continue
			}
			if slices.ContainsFunc(n.sums, func(f *sumFile) bool { return f.has(sumKey{r.Mod.Path, r.Mod.Version, true}) }) {
				continue // so somebody did
			}
			f := finding.Finding{
				Check: "go-work-unpublished", Severity: finding.Info, File: m.file, Line: r.Syntax.Start.Line, Found: name(r.Mod),
				Effect: "Nobody published this version. Builds that import nothing from outside the workspace take the module from its directory; go mod download, go list -m all, go work sync and builds with GOWORK=off ask mirrors for it and fail.",
				Fix:    "replace " + plain(r.Mod.Path) + " " + r.Mod.Version + " => DIR in go.work (go work edit -replace), or a published version",
			}
			if i, ok := n.outside(); ok {
				f.Severity = finding.Error
				f.Effect = fmt.Sprintf("Nobody published this version, and that the workspace has the module's directory is not enough: %s imports a module from outside, so the go command reads the go.mod of every required version, asks mirrors for this one and fails.", plain(i.by))
			}
			n.tell(f)
			return // the others are most likely of the same kind
		}
	}
}

// outside returns an import clause, not only of tests, of a package that no main
// module and some required one may have.
func (n *needs) outside() (imported, bool) {
	required := n.requiredPaths()
	var best imported
	for path, i := range n.found() {
		if i.tested || within(path, n.own) || best.by != "" && best.by <= i.by {
			continue
		}
		if within(path, required) {
			best = i
		}
	}
	return best, best.by != ""
}

// unpublished reports whether a version is one that stands for a directory: the
// go command writes the second beside a replace line, people write the first.
func unpublished(version string) bool {
	return version == "v0.0.0" || version == "v0.0.0-00010101000000-000000000000"
}

// published is what to do about such a requirement.
const published = "a replace line with the module's directory, a workspace that has it (GOWORK not off), or a published version"
