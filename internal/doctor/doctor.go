// Package doctor examines what a session was opened with: settings, checkout,
// mirrors, machine, and what programs were built from. It tells what it finds
// and changes nothing.
package doctor

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/worklist"
)

// Examine examines the configuration as the go command sees it: every setting
// against the modules of the checkout, what the checkout asks for, this machine,
// and, unless probing is off, the mirrors. The result is that of a probe with
// more findings; its outcome is Settings when a finding is an error.
func Examine(ctx context.Context, s *session.Session) *report.Result {
	e := examination{s}
	var paths []string
	for _, m := range s.List.Modules {
		paths = append(paths, m.Path)
	}
	paths = slices.Compact(paths) // modules are sorted
	toolchains, refused := s.Toolchains()
	findings := slices.Concat(goenv.Check(s.Env, paths, session.Public), s.Findings, e.ruled(paths), e.vendored(), e.workspaces(), e.machine(), refused)

	var res *report.Result
	if s.Unsound || s.Values.NoProbe {
		res, _ = fetch.Unprobed(s)
	} else {
		res, _ = fetch.Probe(ctx, s)
		findings = slices.Concat(findings, e.mirrors(res), e.unservedToolchains(ctx, toolchains), e.unreachableSumDB(res, len(toolchains) > 0))
		if res.Outcome == report.Incomplete && len(s.List.Vendored) > 0 && len(s.List.Modules)+len(toolchains) == 0 {
			res.Outcome, res.Message = report.OK, "" // no build needs a mirror
		}
	}
	// All of them, also of a chain without a mirror.
	res.Findings = findings
	// What is examined is the list as it is written, not the choice.
	res.Settings.GOPROXY = settings.Redact(s.Env.Get("GOPROXY"))
	if n := countErrors(res.Findings); n > 0 {
		res.Outcome, res.Message = report.Settings, fmt.Sprintf("the findings tell %s to correct", report.Count(n, "error"))
	}
	return res
}

// examination is of one session.
type examination struct{ s *session.Session }

func countErrors(all []finding.Finding) int {
	n := 0
	for _, f := range all {
		if f.Severity == finding.Error {
			n++
		}
	}
	return n
}

// vendored tells of main modules that need no module cache.
func (e examination) vendored() []finding.Finding {
	var out []finding.Finding
	for _, dir := range e.s.List.Vendored {
		out = append(out, finding.Finding{Check: "vendor-in-use", Severity: finding.Info, File: dir,
			Effect: "Builds use its vendor directory: they download nothing and do not compare it with go.sum."})
	}
	return out
}

// workspaces tells of a go.work that decides from above, or is kept from it.
func (e examination) workspaces() []finding.Finding {
	dir, err := filepath.Abs(e.s.Values.Dir)
	if err != nil || len(e.s.List.Mains) == 0 {
		return nil
	}
	above := worklist.SearchUp(dir, "go.work")
	switch {
	case above == "":
	case e.s.Env.Get("GOWORK") == "off":
		return []finding.Finding{{Check: "gowork-off", Severity: finding.Info, Setting: "GOWORK", Found: "off", Source: e.s.Env.Source("GOWORK"), File: "go.work",
			Effect: "The go command does not use this workspace: each module builds with the versions of its own go.mod."}}
	case e.s.List.Mains[0].Work && above != dir:
		return []finding.Finding{{Check: "go-work-above", Severity: finding.Info, Setting: "GOWORK", File: "go.work",
			Effect: "The go command uses the workspace of a directory above: versions, replacements and go.sum lines of all its modules apply together, and -mod=mod is refused.",
			Fix:    "GOWORK=off, if the module should be built by itself"}}
	}
	return nil
}

// mirrors are what the preflight found wrong, each with its remedy.
func (e examination) mirrors(res *report.Result) []finding.Finding {
	var out []finding.Finding
	for _, m := range res.Mirrors {
		switch {
		case m.State != report.Failing:
		case m.Issuer != "":
			out = append(out, certificateFinding(m))
		default:
			fix := m.Class.Remedy()
			forward := m.Class == failure.ProxyConnect || m.Class == failure.ProxyAuth // which other mirrors are behind, too
			if m.Class.Transport() && !forward && e.s.Choice == session.Configured && strings.HasPrefix(goenv.DefaultProxy+",", m.URL+",") {
				fix = "In mainland China, where it cannot be reached: --mirrors cn (MODFERRY_MIRRORS, input mirrors). Elsewhere: " + fix
			}
			out = append(out, finding.Finding{Check: "mirror-failing", Severity: finding.Warning, Setting: "GOPROXY", Found: m.URL,
				Effect: fmt.Sprintf("%s (%s). %s", title(m.Class.Title()), m.Reason, m.Class.Explain()), Fix: fix})
		}
	}
	return out
}

// unreachableSumDB tells of a checksum database that did not answer
// and is needed: a complete go.sum leaves it nothing to say.
func (e examination) unreachableSumDB(res *report.Result, toolchains bool) []finding.Finding {
	s := res.SumDB
	if s == nil || s.Reachable || e.s.List.Lacking == 0 && !toolchains {
		return nil
	}
	return []finding.Finding{{Check: "sumdb-unreachable", Severity: finding.Warning, Setting: "GOSUMDB", Found: s.Name,
		Effect: "It can be reached neither directly nor through a mirror, but is needed: a module without a go.sum line, or a toolchain, fails (" + failure.Plain(s.Reason) + ").",
		Fix:    "a complete go.sum, or a mirror that serves the checksum database"}}
}

func title(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

func certificateFinding(m report.Mirror) finding.Finding {
	who := "either the mirror uses a private CA, or something in between (a corporate proxy, a virus scanner) intercepts the connection"
	if m.Label != "" {
		who = "this public mirror has a certificate that every machine trusts, so something on the way (a corporate proxy, a virus scanner) opens the connection and shows its own"
	}
	return finding.Finding{Check: "mirror-certificate", Severity: finding.Warning, Setting: "GOPROXY", Found: m.URL,
		Effect: fmt.Sprintf("Its certificate was issued by %s, which this machine does not trust: %s.", failure.Plain(m.Issuer), who),
		Fix:    "for modferry --ca-file FILE with that CA certificate; for the go command the system's store, or SSL_CERT_FILE with a file that has it and the public ones"}
}
