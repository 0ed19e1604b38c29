package worklist

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/modferry/modferry/internal/finding"
)

// strict reports whether a go.mod that lacks something ends the build: -mod=mod
// lets the go command add it, and in a workspace other modules decide as well.
func (n *needs) strict() bool { return n.unit.work == nil && n.flags.mod != "mod" }

// checkImports tells of imported packages that no module can provide: go.mod has
// to require every one that the main module's packages import from, and from go
// 1.17 on those that theirs do (cmd/go modload/load.go: updateRequirements).
// Packages of the main module itself may
// be generated later; not so in a directory that is a module of its own.
func (n *needs) checkImports() {
	if !n.strict() {
		return
	}
	required := n.requiredPaths()
	var missing []string
	for p, i := range n.found() {
		first, _, _ := strings.Cut(p, "/")
		switch {
		case !strings.Contains(first, ".") && !within(p, n.own), strings.HasPrefix(first, "."): // the standard library's, relative
		case within(p, required), i.other && n.unit.whole():
		case !within(p, n.own), n.nested(p):
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return
	}
	slices.Sort(missing)
	p := missing[0]
	i, found := n.found()[p], plain(p)
	if more := len(missing) - 1; more > 0 {
		found += fmt.Sprintf(" and %d more", more)
	}
	command := "go build"
	if i.tested {
		command = "go test"
	}
	n.tell(finding.Finding{
		Check: "import-not-required", Severity: finding.Error, File: i.by, Found: found,
		Effect: fmt.Sprintf("%s requires no module that could have this package, so %s stops with “no required module provides package” or “updates to go.mod needed”.", n.unit.mods[0].file, command),
		Fix:    "go mod tidy",
	})
}

// checkTools tells of tool lines for packages that no module can provide. Builds
// work without them.
func (n *needs) checkTools() {
	required := n.requiredPaths()
	for _, m := range n.unit.mods {
		for _, t := range m.parsed.Tool {
			if within(t.Path, required) || within(t.Path, n.own) || !strings.Contains(strings.Split(t.Path, "/")[0], ".") {
				continue
			}
			n.tell(finding.Finding{
				Check: "tool-not-required", Severity: finding.Warning, File: m.file, Line: t.Syntax.Start.Line, Found: plain(t.Path),
				Effect: "go.mod requires no module that could have this tool, so go tool cannot run it: “no required module provides package”.",
				Fix:    "go get -tool " + plain(t.Path),
			})
		}
	}
}

// nested reports whether the directory of a package of the main module belongs to
// another module below it.
func (n *needs) nested(importPath string) bool {
	m := n.unit.mods[0]
	rest := strings.TrimPrefix(strings.TrimPrefix(importPath, m.path()), "/")
	for ; rest != "" && rest != "."; rest = path.Dir(rest) {
		if isFile(filepath.Join(m.dir, filepath.FromSlash(rest), "go.mod")) {
			return true
		}
	}
	return false
}

// directory returns the directory of the checkout that holds the package of an
// import path because it replaces a required module.
func (n *needs) directory(importPath string) (string, bool) {
	best, at := "", ""
	for _, m := range n.unit.mods {
		for _, r := range m.parsed.Require {
			rest, ok := strings.CutPrefix(importPath+"/", r.Mod.Path+"/")
			if !ok || n.own[r.Mod.Path] || len(r.Mod.Path) <= len(best) {
				continue
			}
			best, at = r.Mod.Path, ""
			if by, ok := n.replaced.find(r.Mod); ok && by.isDir() && below(by.to.Path, n.list.Root) {
				at = filepath.Join(by.to.Path, filepath.FromSlash(rest))
			}
		}
	}
	return at, at != ""
}

// followDirectories adds the import clauses of packages in directories that replace modules.
func (n *needs) followDirectories(found clauses) {
	if !n.replaced.anyDir() {
		return
	}
	var queue []string
	for p := range found {
		queue = append(queue, p)
	}
	slices.Sort(queue)
	seen := map[string]bool{} // and whether by more than tests
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		dir, ok := n.directory(p)
		tested := found[p].tested
		if before, again := seen[p]; !ok || again && (before || tested) {
			continue
		}
		seen[p] = !tested
		more := clauses{}
		for _, f := range n.goFiles.dir(dir).files {
			if !f.Test {
				more.add(n.loader, dir, f)
			}
		}
		for q, i := range more {
			i.tested, i.other = tested, true
			if first, ok := found[q]; !ok || first.tested && !tested {
				found[q] = i
				queue = append(queue, q)
			}
		}
	}
}

// checkDirectories tells when the go.mod of a directory that replaces a module asks
// for more than the main module's.
func (n *needs) checkDirectories() {
	if !n.strict() {
		return
	}
	for _, r := range n.unit.mods[0].parsed.Require {
		by, ok := n.replaced.find(r.Mod)
		if !ok || !by.isDir() || !below(by.to.Path, n.list.Root) || n.own[r.Mod.Path] || n.excluded[r.Mod] {
			continue
		}
		file := filepath.Join(by.to.Path, "go.mod")
		data, err := n.read(file)
		if err != nil {
			continue // see findMissingDirs
		}
		parsed, err := modfile.ParseLax(n.rel(file), data, nil)
		if err != nil {
			continue
		}
		if f, ok := n.behind(required{in: n.unit.mods[0], line: r}, n.rel(file), parsed); ok {
			n.tell(f)
			return // the others are most likely of the same kind
		}
	}
}

// behind is the finding that the go.mod of a required module asks for more than
// the main module's. The go command reads it only where it looks into the module.
func (n *needs) behind(r required, file string, of *modfile.File) (finding.Finding, bool) {
	more := n.asksForMore(of)
	if more == "" || n.severity(r.line.Mod.Path) != finding.Error {
		return finding.Finding{}, false
	}
	return finding.Finding{
		Check: "go-mod-behind", Severity: finding.Error, File: r.in.file, Line: r.line.Syntax.Start.Line, Found: name(r.line.Mod),
		Effect: fmt.Sprintf("%s asks for %s, and go.mod must ask for as much: builds fail with “updates to go.mod needed”.", file, more),
		Fix:    "go mod tidy",
	}, true
}

// CheckGoMods compares the main modules with the go.mod files of the modules that
// they require, as far as read has them: nil is none.
func (l *List) CheckGoMods(read func(module.Version) []byte) []finding.Finding {
	var all []finding.Finding
	for _, check := range l.goMods {
		if f, ok := check(read); ok {
			all = append(all, f)
		}
	}
	return all
}

// checkGoMods returns the check of a unit for CheckGoMods.
func (n *needs) checkGoMods(requires []required) func(func(module.Version) []byte) (finding.Finding, bool) {
	return func(read func(module.Version) []byte) (finding.Finding, bool) {
		for _, r := range requires {
			file := "the go.mod of " + name(r.actual)
			parsed, err := modfile.ParseLax(file, read(r.actual), nil)
			if err != nil {
				continue // the go command names what is wrong
			}
			if f, ok := n.behind(r, file, parsed); ok {
				return f, true
			}
		}
		return finding.Finding{}, false
	}
}

// asksForMore returns what the go.mod of a required module asks for that the main
// module's does not: a newer Go (cmd/go modload/modfile.go; of before 1.21 none is
// refused), or a newer version of a module that both require.
func (n *needs) asksForMore(of *modfile.File) string {
	main := n.unit.mods[0]
	if v := goLine(of.Go); atLeast(v, "1.21") && !atLeast(main.goLine(), v) {
		return "go " + v
	}
	for _, r := range of.Require {
		if v := n.newest[r.Mod.Path]; v != "" && !n.excluded[r.Mod] && semver.Compare(r.Mod.Version, v) > 0 {
			return name(r.Mod)
		}
	}
	return ""
}
