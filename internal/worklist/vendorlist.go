package worklist

import (
	"bufio"
	"errors"
	"fmt"
	"os"
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
	explicit, err := explicitlyVendored(file)
	if err != nil {
		return // read by nobody here; the go command names the error
	}
	for _, m := range u.mods {
		for _, r := range m.parsed.Require {
			if explicit[r.Mod] {
				continue
			}
			l.tell(goenv.Finding{
				Check: "vendor-inconsistent", Severity: goenv.SevError,
				File: m.file, Line: r.Syntax.Start.Line, Found: name(r.Mod),
				Effect:  fmt.Sprintf("%s does not have it as explicit, so every build ends with “inconsistent vendoring”.", l.rel(file)),
				Instead: goenv.VendorInconsistentInstead,
			})
			return // the others are most likely of the same cause
		}
	}
}

// explicitlyVendored returns the modules that a modules.txt marks as required.
func explicitlyVendored(name string) (explicit map[module.Version]bool, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	explicit = map[module.Version]bool{}
	var mod module.Version
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
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
	return explicit, lines.Err()
}
