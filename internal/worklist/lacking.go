package worklist

import (
	"fmt"
	"io/fs"
	pathpkg "path"
	"slices"

	"github.com/modferry/modferry/internal/finding"
)

// used returns an import clause that makes the go command look into a module.
func (n *needs) used(module string) (imported, bool) {
	return n.found().of(module)
}

// found are the import clauses of the unit.
func (n *needs) found() clauses {
	if n.imported == nil {
		n.imported = n.clauses(n.unit)
		n.followDirectories(n.imported)
	}
	return n.imported
}

// within reports whether one of modules may provide the package of an import path.
func within(path string, modules map[string]bool) bool {
	for ; path != "." && path != "/"; path = pathpkg.Dir(path) {
		if modules[path] {
			return true
		}
	}
	return false
}

// requiredPaths are the paths of the modules that the unit requires.
func (n *needs) requiredPaths() map[string]bool {
	all := make(map[string]bool)
	for _, m := range n.unit.mods {
		for _, r := range m.parsed.Require {
			all[r.Mod.Path] = true
		}
	}
	return all
}

// severity is how bad it is that nothing can be had of a required module: an
// error when the go command is sure to fail. It needs what packages of the
// checkout import, and the go.mod of every one where it reads the whole graph.
func (n *needs) severity(module string) finding.Severity {
	if _, ok := n.used(module); ok || n.unit.whole() {
		return finding.Error
	}
	return finding.Warning
}

// lack is a required module without a line for its zip or its go.mod.
type lack struct {
	required
	zip, mod bool // which
}

func (n *needs) tellLacking(all []lack) {
	n.list.Lacking += len(all)
	marked := map[*sumFile]bool{}
	if n.unit.work != nil {
		n.tellLackingInWorkspace(all)
	} else {
		n.tellLacks(all, marked)
	}
	for _, f := range n.sums {
		if f.mark && !marked[f] {
			n.tell(finding.Finding{
				Check: "byte-order-mark", Severity: finding.Warning, File: f.file, Line: 1,
				Effect: "The go command reads the byte order mark as part of the first line, which then names no module.",
				Fix:    asUTF8,
			})
		}
	}
}

// lacksTold bounds the missing lines that are told one by one: a go.sum that was
// emptied lacks hundreds.
const lacksTold = 10

// tellLacks tells of lines that go.sum lacks, the worst first where they are too
// many for all.
func (n *needs) tellLacks(all []lack, marked map[*sumFile]bool) {
	var found []finding.Finding
	for _, k := range all {
		found = append(found, n.findLack(k, marked))
	}
	if len(found) <= lacksTold {
		n.list.Findings = append(n.list.Findings, found...)
		return
	}
	rank := map[finding.Severity]int{finding.Warning: 1, finding.Info: 2}
	slices.SortStableFunc(found, func(a, b finding.Finding) int { return rank[a.Severity] - rank[b.Severity] })
	n.list.Findings = append(n.list.Findings, found[:lacksTold]...)
	rest := found[lacksTold]
	n.tell(finding.Finding{
		Check: "go-sum-missing-line", Severity: rest.Severity, File: rest.File, Line: rest.Line,
		Found:  fmt.Sprintf("%s and %d more", rest.Found, len(found)-lacksTold-1),
		Effect: "go.sum lacks lines for them, too.",
		Fix:    "go mod tidy",
	})
}

func (n *needs) findLack(k lack, marked map[*sumFile]bool) finding.Finding {
	what, says := "its zip", fmt.Sprintf("missing go.sum entry for module providing package %s", plain(k.line.Mod.Path))
	if !k.zip || k.mod && n.unit.whole() { // which is read first
		what, says = "its go.mod", fmt.Sprintf("%s@%s: missing go.sum entry for go.mod file", plain(k.actual.Path), k.actual.Version)
	}
	f := finding.Finding{
		Check: "go-sum-missing-line", Severity: finding.Warning,
		File: k.pos.File, Line: k.pos.Line, Found: name(k.actual),
		Effect: fmt.Sprintf("%s has no line for %s, so modferry does not download it; a build that uses the module stops with “%s”.",
			n.rel(k.in.sumPath), what, says),
		Fix: "go mod tidy",
	}
	i, used := n.used(k.line.Mod.Path)
	switch {
	case n.flags.mod == "mod":
		f.Severity = finding.Info // it adds the line itself
	case n.unit.whole() && k.mod:
		f.Severity = finding.Error
		f.Effect = fmt.Sprintf("%s has no line for %s, which every build reads: it stops with “%s”.", n.rel(k.in.sumPath), what, says)
	case n.unit.whole() && (!used || n.zipOfAnother(k)):
		f.Severity = finding.Info // the graph may select another version
	case used:
		f.Severity = finding.Error
		command := "go build"
		if i.tested {
			command = "go test"
		}
		f.Effect = fmt.Sprintf("%s has no line for %s, so modferry does not download it; %s imports it, and %s stops with “%s”.",
			n.rel(k.in.sumPath), what, plain(i.by), command, says)
	}
	if unpublished(k.actual.Version) {
		f.Fix = published
	}
	if s := n.behindMark(k); s != nil {
		marked[s] = true
		f.Check, f.File, f.Line = "byte-order-mark", s.file, 1
		f.Effect = fmt.Sprintf("The go command reads the byte order mark as part of the first line, which then names another module: to the go command, %s", f.Effect)
		f.Fix = asUTF8
	}
	return f
}

func (n *needs) zipOfAnother(k lack) bool {
	return slices.ContainsFunc(n.sums, func(f *sumFile) bool {
		return slices.ContainsFunc(f.lines, func(l sumLine) bool { return !l.mod && l.path == k.actual.Path })
	})
}

// behindMark returns the file whose first line would be the missing one but for
// a byte order mark.
func (n *needs) behindMark(k lack) *sumFile {
	for _, f := range n.sums {
		if _, ok := f.find(sumKey{path: byteOrderMark + k.actual.Path, version: k.actual.Version, mod: k.mod}); ok {
			return f
		}
	}
	return nil
}

// tellLackingInWorkspace tells of missing lines where the go command does not
// insist on them: it then downloads by itself.
func (n *needs) tellLackingInWorkspace(all []lack) {
	if n.unit.workSum == nil && len(all) == 0 {
		n.tell(finding.Finding{
			Check: "go-work-sum-missing", Severity: finding.Info,
			File:   n.rel(n.unit.work.path + ".sum"),
			Effect: "Workspaces often need go.mod files and zips that no go.sum has lines for; without go.work.sum the go command downloads those itself.",
			Fix:    "run the builds once and commit go.work.sum if the go command writes one",
		})
	}
	if n.unit.workSum == nil && len(all) > 0 {
		found := name(all[0].actual)
		if more := len(all) - 1; more > 0 {
			found += fmt.Sprintf(" and %d more", more)
		}
		n.tell(finding.Finding{
			Check: "go-work-sum-missing", Severity: finding.Warning,
			File: n.rel(n.unit.work.path + ".sum"), Found: found,
			Effect: "No go.sum of the workspace has the lines, and there is no go.work.sum: nothing can be downloaded and verified in advance. The go command downloads what it needs itself, and fails if it cannot.",
			Fix:    "go mod tidy in every module; run the builds once and commit go.work.sum",
		})
		return
	}
	for _, k := range all {
		what := "its zip"
		if !k.zip {
			what = "its go.mod"
		}
		n.tell(finding.Finding{
			Check: "go-sum-missing-line", Severity: finding.Info,
			File: k.pos.File, Line: k.pos.Line, Found: name(k.actual),
			Effect: fmt.Sprintf("No go.sum of the workspace has a line for %s, so modferry does not download it; a build that uses the module downloads it and adds the line to go.work.sum.", what),
			Fix:    "run the builds once and commit go.work.sum",
		})
	}
}

// checkSums sees to missing files. It reports whether to go on.
func (n *needs) checkSums(requires []required) (bool, error) {
	if len(requires) == 0 {
		return true, nil
	}
	m := n.unit.mods[0]
	if n.unit.work != nil || m.sum != nil {
		return true, nil
	}
	e := &InputError{
		File:     n.rel(m.sumPath),
		Found:    "no such file",
		Expected: fmt.Sprintf("one with the hashes of the %d modules that %s requires", len(requires), m.file),
		Remedy:   "run `go mod tidy` and commit go.sum",
		Err:      fs.ErrNotExist,
	}
	if i := slices.IndexFunc(requires, func(r required) bool { return unpublished(r.actual.Version) }); i >= 0 {
		e.Remedy = fmt.Sprintf("%s was never published: it needs %s; then run `go mod tidy` and commit go.sum", name(requires[i].actual), published)
	}
	if n.flags.mod == "mod" {
		n.tell(finding.Finding{
			Check: "go-sum-missing", Severity: finding.Warning, Setting: "GOFLAGS", Found: "-mod=mod", File: e.File,
			Effect: "The go command writes go.sum itself, verified only by the checksum database (GOSUMDB, GONOSUMDB); without hashes modferry downloads nothing in advance.",
			Fix:    "go mod tidy, and commit go.sum",
		})
		return false, nil
	}
	if slices.ContainsFunc(requires, func(r required) bool { return n.severity(r.line.Mod.Path) == finding.Error }) {
		return false, e
	}
	n.list.Lacking += len(requires)
	n.tell(finding.Finding{
		Check: "go-sum-missing", Severity: finding.Warning, File: e.File,
		Effect: fmt.Sprintf("No package here imports any of the %d modules that %s requires, so builds work without it; modferry downloads nothing, and go mod download has no hashes to compare with.", len(requires), m.file),
		Fix:    "go mod tidy, and commit go.sum",
	})
	return false, nil
}
