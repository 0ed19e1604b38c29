package worklist

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/modferry/modferry/internal/goenv"
)

// checkVendor tells when vendor/modules.txt does not fit the require lines: the
// go command then refuses to build (cmd/go modload/vendor.go:
// checkVendorConsistency, which compares replacements as well).
func (l *loader) checkVendor(u *unit) {
	file := filepath.Join(u.dir, "vendor", "modules.txt")
	modules, err := l.read(file)
	if err != nil {
		return // read by nobody here; the go command names the error
	}
	explicit := explicitlyVendored(modules)
	for _, m := range u.mods {
		for _, r := range m.parsed.Require {
			if explicit[r.Mod] {
				continue
			}
			l.tell(goenv.Finding{
				Check: "vendor-inconsistent", Severity: goenv.SevError,
				File: m.file, Line: r.Syntax.Start.Line, Found: name(r.Mod),
				Effect:  fmt.Sprintf("%s does not have it as explicit, so every build ends with “inconsistent vendoring”.", l.rel(file)),
				Instead: "go mod vendor (go work vendor in a workspace), and commit vendor with go.mod",
			})
			return // the others are most likely of the same cause
		}
	}
}

// explicitlyVendored returns the modules that a modules.txt marks as required.
func explicitlyVendored(modules []byte) map[module.Version]bool {
	explicit := map[module.Version]bool{}
	var mod module.Version
	for line := range strings.Lines(string(modules)) {
		line = strings.TrimRight(line, "\r\n")
		switch notes, ok := strings.CutPrefix(line, "## "); {
		case strings.HasPrefix(line, "# "):
			mod = module.Version{}
			if f := strings.Fields(line); len(f) >= 3 && semver.IsValid(f[2]) {
				mod = module.Version{Path: f[1], Version: f[2]}
			}
		case ok && mod.Path != "":
			for note := range strings.SplitSeq(notes, ";") {
				explicit[mod] = explicit[mod] || strings.TrimSpace(note) == "explicit"
			}
		}
	}
	return explicit
}
