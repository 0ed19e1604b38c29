package worklist

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/modferry/modferry/internal/finding"
)

// vendorList is what a vendor/modules.txt says of modules.
type vendorList struct {
	explicit map[module.Version]bool           // marked as required
	provides map[module.Version]bool           // with a package
	replaced map[module.Version]module.Version // by what; of all versions under the version ""
	packages map[string]bool                   // all of them
	modules  []module.Version                  // in order
	mark     bool                              // it begins with a byte order mark
}

// checkVendor tells when vendor/modules.txt does not fit go.mod: the go command
// then refuses to build (cmd/go modload/vendor.go: checkVendorConsistency). In a
// workspace replacements are not compared here.
func (l *loader) checkVendor(u *unit) {
	file := filepath.Join(u.dir, "vendor", "modules.txt")
	modules, err := l.read(file)
	if err != nil {
		return // read by nobody here; the go command names the error
	}
	list := readVendorList(modules)
	if l.inconsistent(u, file, list) {
		return
	}
	l.checkVendoredPackages(u, list)
}

// inconsistent tells of the first thing in which the list and go.mod differ.
func (l *loader) inconsistent(u *unit, file string, list *vendorList) bool {
	f := finding.Finding{
		Check: "vendor-inconsistent", Severity: finding.Error,
		Fix: finding.VendorInconsistentFix,
	}
	problem := list.missing(l, u, &f)
	if problem == "" {
		problem = list.surplus(l, u, &f)
	}
	if problem == "" {
		return false
	}
	f.Effect = fmt.Sprintf("%s %s, so every build fails with “inconsistent vendoring”.", l.rel(file), problem)
	if list.mark {
		f.Fix = asUTF8
		f.Effect = fmt.Sprintf("%s begins with a byte order mark, which the go command reads as part of its first line: it %s, and every build fails with “inconsistent vendoring”.", l.rel(file), problem)
	}
	l.tell(f) // the others are most likely of the same cause
	return true
}

// checkVendoredPackages tells of imported packages that the list has and whose
// directory is missing, as where a rule of .gitignore kept it from the repository.
func (l *loader) checkVendoredPackages(u *unit, list *vendorList) {
	var missing []string
	found := l.clauses(u)
	for path := range found {
		if list.packages[path] && !isDir(filepath.Join(u.dir, "vendor", filepath.FromSlash(path))) {
			missing = append(missing, path)
		}
	}
	if len(missing) == 0 {
		return
	}
	slices.Sort(missing)
	what := plain(missing[0])
	if more := len(missing) - 1; more > 0 {
		what += fmt.Sprintf(" and %d more", more)
	}
	l.tell(finding.Finding{
		Check: "vendor-package-missing", Severity: finding.Error, File: l.rel(filepath.Join(u.dir, "vendor", "modules.txt")), Found: what,
		Effect: fmt.Sprintf("modules.txt lists the package and vendor has no directory for it; %s imports it, and the build stops with “cannot find module providing package”.", plain(found[missing[0]].by)),
		Fix:    "go mod vendor, and commit all of vendor (a .gitignore may leave a part of it out)",
	})
}

func (v *vendorList) missing(l *loader, u *unit, f *finding.Finding) string {
	for _, m := range u.mods {
		for _, r := range m.parsed.Require {
			if !v.explicit[r.Mod] {
				f.File, f.Line, f.Found = m.file, r.Syntax.Start.Line, name(r.Mod)
				return "does not list it as explicit"
			}
		}
	}
	if u.work != nil {
		return ""
	}
	for _, r := range u.mods[0].parsed.Replace {
		if by, ok := v.replaced[r.Old]; !ok || by != r.New {
			f.File, f.Line, f.Found = u.mods[0].file, r.Syntax.Start.Line, strings.TrimSpace(name(r.Old))
			return "does not list the replacement"
		}
	}
	return ""
}

func (v *vendorList) surplus(l *loader, u *unit, f *finding.Finding) string {
	required, replaced := map[module.Version]bool{}, map[module.Version]bool{}
	for _, m := range u.mods {
		for _, r := range m.parsed.Require {
			required[r.Mod] = true
		}
		for _, r := range m.parsed.Replace {
			replaced[r.Old] = true
		}
	}
	for _, mod := range v.modules {
		f.File, f.Found = u.mods[0].file, strings.TrimSpace(name(mod))
		if u.work != nil {
			f.File = l.rel(u.work.path)
		}
		if v.explicit[mod] && v.provides[mod] && !required[mod] {
			return "lists it as explicit, but no go.mod requires it"
		}
		if _, ok := v.replaced[mod]; ok && u.work == nil && !replaced[mod] && !replaced[module.Version{Path: mod.Path}] {
			return "has a replacement that go.mod does not have"
		}
	}
	return ""
}

// readVendorList reads a modules.txt (cmd/go modload/vendor.go: readVendorList).
func readVendorList(text []byte) *vendorList {
	v := &vendorList{packages: map[string]bool{}, explicit: map[module.Version]bool{}, provides: map[module.Version]bool{}, replaced: map[module.Version]module.Version{}}
	var mod module.Version
	v.mark = strings.HasPrefix(string(text), byteOrderMark)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		fields := strings.Fields(line)
		switch notes, ok := strings.CutPrefix(line, "## "); {
		case strings.HasPrefix(line, "# "):
			mod = v.module(fields)
		case mod.Path == "":
		case ok:
			for note := range strings.SplitSeq(notes, ";") {
				v.explicit[mod] = v.explicit[mod] || strings.TrimSpace(note) == "explicit"
			}
		case len(fields) == 1 && module.CheckImportPath(fields[0]) == nil:
			v.provides[mod], v.packages[fields[0]] = true, true
		}
	}
	return v
}

// module reads a line "# path version", or one with a replacement.
func (v *vendorList) module(f []string) module.Version {
	var mod module.Version
	switch {
	case len(f) < 3:
		return module.Version{}
	case semver.IsValid(f[2]):
		mod, f = module.Version{Path: f[1], Version: f[2]}, f[3:]
	case f[2] == "=>":
		mod, f = module.Version{Path: f[1]}, f[2:]
	default:
		return module.Version{}
	}
	v.modules = append(v.modules, mod)
	switch {
	case len(f) == 2 && f[0] == "=>":
		v.replaced[mod] = module.Version{Path: f[1]}
	case len(f) == 3 && f[0] == "=>" && semver.IsValid(f[2]):
		v.replaced[mod] = module.Version{Path: f[1], Version: f[2]}
	}
	return mod
}
