package worklist

import (
	"fmt"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/finding"
)

func (u *unit) excluded() map[module.Version]bool {
	all := make(map[module.Version]bool)
	for _, m := range u.mods {
		for _, x := range m.parsed.Exclude {
			all[x.Mod] = true
		}
	}
	return all
}

// findUpdates tells of require lines that a go.mod cannot keep: the go command
// asks for updates to go.mod and stops, unless -mod=mod lets it make them or a
// workspace has other modules decide as well.
func (l *loader) findUpdates(u *unit) {
	excluded := u.excluded()
	for _, m := range u.mods {
		var out []*modfile.Require // ruled out
		first := make(map[string]*modfile.Require)
		var again []*modfile.Require
		for _, r := range m.parsed.Require {
			f, ok := first[r.Mod.Path]
			switch {
			case excluded[r.Mod]:
				out = append(out, r)
			case !ok:
				first[r.Mod.Path] = r
			case f.Mod.Version != r.Mod.Version:
				again = append(again, r)
			}
		}
		stops := u.work == nil && l.flags.mod != "mod"
		if len(out) > 0 {
			f := finding.Finding{
				Check: "go-mod-excluded-require", Severity: finding.Warning,
				Effect: "The go command ignores the requirement, because an exclude line rules the version out.",
				Fix:    "go mod tidy",
			}
			if stops {
				f.Severity = finding.Error
				f.Effect = "An exclude line rules the version out, so the go command ignores the requirement and fails with “updates to go.mod needed”."
			}
			l.tellAt(f, m, out)
		}
		if len(again) > 0 && stops {
			f := first[again[0].Mod.Path]
			l.tellAt(finding.Finding{
				Check: "go-mod-required-twice", Severity: finding.Error,
				Effect: fmt.Sprintf("Line %d requires %s of the same module, as after a careless merge: builds fail with “updates to go.mod needed”.", f.Syntax.Start.Line, plain(f.Mod.Version)),
				Fix:    "go mod tidy, which keeps the newer version, or one of the two lines",
			}, m, again)
		}
	}
}

// tellAt adds a finding about require lines of m, at the first of them.
func (l *loader) tellAt(f finding.Finding, m *mainModule, lines []*modfile.Require) {
	f.File, f.Line, f.Found = m.file, lines[0].Syntax.Start.Line, name(lines[0].Mod)
	if more := len(lines) - 1; more > 0 {
		f.Found += fmt.Sprintf(" and %d more", more)
	}
	l.tell(f)
}
