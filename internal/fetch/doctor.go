package fetch

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/worklist"
)

// PrepareDoctor prepares a job for Doctor. What Prepare refuses becomes a
// finding: all that is wrong is told at once, as a compiler does. noticed are
// the findings about where the settings come from.
func PrepareDoctor(v *settings.Values, env goenv.Env, noticed []finding.Finding, o Options) *Job {
	j := newJob(v, env, o)
	j.list = &worklist.List{}
	j.findings = append(j.findings, noticed...)
	if err := j.readList(); err != nil {
		j.findings = append(j.findings, inputFinding(err))
	}
	if err := j.open(); err != nil {
		j.unsound = true
		// goenv.Check finds what a SyntaxError says, and more of the kind.
		var syntax *goenv.SyntaxError
		if !errors.As(err, &syntax) {
			j.findings = append(j.findings, finding.Finding{Check: "setting-refused", Severity: finding.Error, Setting: "modferry",
				Effect: "It cannot run with the settings it has: " + failure.Plain(err.Error())})
		}
	}
	return j
}

// inputFinding is what keeps the checkout from being read.
func inputFinding(err error) finding.Finding {
	var input *worklist.InputError
	switch {
	case !errors.As(err, &input):
		return finding.Finding{Check: "checkout-invalid", Severity: finding.Error, Effect: failure.Plain(err.Error())}
	case errors.Is(err, worklist.ErrNoCheckout):
		return finding.Finding{Check: "checkout-missing", Severity: finding.Info, File: input.File, Found: input.Found,
			Effect: "The settings are checked without the modules they are for.", Instead: input.Remedy}
	}
	return finding.Finding{Check: "checkout-invalid", Severity: finding.Error, File: input.File, Line: input.Line, Found: input.Found,
		Effect: "Expected " + input.Expected + "; builds and modferry fetch end here.", Instead: input.Remedy}
}

// Doctor examines the configuration as the go command sees it: every setting
// against the modules of the checkout, what the checkout asks for, this machine,
// and, unless probing is off, the mirrors. The result is that of a probe with
// more findings; its outcome is Settings when a finding is an error.
func (j *Job) Doctor(ctx context.Context) *report.Result {
	var paths []string
	for _, m := range j.list.Modules {
		paths = append(paths, m.Path)
	}
	paths = slices.Compact(paths) // modules are sorted
	j.about = goenv.Check(j.env, paths)
	j.findings = append(j.findings, j.unprotected(paths)...)
	j.findings = append(j.findings, j.vendored()...)
	j.findings = append(j.findings, j.workspaces()...)
	j.findings = append(j.findings, j.machine()...)
	toolchains, findings := j.toolchains()
	j.findings = append(j.findings, findings...)

	var res *report.Result
	var asked []finding.Finding
	if j.unsound || j.values.NoProbe {
		res = j.Unprobed()
	} else {
		res = j.Probe(ctx)
		asked = append(mirrorFindings(res), j.unservedToolchains(ctx, toolchains)...)
		asked = append(asked, j.unreachableSumDB(res, len(toolchains) > 0)...)
		if res.Outcome == report.Incomplete && len(j.list.Vendored) > 0 && len(j.list.Modules)+len(toolchains) == 0 {
			res.Outcome, res.Message = report.OK, "" // no build needs a mirror
		}
	}
	// All of them, also of a chain without a mirror.
	res.Findings = slices.Concat(j.about, j.findings, asked)
	// What is examined is the list as it is written, not the choice.
	res.Settings.GOPROXY = settings.Redact(j.env.Get("GOPROXY"))
	if n := countErrors(res.Findings); n > 0 {
		res.Outcome, res.Message = report.Settings, fmt.Sprintf("the findings tell %s to correct", count(n, "error"))
	}
	return res
}

func countErrors(all []finding.Finding) int {
	n := 0
	for _, f := range all {
		if f.Severity == finding.Error {
			n++
		}
	}
	return n
}

// Position is the line of the checkout that stands for a module: of this version
// or, when version is "" or not in the work list, of any. file is "" when there is
// none.
func (j *Job) Position(path, version string) (file string, line int) {
	for _, m := range j.list.Modules {
		if m.Path != path {
			continue
		}
		if p := m.Position(); file == "" || m.Version == version {
			file, line = p.File, p.Line
		}
	}
	return file, line
}

// unprotected finds modules whose names look private and match no pattern: a
// mirror and the checksum database would be told them.
func (j *Job) unprotected(paths []string) []finding.Finding {
	byHost := map[string][]string{}
	var hosts []string
	for _, p := range paths {
		host, _, _ := strings.Cut(p, "/")
		if !goenv.PrivateHost(host) || goenv.MatchPatterns(j.env.Get("GONOPROXY"), p) {
			continue
		}
		if byHost[host] == nil {
			hosts = append(hosts, host)
		}
		byHost[host] = append(byHost[host], p)
	}
	var out []finding.Finding
	for _, host := range hosts {
		m := byHost[host]
		setting, instead := "GOPRIVATE", "GOPRIVATE="+extended(j.env.Get("GOPRIVATE"), host)
		if noProxy := j.env.Get("GONOPROXY"); noProxy != j.env.Get("GOPRIVATE") { // GOPRIVATE is not its default then
			setting = "GONOPROXY"
			instead = "GONOPROXY=" + extended(noProxy, host) + " and GONOSUMDB=" + extended(j.env.Get("GONOSUMDB"), host)
		}
		out = append(out, finding.Finding{Check: "module-looks-private", Severity: finding.Warning, Setting: setting, Found: host,
			Effect:  fmt.Sprintf("No pattern matches %s, such as %s, so mirrors, and the checksum database for what go.sum lacks, are asked for it by name.", count(len(m), "module"), m[0]),
			Instead: instead})
	}
	return out
}

// extended is a list of patterns with one more.
func extended(patterns, pattern string) string {
	if patterns == "none" { // a pattern that matches nothing
		patterns = ""
	}
	return strings.Trim(patterns+","+pattern, ",")
}

// vendored tells of main modules that need no module cache.
func (j *Job) vendored() []finding.Finding {
	var out []finding.Finding
	for _, dir := range j.list.Vendored {
		out = append(out, finding.Finding{Check: "vendor-in-use", Severity: finding.Info, File: dir,
			Effect: "Builds use its vendor directory: they download nothing and compare nothing with go.sum."})
	}
	return out
}

// workspaces tells of a go.work that decides from above, or is kept from it.
func (j *Job) workspaces() []finding.Finding {
	dir, err := filepath.Abs(j.values.Dir)
	if err != nil || len(j.list.Mains) == 0 {
		return nil
	}
	above := worklist.SearchUp(dir, "go.work")
	switch {
	case above == "":
	case j.env.Get("GOWORK") == "off":
		return []finding.Finding{{Check: "gowork-off", Severity: finding.Info, Setting: "GOWORK", Found: "off", Source: j.env.Source("GOWORK"), File: "go.work",
			Effect: "The go command does not use this workspace: each module builds with the versions of its own go.mod."}}
	case j.list.Mains[0].Work && above != dir:
		return []finding.Finding{{Check: "go-work-above", Severity: finding.Info, Setting: "GOWORK", File: "go.work",
			Effect:  "The go command works in the workspace of a directory above: versions, replacements and go.sum lines of all its modules count together, and -mod=mod is refused.",
			Instead: "GOWORK=off, where the module is to be built by itself"}}
	}
	return nil
}

// mirrorFindings are what the preflight found wrong, each with its remedy.
func mirrorFindings(res *report.Result) []finding.Finding {
	var out []finding.Finding
	for _, m := range res.Mirrors {
		switch {
		case m.State != report.Failing:
		case m.Issuer != "":
			out = append(out, certificateFinding(m))
		default:
			out = append(out, finding.Finding{Check: "mirror-failing", Severity: finding.Warning, Setting: "GOPROXY", Found: m.URL,
				Effect: fmt.Sprintf("%s (%s). %s", title(m.Class.Title()), m.Reason, m.Class.Explain()), Instead: m.Class.Remedy()})
		}
	}
	return out
}

// unreachableSumDB tells of a checksum database that did not answer
// and is needed: a complete go.sum leaves it nothing to say.
func (j *Job) unreachableSumDB(res *report.Result, toolchains bool) []finding.Finding {
	s := res.SumDB
	if s == nil || s.Reachable || j.list.Lacking == 0 && !toolchains {
		return nil
	}
	return []finding.Finding{{Check: "sumdb-unreachable", Severity: finding.Warning, Setting: "GOSUMDB", Found: s.Name,
		Effect:  "It cannot be reached, neither itself nor through a mirror, and is needed: a module without a go.sum line, or a toolchain, fails (" + failure.Plain(s.Reason) + ").",
		Instead: "a complete go.sum, or a mirror that serves the checksum database"}}
}

// title begins a sentence.
func title(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// certificateFinding is about a mirror whose certificate is not trusted.
func certificateFinding(m report.Mirror) finding.Finding {
	who := "either the mirror has an authority of its own, or something on the way (a corporate proxy, a virus scanner) opens the connection"
	if m.Label != "" {
		who = "this public mirror has a certificate that every machine trusts, so something on the way (a corporate proxy, a virus scanner) opens the connection and shows its own"
	}
	return finding.Finding{Check: "mirror-certificate", Severity: finding.Warning, Setting: "GOPROXY", Found: m.URL,
		Effect:  fmt.Sprintf("Its certificate was issued by %s, which this machine does not trust: %s.", failure.Plain(m.Issuer), who),
		Instead: "--ca-file FILE with that authority's certificate for modferry; for the go command the system's store, or SSL_CERT_FILE with a file that holds it and the public ones"}
}
