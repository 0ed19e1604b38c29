package worklist

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/modferry/modferry/internal/finding"
)

// vendored reports whether builds of the unit take every package from
// vendor/, so that nothing is needed (cmd/go modload/init.go:
// setDefaultBuildMod). A vendor directory that is there but not used is told
// as a finding.
func (l *loader) vendored(u *unit) bool {
	vendor := filepath.Join(u.dir, "vendor")
	if l.flags.modSet && l.flags.mod != "vendor" {
		return false
	}
	listed := isFile(filepath.Join(vendor, "modules.txt"))
	sync := "go mod vendor"
	if u.work != nil {
		sync = "go work vendor"
	}
	builds := l.flags.mod == "vendor" || isDir(vendor) && u.work == nil && atLeast(u.goLine(), "1.14")
	if !listed && builds {
		if u.requires() {
			f := finding.Finding{
				Check: "vendor-incomplete", Severity: finding.Error, File: l.rel(vendor),
				Found:  "no modules.txt",
				Effect: "The go command builds from vendor and fails with “inconsistent vendoring”; modferry makes the work list as if it were not there.",
				Fix:    sync + ", or -mod=readonly in GOFLAGS if it is not Go's vendor directory",
			}
			if u.work == nil && !atLeast(u.goLine(), "1.14") {
				f.Severity = finding.Warning
				f.Effect = "The go command builds from vendor and fails where a package of another module is imported; the work list is that of a build without it."
			}
			l.tell(f)
		}
		return false
	}
	if !listed || l.flags.mod == "vendor" {
		return listed
	}
	reason := ""
	modules, err := l.read(filepath.Join(vendor, "modules.txt"))
	forWork := vendoredWorkspace(modules)
	switch {
	case err != nil:
		reason = "modules.txt cannot be read"
	case u.goLine() == "":
		reason = "there is no go line"
	case !atLeast(u.goLine(), "1.14"):
		reason = fmt.Sprintf("the go line says %s, which is before 1.14", u.goLine())
	case forWork && u.work == nil:
		reason = "vendor was made for a workspace"
	case !forWork && u.work != nil:
		reason = "vendor was not made for a workspace"
	default:
		return true
	}
	l.tell(finding.Finding{
		Check: "vendor-unused", Severity: finding.Info, File: l.rel(filepath.Join(vendor, "modules.txt")),
		Effect: "The go command does not build from vendor, because " + reason + ".",
		Fix:    "-mod=vendor in GOFLAGS, or " + sync,
	})
	return false
}

// vendoredWorkspace reports whether a vendor/modules.txt was written by go
// work vendor, Go 1.22 or later (cmd/go modload/init.go:
// modulesTextIsForWorkspace).
func vendoredWorkspace(modules []byte) bool {
	line, _, _ := strings.Cut(string(modules), "\n")
	notes, ok := strings.CutPrefix(line, "## ")
	if !ok {
		return false
	}
	for note := range strings.SplitSeq(notes, ";") {
		if strings.TrimSpace(note) == "workspace" {
			return true
		}
	}
	return false
}

func (u *unit) requires() bool {
	for _, m := range u.mods {
		if len(m.parsed.Require) > 0 {
			return true
		}
	}
	return false
}
