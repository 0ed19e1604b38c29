package fetch

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
)

// Doctor checks the configuration as the go command sees it: every setting
// against the modules of the checkout, the credentials file, and the mirrors by
// a preflight. The result is that of a probe with more findings; its outcome is
// Settings when a finding is an error.
func (j *Job) Doctor(ctx context.Context) *report.Result {
	var paths []string
	for _, m := range j.list.Modules {
		paths = append(paths, m.Path)
	}
	paths = slices.Compact(paths) // modules are sorted
	j.about = goenv.Check(j.env, paths)
	j.findings = append(j.findings, j.unprotected(paths)...)
	j.findings = append(j.findings, j.vendored()...)
	j.findings = append(j.findings, j.credentials()...)
	j.findings = append(j.findings, j.goCommands()...)
	res := j.Probe(ctx)
	res.Findings = append(res.Findings, mirrorFindings(res)...)
	if res.Outcome == report.OK && slices.ContainsFunc(res.Findings, func(f goenv.Finding) bool { return f.Severity == goenv.SevError }) {
		res.Outcome, res.Message = report.Settings, "the configuration has errors, which the findings tell"
	}
	return res
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
func (j *Job) unprotected(paths []string) []goenv.Finding {
	byHost := map[string][]string{}
	var hosts []string
	for _, p := range paths {
		host, _, _ := strings.Cut(p, "/")
		if !privateHost(host) || goenv.MatchPatterns(j.env.Get("GONOPROXY"), p) {
			continue
		}
		if byHost[host] == nil {
			hosts = append(hosts, host)
		}
		byHost[host] = append(byHost[host], p)
	}
	var out []goenv.Finding
	for _, host := range hosts {
		m := byHost[host]
		out = append(out, goenv.Finding{Check: "module-looks-private", Severity: goenv.SevWarning, Setting: "GOPRIVATE", Found: host,
			Effect:  fmt.Sprintf("no pattern matches %s, such as %s, so mirrors and the checksum database are asked for it by name", count(len(m), "module"), m[0]),
			Instead: "GOPRIVATE=" + strings.Trim(j.env.Get("GOPRIVATE")+","+host, ",")})
	}
	return out
}

// privateHost reports whether a host is one of a private network: an address
// there, or a name that no public name server has (RFC 6761, RFC 6762, RFC 8375
// and ICANN's .internal; .corp, .home and .lan by custom).
func privateHost(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()
	}
	top := host[strings.LastIndexByte(host, '.')+1:]
	return slices.Contains([]string{"internal", "intranet", "local", "localhost", "corp", "home", "lan", "private"}, top)
}

// vendored tells of main modules that need no module cache.
func (j *Job) vendored() []goenv.Finding {
	var out []goenv.Finding
	for _, dir := range j.list.Vendored {
		out = append(out, goenv.Finding{Check: "vendor-in-use", Severity: goenv.SevInfo, File: dir,
			Effect: "it builds from its vendor directory, so the go command downloads nothing for it"})
	}
	return out
}

// credentials checks the file that the go command takes passwords from.
func (j *Job) credentials() []goenv.Finding {
	name := netrcFile(j.o.Getenv, j.env.Get("GOAUTH"))
	if name == "" {
		return nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil // readNetrc has told what matters
	}
	var out []goenv.Finding
	if runtime.GOOS != "windows" && info.Mode()&fs.FileMode(0o077) != 0 {
		out = append(out, goenv.Finding{Check: "netrc-readable", Severity: goenv.SevWarning, Setting: ".netrc", Found: name,
			Effect: fmt.Sprintf("other users of this machine can read its passwords (mode %04o)", info.Mode().Perm()), Instead: "chmod 600 " + name})
	}
	machines := map[string]bool{}
	for _, e := range j.netrc {
		machines[e.Machine] = true
	}
	for _, h := range j.chain.hops {
		// The go command compares with the port where the URL has one
		// (cmd/go/internal/auth/netrc.go).
		if host := hostPort(h.url); host != h.Host() && machines[h.Host()] && !machines[host] {
			out = append(out, goenv.Finding{Check: "netrc-port", Severity: goenv.SevWarning, Setting: ".netrc", Found: h.Host(),
				Effect: fmt.Sprintf("the go command looks for %s and finds no credentials for that mirror", host), Instead: "machine " + host})
		}
	}
	return out
}

// hostPort is host and port as a URL has them.
func hostPort(rawURL string) string {
	_, rest, _ := strings.Cut(rawURL, "://")
	rest, _, _ = strings.Cut(rest, "/")
	return rest[strings.LastIndexByte(rest, '@')+1:]
}

// goCommands tells of several go commands on PATH: which one a step runs then
// depends on its PATH.
func (j *Job) goCommands() []goenv.Finding {
	if j.o.Getenv == nil {
		return nil
	}
	name := "go"
	if runtime.GOOS == "windows" {
		name = "go.exe"
	}
	var found []string
	for _, dir := range filepath.SplitList(j.o.Getenv("PATH")) {
		real, err := filepath.EvalSymlinks(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		if info, err := os.Stat(real); err == nil && info.Mode().IsRegular() && !slices.Contains(found, real) {
			found = append(found, real)
		}
	}
	if len(found) < 2 {
		return nil
	}
	return []goenv.Finding{{Check: "go-several", Severity: goenv.SevInfo, Setting: "PATH", Found: strings.Join(found, ", "),
		Effect: "the first one runs; another PATH runs another one, with settings of its own in go.env"}}
}

// mirrorFindings are what the preflight found wrong, each with its remedy.
func mirrorFindings(res *report.Result) []goenv.Finding {
	var out []goenv.Finding
	for _, m := range res.Mirrors {
		if m.State == report.Failing {
			out = append(out, goenv.Finding{Check: "mirror-failing", Severity: goenv.SevWarning, Setting: "GOPROXY", Found: m.URL,
				Effect: fmt.Sprintf("%s (%s). %s", m.Class.Title(), m.Reason, m.Class.Explain()), Instead: m.Class.Remedy()})
		}
	}
	if s := res.SumDB; s != nil && !s.Reachable {
		out = append(out, goenv.Finding{Check: "sumdb-unreachable", Severity: goenv.SevWarning, Setting: "GOSUMDB", Found: s.Name,
			Effect:  "it cannot be reached, neither itself nor through a mirror: a module without a go.sum line fails (" + failure.Plain(s.Reason) + ")",
			Instead: "a mirror that serves the checksum database, and a complete go.sum"})
	}
	return out
}
