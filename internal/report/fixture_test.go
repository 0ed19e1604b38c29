package report_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
)

// The mirrors of the fixtures.
const (
	goproxy = "https://goproxy.example.test"
	company = "https://go.company.example.test/api/go"
	dead    = "https://dead.example.test"
)

func f(v float64) *float64 { return &v }

func b(v bool) *bool { return &v }

// fixtures are the runs that the golden files render.
func fixtures() map[string]*report.Result {
	return map[string]*report.Result{
		"good":              good(),
		"present":           present(),
		"audit":             audit(),
		"probe":             probe(),
		"dead-mirror":       deadMirror(),
		"gatekeeper":        gatekeeper(),
		"integrity":         integrity(),
		"all-mirrors-dead":  allDead(),
		"interrupted":       interrupted(),
		"cannot-run":        cannotRun(),
		"nothing-needed":    nothingNeeded(),
		"low-priority-only": lowOnly(),
		"hostile":           hostile("\r\nok: FORGED\n::error file=go.mod,line=1::FORGED \x1b[31m##[error]\u202eFORGED\u009b0m ::warning::FORGED"),
		"cache-restored":    restored(),
		"cache-unrestored":  unrestored(),
		"cache-rejected":    rejected(),
		"cache-saved":       saved(report.Saved{Index: "modferry-i1-a-b-c", Layers: 2, Kept: 1, Files: 312, Bytes: 74_900_000}),
		"cache-compacted":   saved(report.Saved{Index: "modferry-i1-a-b-c", Layers: 1, Compact: true, Files: 861, Bytes: 177_000_000}),
		"cache-index-only":  saved(report.Saved{Index: "modferry-i1-a-b-c", Kept: 2}),
		"cache-save-failed": saved(report.Saved{Reason: "save a layer: not allowed by the store: the job's token may only read", Failed: true,
			Fix: "jobs for pull requests from forks may only read; a job of the default branch saves for all"}),
		"cache-not-saved":   saved(report.Saved{Reason: "the cache already has everything"}),
		"cache-unavailable": unavailable(),
	}
}

func start(outcome report.Outcome) *report.Result {
	const chain = goproxy + "|" + company + ",direct"
	return &report.Result{
		Schema: report.Schema, Tool: "modferry 1.2.3", Started: "2026-11-20T13:35:00Z", Outcome: outcome,
		Machine: &report.Machine{OS: "linux", Arch: "amd64", CPUs: 2},
		Settings: report.EffectiveSettings{
			GOPROXY: chain, GOSUMDB: "sum.example.test", GOPRIVATE: "git.company.example.test", ModCache: "/home/ci/go/pkg/mod",
			Sources: map[string]string{"GOPROXY": "flag --proxy", "GOSUMDB": "go.env of GOROOT", "GOPRIVATE": "environment", "GOMODCACHE": "built-in"},
		},
		Choice: report.Choice{Configured: chain, Chain: chain},
		Mirrors: []report.Mirror{
			{URL: goproxy, Label: "Example Org", State: report.Healthy, DNSMS: f(3.1), ConnectMS: f(12.4), TLSMS: f(25.2), FirstByteMS: f(40.9),
				HTTP: "HTTP/2.0", SumDB: b(true), Chosen: true, Rank: 1},
			{URL: company, State: report.Slow, Reason: "the first byte took 1.204s", DNSMS: f(0.4), ConnectMS: f(1.2), TLSMS: f(6), FirstByteMS: f(1204),
				HTTP: "HTTP/1.1", SumDB: b(false), Chosen: true, Rank: 2},
		},
		SumDB: &report.SumDB{Name: "sum.example.test", Via: goproxy, Reachable: true},
		Cache: report.Cache{Store: "off", Hit: "off"},
	}
}

// modules makes n entries of a kind and source.
func modules(n int, kind, source, mirror string) []report.Module {
	names := []string{"github.com/spf13/cobra", "golang.org/x/net", "github.com/aws/aws-sdk-go", "rsc.io/quote", "google.golang.org/grpc", "gopkg.in/yaml.v3", "cloud.example.test/storage"}
	var out []report.Module
	for i := range n {
		m := report.Module{
			Path: names[i%len(names)], Version: fmt.Sprintf("v1.%d.0", i), Kind: kind, Source: source, Mirror: mirror,
			File: "go.mod", Line: 5 + i,
		}
		switch source {
		case report.FromPresent, report.FromCache, report.FromMirror:
			digest := sha256.Sum256([]byte(m.Path + "@" + m.Version + kind))
			m.Sum = "h1:" + base64.StdEncoding.EncodeToString(digest[:])
		}
		if source == report.FromMirror {
			m.Bytes, m.MS, m.StartMS = int64(1000+i*i*70_000), 20+float64(i*i)*1.7, float64(i)
			m.Attempts = []report.Attempt{{Mirror: mirror, Status: 200, Bytes: m.Bytes, StartMS: m.StartMS, FirstByteMS: f(15 + float64(i*7%11)), MS: m.MS}}
			if i < 6 { // the connections that were new
				a := &m.Attempts[0]
				a.DNSMS, a.ConnectMS, a.TLSMS = f(2.5+float64(i)), f(11+float64(i)), f(23+float64(i))
			}
		}
		out = append(out, m)
	}
	return out
}

func finish(r *report.Result, ms float64) *report.Result {
	report.Aggregate(r)
	r.Totals.MS = ms
	for i := range r.Mirrors {
		for _, m := range r.Modules {
			for _, a := range m.Attempts {
				if a.Mirror == r.Mirrors[i].URL {
					r.Mirrors[i].Bytes += a.Bytes
					if a.Class != "" {
						r.Mirrors[i].Failures++
					}
				}
			}
		}
	}
	return r
}

func good() *report.Result {
	r := start(report.OK)
	r.Cache = report.Cache{Store: "gha", Key: "modferry-linux-7d1f", Hit: "partial", Layers: 2, Modules: 20, Bytes: 31_400_000, MS: 840}
	r.Modules = append(r.Modules, modules(30, report.KindMod, report.FromPresent, "")...)
	r.Modules = append(r.Modules, modules(20, report.KindZip, report.FromCache, "")...)
	r.Modules = append(r.Modules, modules(25, report.KindZip, report.FromMirror, goproxy)...)
	r.Modules = append(r.Modules, modules(3, report.KindMod, report.FromMirror, company)...)
	for i := range 3 {
		m := report.Module{Path: fmt.Sprintf("git.company.example.test/team/tool%d", i), Version: "v0.1.0", Kind: report.KindZip,
			Source: report.FromDeferred, Class: failure.Private, Message: "private: left to the go command"}
		r.Modules = append(r.Modules, m)
	}
	slow := &r.Modules[70]
	slow.Attempts = append([]report.Attempt{
		{Mirror: goproxy, Status: 503, Class: failure.ServerError, StartMS: 20, MS: 80},
		{Mirror: goproxy, Status: 200, Class: failure.Stall, Bytes: 120_000, StartMS: 600, MS: 20_000},
	}, slow.Attempts...)
	slow.Attempts[2].StartMS = 20_620
	slow.MS = 21_300
	r.StatusCodes = map[string]map[string]int{goproxy: {"200": 51, "503": 1}, company: {"200": 3}}
	r.Contact("goproxy.example.test", "the mirror "+goproxy)
	r.Contact("go.company.example.test", "the mirror "+company)
	r.Contact("storage.example.test", "where the mirror "+goproxy+" redirects to")
	r.Contact("results.example.test", "the cache gha")
	r.Uncontacted = []string{"the checksum database sum.example.test (sum.example.test)"}
	r.Findings = []finding.Finding{{Check: "goprivate-scheme", Severity: finding.Warning, Setting: "GOPRIVATE", Found: "https://git.example.test",
		Source: "environment", Effect: "matches nothing: patterns have no scheme", Fix: "git.example.test"}}
	finish(r, 4912)
	r.Mirrors[0].ThroughputBPS = f(38_600_000)
	return r
}

func present() *report.Result {
	r := start(report.OK)
	r.Modules = modules(120, report.KindZip, report.FromPresent, "")
	r.Choice.Reasons = []string{"| after a mirror of the public catalogue: all its failures pass on"}
	r.Findings = []finding.Finding{{Check: "goproxy-separator", Severity: finding.Info, Setting: "GOPROXY", Effect: "behind a comma only 404 and 410 pass on"}}
	return finish(r, 61)
}

func audit() *report.Result {
	r := start(report.OK)
	r.Choice, r.Mirrors, r.SumDB = report.Choice{}, nil, nil
	r.Modules = modules(40, report.KindZip, report.FromPresent, "")
	return finish(r, 2100)
}

func probe() *report.Result {
	r := start(report.OK)
	r.Preflight = true
	r.Choice.Configured = dead + "," + r.Choice.Chain
	r.Choice.Reasons = []string{dead + " is left out: name lookup failed"}
	r.Mirrors = append(r.Mirrors, report.Mirror{URL: dead, State: report.Failing, Class: failure.NameLookup,
		Reason: "get " + dead + "/golang.org/x/text/@v/v0.3.0.mod: name lookup failed: dial tcp: lookup dead.example.test on 192.0.2.53:53: no such host"})
	r.SumDB = &report.SumDB{Name: "sum.example.test", Class: failure.Timeout, Reason: "not asked: the preflight's time was used up by the mirrors"}
	return finish(r, 2004)
}

func deadMirror() *report.Result {
	r := start(report.OK)
	r.Choice.Configured = dead + "|" + r.Choice.Chain
	r.Choice.Reasons = []string{dead + " is left out: connection refused"}
	reason := "get " + dead + "/golang.org/x/text/@v/v0.3.0.mod: dial tcp 192.0.2.7:443: connect: connection refused"
	r.Mirrors = append(r.Mirrors, report.Mirror{URL: dead, State: report.Failing, Class: failure.Refused, Reason: reason, DNSMS: f(2.2)})
	r.Modules = modules(12, report.KindZip, report.FromMirror, goproxy)
	for i := range 4 {
		m := &r.Modules[i]
		m.Attempts = append([]report.Attempt{{Mirror: dead, Class: failure.Refused, MS: 1.5}}, m.Attempts...)
	}
	return finish(r, 803)
}

func gatekeeper() *report.Result {
	r := start(report.Incomplete)
	chain := company + "," + goproxy + ",direct"
	r.Choice = report.Choice{Configured: chain, Chain: chain}
	r.Mirrors[0], r.Mirrors[1] = r.Mirrors[1], r.Mirrors[0]
	r.Mirrors[0].Rank, r.Mirrors[1].Rank = 1, 2
	r.Modules = modules(40, report.KindZip, report.FromMirror, company)
	for i, path := range []string{"github.com/forbidden/fruit", "github.com/forbidden/tree"} {
		r.Modules = append(r.Modules, report.Module{
			Path: path, Version: "v1.0.0", Kind: report.KindZip, Source: report.FromFailed, Class: failure.Forbidden, MS: 31,
			Message: "get " + company + "/" + path + "/@v/v1.0.0.zip: forbidden (HTTP 403): blocked by policy 17 (licence). The comma after " +
				company + " keeps this failure from passing on; write | instead, or --fallback any, if others may be asked",
			File: "go.mod", Line: 9 + i,
			Attempts: []report.Attempt{{Mirror: company, Status: 403, Class: failure.Forbidden, MS: 30, Detail: "blocked by policy 17 (licence)"}},
		})
	}
	r.Message = "2 files could not be obtained"
	return finish(r, 1490)
}

func integrity() *report.Result {
	r := start(report.Integrity)
	r.Modules = modules(8, report.KindZip, report.FromMirror, goproxy)
	// One was cured by the second mirror, one by none.
	r.Modules[2].Mirror = company
	r.Modules[2].Attempts = []report.Attempt{
		{Mirror: goproxy, Status: 200, Class: failure.HashMismatch, Bytes: 5000, MS: 20},
		{Mirror: company, Status: 200, Bytes: 5000, MS: 20},
	}
	detail := "found h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=, expected h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Q="
	r.Modules = append(r.Modules, report.Module{
		Path: "github.com/evil/twin", Version: "v2.0.0+incompatible", Kind: report.KindZip, Source: report.FromFailed, Class: failure.HashMismatch, MS: 77,
		Message: "verify zip of github.com/evil/twin@v2.0.0+incompatible: wrong hash: " + detail, File: "go.sum", Line: 31,
		Attempts: []report.Attempt{
			{Mirror: goproxy, Status: 200, Class: failure.HashMismatch, Bytes: 9000, MS: 40, Detail: detail},
			{Mirror: company, Status: 404, Class: failure.NotFound, MS: 33},
		},
	})
	r.Message = "1 file did not have the bytes that go.sum names, and no source had the right ones"
	return finish(r, 990)
}

func allDead() *report.Result {
	r := start(report.Incomplete)
	r.Choice.Reasons = []string{"no mirror answered rightly; the configured chain is kept"}
	r.SumDB = &report.SumDB{Name: "sum.example.test", Class: failure.ConnectTimeout, Reason: "get https://sum.example.test/latest: dial tcp 192.0.2.9:443: i/o timeout"}
	classes := []failure.Class{failure.Refused, failure.ConnectTimeout}
	texts := []string{"dial tcp 192.0.2.7:443: connect: connection refused", "dial tcp 192.0.2.8:443: i/o timeout"}
	for i := range r.Mirrors {
		m := &r.Mirrors[i]
		*m = report.Mirror{URL: m.URL, Label: m.Label, State: report.Failing, Class: classes[i], Chosen: true, Rank: i + 1,
			Reason: "get " + m.URL + "/golang.org/x/text/@v/v0.3.0.mod: " + texts[i], DNSMS: f(2)}
	}
	r.Modules = modules(14, report.KindZip, report.FromFailed, "")
	for i := range r.Modules {
		m := &r.Modules[i]
		m.Class, m.MS = failure.ConnectTimeout, 31_000
		m.Message = fmt.Sprintf("get %s/%s/@v/%s.zip: %s", company, m.Path, m.Version, texts[1])
		for range 3 {
			m.Attempts = append(m.Attempts,
				report.Attempt{Mirror: goproxy, Class: failure.Refused, MS: 2},
				report.Attempt{Mirror: company, Class: failure.ConnectTimeout, MS: 10_000})
		}
	}
	rest := modules(20, report.KindMod, report.FromFailed, "")
	for i := range rest {
		rest[i].Class = failure.CircuitOpen
		rest[i].Message = "get " + company + ": mirror taken out: the mirror failed again and again, last with: connection timed out"
	}
	r.Modules = append(r.Modules, rest...)
	r.Message = "34 files could not be obtained"
	return finish(r, 62_400)
}

func interrupted() *report.Result {
	r := start(report.Incomplete)
	r.Interrupted = true
	r.Message = "interrupted: interrupt signal received"
	r.Modules = modules(9, report.KindZip, report.FromMirror, goproxy)
	rest := modules(31, report.KindMod, report.FromFailed, "")
	for i := range rest {
		rest[i].Class, rest[i].Message = failure.Cancelled, "not tried: the run ended before"
	}
	r.Modules = append(r.Modules, rest...)
	return finish(r, 1100)
}

func cannotRun() *report.Result {
	r := start(report.Settings)
	r.Mirrors, r.SumDB = nil, nil
	r.Message = "open module cache: /home/ci/go/pkg/mod cannot be used; make it writable for this user, or choose another directory with --modcache or GOMODCACHE: mkdir /home/ci/go/pkg/mod: permission denied"
	return finish(r, 2)
}

func nothingNeeded() *report.Result {
	r := start(report.OK)
	r.Mirrors, r.SumDB = nil, nil
	r.Findings = []finding.Finding{{Check: "vendored", Severity: finding.Info, File: "vendor/modules.txt",
		Effect: "the build uses the vendor directory; the module cache is not read"}}
	return finish(r, 1)
}

func lowOnly() *report.Result {
	r := start(report.OK)
	r.Modules = modules(6, report.KindZip, report.FromMirror, goproxy)
	low := modules(2, report.KindMod, report.FromFailed, "")
	for i := range low {
		low[i].Low, low[i].Class, low[i].File, low[i].Line = true, failure.Gone, "go.sum", 40+i
		low[i].Message = fmt.Sprintf("get %s/%s/@v/%s.mod: gone (HTTP 410)", goproxy, low[i].Path, low[i].Version)
		low[i].Attempts = []report.Attempt{{Mirror: goproxy, Status: 410, Class: failure.Gone, MS: 12}}
	}
	r.Modules = append(r.Modules, low...)
	r.Message = "2 go.mod files that only go mod download, graph and verify read could not be obtained"
	return finish(r, 410)
}

// hostile has evil in every text field.
func hostile(evil string) *report.Result {
	url := "https://u:s3cret@evil.example.test/" + evil
	r := &report.Result{
		Schema: report.Schema, Tool: evil, Started: evil, Outcome: report.Integrity, Message: evil,
		Machine: &report.Machine{OS: evil, Arch: evil, CPUs: -1},
		Settings: report.EffectiveSettings{GOPROXY: evil, GOSUMDB: evil, GOPRIVATE: evil, GONOPROXY: evil, GONOSUMDB: evil, ModCache: evil,
			Sources: map[string]string{"GOPROXY": evil, evil: evil}},
		Choice: report.Choice{Configured: url + ",direct", Chain: url, Reasons: []string{evil, url}},
		Mirrors: []report.Mirror{
			{URL: url, Label: evil, State: evil, Class: failure.Class(evil), Reason: evil, HTTP: evil, DNSMS: f(-1), Rank: 1, Bytes: -5, Failures: -1},
			{URL: evil, Label: evil, State: report.Failing, Class: failure.Reset, Reason: strings.Repeat(evil, 20), Failures: 2},
		},
		SumDB: &report.SumDB{Name: evil, Via: evil, Reachable: true, Class: failure.Class(evil), Reason: evil},
		Cache: report.Cache{Store: evil, Key: evil, Hit: evil, Layers: 1, Rejected: []string{evil}, Reason: evil},
		StatusCodes: map[string]map[string]int{
			url:  {evil: 1, "200": 2},
			evil: {evil: 3},
		},
		Hosts: []string{evil, "h.example.test" + evil}, HostUses: map[string][]string{evil: {evil, url}}, Uncontacted: []string{evil},
		Findings: []finding.Finding{
			{Check: evil, Severity: finding.Severity(evil), Setting: evil, Found: evil, Source: evil, File: evil, Line: 3, Effect: evil, Fix: evil},
			{Severity: finding.Error, Effect: evil},
		},
	}
	for _, source := range []string{report.FromMirror, report.FromFailed, report.FromDeferred, report.FromCache, evil} {
		r.Modules = append(r.Modules, report.Module{
			Path: evil, Version: evil, Kind: evil, Source: source, Mirror: url, Bytes: 1, MS: 2, Class: failure.Class(evil), Message: evil, File: evil, Line: 7, Sum: "h1:" + evil,
			Attempts: []report.Attempt{
				{Mirror: evil, Status: 500, Class: failure.Class(evil), FirstByteMS: f(-3), Detail: evil},
				{Mirror: evil, Class: failure.Class(evil), StartMS: 400, DNSMS: f(7), FirstByteMS: f(4), MS: 2},
				{Mirror: url, Status: 200, Class: failure.HashMismatch, Detail: evil},
			},
		})
	}
	return finish(r, 5)
}

// unrestored is a run that was to restore from a cache that does not answer.
func unrestored() *report.Result {
	r := start(report.OK)
	r.Choice, r.Mirrors, r.SumDB = report.Choice{}, nil, nil
	r.Cache = report.Cache{Store: "gha", Hit: "miss", Reason: "look for an index: connection refused"}
	r.Message = "2 files are not in the cache; modferry fetch brings what is missing"
	return finish(r, 12)
}

// restored is a run that only restored.
func restored() *report.Result {
	r := start(report.OK)
	r.Choice, r.Mirrors, r.SumDB = report.Choice{}, nil, nil
	r.Cache = report.Cache{Store: "s3://ci-modules/go/", Hit: "exact", Scope: "used", Layers: 1, Modules: 20, Bytes: 31_400_000, MS: 840}
	r.Modules = append(r.Modules, modules(20, report.KindZip, report.FromCache, "")...)
	for _, m := range modules(4, report.KindZip, report.FromDeferred, "") {
		m.Class, m.Version = failure.Unused, "v2.0.0"
		r.Modules = append(r.Modules, m)
	}
	r.Message = "3 files are not in the cache; modferry fetch brings what is missing"
	return finish(r, 912)
}

// rejected is a run whose cache was poisoned.
func rejected() *report.Result {
	r := start(report.OK)
	r.Cache = report.Cache{Store: "gha", Hit: "exact", Scope: "build", Layers: 1, Modules: 19, Bytes: 31_400_000, MS: 840,
		Rejected: []string{"zip of rsc.io/quote@v1.3.0 in modferry-l1-7d1f: hash mismatch: found h1:wrong, expected h1:right"},
		Reason:   "a layer is gone from the store"}
	r.Modules = append(r.Modules, modules(19, report.KindZip, report.FromCache, "")...)
	r.Modules = append(r.Modules, modules(1, report.KindZip, report.FromMirror, goproxy)...)
	finish(r, 1912)
	r.Totals.Bytes += r.Cache.Bytes
	return r
}

// saved is a run that saved.
func saved(s report.Saved) *report.Result {
	r := start(report.OK)
	r.Choice, r.Mirrors, r.SumDB = report.Choice{}, nil, nil
	r.Cache = report.Cache{Store: "gha", Hit: "partial", Saved: &s}
	return finish(r, 640)
}

// unavailable is a run whose store could not be used.
func unavailable() *report.Result {
	r := start(report.OK)
	r.Cache = report.Cache{Store: "gha", Hit: "off", Scope: "used", Reason: "the store is not available here: ACTIONS_RUNTIME_TOKEN is not set"}
	r.Modules = append(r.Modules, modules(5, report.KindZip, report.FromMirror, goproxy)...)
	return finish(r, 1500)
}
