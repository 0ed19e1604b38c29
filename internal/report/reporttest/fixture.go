// Package reporttest has the results that the golden files of every rendering
// show, and what their tests share.
package reporttest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
)

// The mirrors of the fixtures.
const (
	Goproxy = "https://goproxy.example.test"
	Company = "https://go.company.example.test/api/go"
	Dead    = "https://dead.example.test"
)

// F is a number that was measured.
func F(v float64) *float64 { return &v }

func b(v bool) *bool { return &v }

// Fixtures are the runs that the golden files render.
func Fixtures() map[string]*report.Result {
	return map[string]*report.Result{
		"good":              Good(),
		"present":           Present(),
		"audit":             Audit(),
		"probe":             Probe(),
		"dead-mirror":       DeadMirror(),
		"gatekeeper":        Gatekeeper(),
		"integrity":         Integrity(),
		"all-mirrors-dead":  AllDead(),
		"interrupted":       Interrupted(),
		"cannot-run":        CannotRun(),
		"nothing-needed":    NothingNeeded(),
		"low-priority-only": LowOnly(),
		"hostile":           Hostile("\r\nok: FORGED\n::error file=go.mod,line=1::FORGED \x1b[31m##[error]\u202eFORGED\u009b0m ::warning::FORGED"),
		"cache-restored":    Restored(),
		"cache-unrestored":  Unrestored(),
		"cache-rejected":    Rejected(),
		"cache-saved":       Saved(report.Saved{Index: "modferry-i2-a-b-c", Layers: 2, Kept: 1, Files: 312, Bytes: 74_900_000}),
		"cache-compacted":   Saved(report.Saved{Index: "modferry-i2-a-b-c", Layers: 1, Compact: true, Files: 861, Bytes: 177_000_000}),
		"cache-index-only":  Saved(report.Saved{Index: "modferry-i2-a-b-c", Kept: 2}),
		"cache-save-failed": Saved(report.Saved{Reason: "save a layer: not allowed by the store: the job's token may only read", Failed: true,
			Fix: "jobs for pull requests from forks may only read; a job of the default branch saves for all"}),
		"cache-not-saved":   Saved(report.Saved{Reason: "the cache has it all already"}),
		"cache-unavailable": Unavailable(),
		"cold":              Cold(),
		"warm":              Warm(),
		"many-failures":     ManyFailures(),
	}
}

// Start is a run before its modules.
func Start(outcome report.Outcome) *report.Result {
	const chain = Goproxy + "|" + Company + ",direct"
	return &report.Result{
		Schema: report.Schema, Tool: "modferry 1.2.3", Started: "2026-11-20T13:35:00Z", Outcome: outcome,
		Machine: &report.Machine{OS: "linux", Arch: "amd64", CPUs: 2},
		Settings: report.EffectiveSettings{
			Scope: "imports", GOPROXY: chain, GOSUMDB: "sum.example.test", GOPRIVATE: "git.company.example.test", ModCache: "/home/ci/go/pkg/mod",
			Sources: map[string]string{"GOPROXY": "flag --proxy", "GOSUMDB": "go.env of GOROOT", "GOPRIVATE": "environment", "GOMODCACHE": "built-in"},
		},
		Choice: report.Choice{Configured: chain, Chain: chain},
		Mirrors: []report.Mirror{
			{URL: Goproxy, Label: "Example Org", State: report.Healthy, DNSMS: F(3.1), ConnectMS: F(12.4), TLSMS: F(25.2), FirstByteMS: F(40.9),
				HTTP: "HTTP/2.0", SumDB: b(true), Chosen: true, Rank: 1},
			{URL: Company, State: report.Slow, Reason: "the first byte took 1.2 s", DNSMS: F(0.4), ConnectMS: F(1.2), TLSMS: F(6), FirstByteMS: F(1204),
				HTTP: "HTTP/1.1", SumDB: b(false), Chosen: true, Rank: 2},
		},
		SumDB: &report.SumDB{Name: "sum.example.test", Via: Goproxy, Reachable: true},
		Cache: report.Cache{Store: "off", Hit: "off"},
	}
}

// Modules makes n entries of a kind and source.
func Modules(n int, kind, source, mirror string) []report.Module {
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
			m.Attempts = []report.Attempt{{Mirror: mirror, Status: 200, Bytes: m.Bytes, StartMS: m.StartMS, FirstByteMS: F(15 + float64(i*7%11)), MS: m.MS}}
			if i < 6 { // the connections that were new
				a := &m.Attempts[0]
				a.DNSMS, a.ConnectMS, a.TLSMS = F(2.5+float64(i)), F(11+float64(i)), F(23+float64(i))
			}
		}
		out = append(out, m)
	}
	return out
}

// Finish sums a run up that took ms.
func Finish(r *report.Result, ms float64) *report.Result {
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

// Good is a run in which all went well; those below are named for what happened
// in them.
func Good() *report.Result {
	r := Start(report.OK)
	r.Cache = report.Cache{Store: "gha", Key: "modferry-linux-7d1f", Hit: "partial", Layers: 2, Files: 20, Bytes: 31_400_000, MS: 840}
	r.Modules = append(r.Modules, Modules(30, report.KindMod, report.FromPresent, "")...)
	r.Modules = append(r.Modules, Modules(20, report.KindZip, report.FromCache, "")...)
	r.Modules = append(r.Modules, Modules(25, report.KindZip, report.FromMirror, Goproxy)...)
	r.Modules = append(r.Modules, Modules(3, report.KindMod, report.FromMirror, Company)...)
	for i := range 3 {
		m := report.Module{Path: fmt.Sprintf("git.company.example.test/team/tool%d", i), Version: "v0.1.0", Kind: report.KindZip,
			Source: report.FromDeferred, Class: failure.Private, Message: "private: left to the go command"}
		r.Modules = append(r.Modules, m)
	}
	r.Totals.Imported, r.Totals.Required = 48, 62
	slow := &r.Modules[70]
	slow.Attempts = append([]report.Attempt{
		{Mirror: Goproxy, Status: 503, Class: failure.ServerError, StartMS: 20, MS: 80},
		{Mirror: Goproxy, Status: 200, Class: failure.Stall, Bytes: 120_000, StartMS: 600, MS: 3_000},
	}, slow.Attempts...)
	slow.Attempts[2].StartMS = 3_620
	slow.MS = 4_300
	r.StatusCodes = map[string]map[string]int{Goproxy: {"200": 51, "503": 1}, Company: {"200": 3}}
	r.Contact("goproxy.example.test", "the mirror "+Goproxy)
	r.Contact("go.company.example.test", "the mirror "+Company)
	r.Contact("storage.example.test", "where the mirror "+Goproxy+" redirects to")
	r.Contact("results.example.test", "the cache gha")
	r.Uncontacted = []string{"the checksum database sum.example.test (sum.example.test)"}
	r.Findings = []finding.Finding{{Check: "goprivate-scheme", Severity: finding.Warning, Setting: "GOPRIVATE", Found: "https://git.example.test",
		Source: "environment", Effect: "matches nothing: patterns have no scheme", Fix: "git.example.test"}}
	Finish(r, 4912)
	r.Mirrors[0].ThroughputBPS = F(38_600_000)
	return r
}

func Present() *report.Result {
	r := Start(report.OK)
	r.Modules = Modules(120, report.KindZip, report.FromPresent, "")
	r.Choice.Reasons = []string{"| after a mirror of the public catalogue: any failure falls back to the next mirror"}
	r.Findings = []finding.Finding{{Check: "goproxy-separator", Severity: finding.Info, Setting: "GOPROXY", Effect: "behind a comma only 404 and 410 fall back"}}
	return Finish(r, 61)
}

func Audit() *report.Result {
	r := Start(report.OK)
	r.Choice, r.Mirrors, r.SumDB = report.Choice{}, nil, nil
	r.Modules = Modules(40, report.KindZip, report.FromPresent, "")
	return Finish(r, 2100)
}

func Probe() *report.Result {
	r := Start(report.OK)
	r.Preflight = true
	r.Choice.Configured = Dead + "," + r.Choice.Chain
	r.Choice.Reasons = []string{Dead + " is left out: name lookup failed"}
	r.Mirrors = append(r.Mirrors, report.Mirror{URL: Dead, State: report.Failing, Class: failure.NameLookup,
		Reason: "get " + Dead + "/golang.org/x/text/@v/v0.3.0.mod: name lookup failed: dial tcp: lookup dead.example.test on 192.0.2.53:53: no such host"})
	r.SumDB = &report.SumDB{Name: "sum.example.test", Class: failure.Timeout, Reason: "not asked: the preflight's time was used up by the mirrors"}
	return Finish(r, 2004)
}

func DeadMirror() *report.Result {
	r := Start(report.OK)
	r.Choice.Configured = Dead + "|" + r.Choice.Chain
	r.Choice.Reasons = []string{Dead + " is left out: connection refused"}
	reason := "get " + Dead + "/golang.org/x/text/@v/v0.3.0.mod: dial tcp 192.0.2.7:443: connect: connection refused"
	r.Mirrors = append(r.Mirrors, report.Mirror{URL: Dead, State: report.Failing, Class: failure.Refused, Reason: reason, DNSMS: F(2.2)})
	r.Modules = Modules(12, report.KindZip, report.FromMirror, Goproxy)
	for i := range 4 {
		m := &r.Modules[i]
		m.Attempts = append([]report.Attempt{{Mirror: Dead, Class: failure.Refused, MS: 1.5}}, m.Attempts...)
	}
	return Finish(r, 803)
}

func Gatekeeper() *report.Result {
	r := Start(report.Incomplete)
	chain := Company + "," + Goproxy + ",direct"
	r.Choice = report.Choice{Configured: chain, Chain: chain}
	r.Mirrors[0], r.Mirrors[1] = r.Mirrors[1], r.Mirrors[0]
	r.Mirrors[0].Rank, r.Mirrors[1].Rank = 1, 2
	r.Modules = Modules(40, report.KindZip, report.FromMirror, Company)
	for i, path := range []string{"github.com/forbidden/fruit", "github.com/forbidden/tree"} {
		r.Modules = append(r.Modules, report.Module{
			Path: path, Version: "v1.0.0", Kind: report.KindZip, Source: report.FromFailed, Class: failure.Forbidden, MS: 31,
			Message: "get " + Company + "/" + path + "/@v/v1.0.0.zip: forbidden (HTTP 403): blocked by policy 17 (licence). After its comma the refusal of " +
				Company + " is final",
			File: "go.mod", Line: 9 + i,
			Attempts: []report.Attempt{{Mirror: Company, Status: 403, Class: failure.Forbidden, MS: 30, Detail: "blocked by policy 17 (licence)"}},
		})
	}
	r.Message = "2 files could not be obtained"
	return Finish(r, 2690)
}

func Integrity() *report.Result {
	r := Start(report.Integrity)
	r.Modules = Modules(8, report.KindZip, report.FromMirror, Goproxy)
	// One was cured by the second mirror, one by none.
	r.Modules[2].Mirror = Company
	r.Modules[2].Attempts = []report.Attempt{
		{Mirror: Goproxy, Status: 200, Class: failure.HashMismatch, Bytes: 5000, MS: 20},
		{Mirror: Company, Status: 200, Bytes: 5000, MS: 20},
	}
	detail := "found h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=, expected h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Q="
	r.Modules = append(r.Modules, report.Module{
		Path: "github.com/evil/twin", Version: "v2.0.0+incompatible", Kind: report.KindZip, Source: report.FromFailed, Class: failure.HashMismatch, MS: 77,
		Message: "verify zip of github.com/evil/twin@v2.0.0+incompatible: wrong hash: " + detail, File: "go.sum", Line: 31,
		Attempts: []report.Attempt{
			{Mirror: Goproxy, Status: 200, Class: failure.HashMismatch, Bytes: 9000, MS: 40, Detail: detail},
			{Mirror: Company, Status: 404, Class: failure.NotFound, MS: 33},
		},
	})
	r.Message = "1 file did not have the bytes that go.sum names, and no source had the right ones"
	return Finish(r, 990)
}

func AllDead() *report.Result {
	r := Start(report.Incomplete)
	r.Choice.Reasons = []string{"no mirror returned valid content; the configured chain is kept"}
	r.SumDB = &report.SumDB{Name: "sum.example.test", Class: failure.ConnectTimeout, Reason: "get https://sum.example.test/latest: dial tcp 192.0.2.9:443: i/o timeout"}
	classes := []failure.Class{failure.Refused, failure.ConnectTimeout}
	texts := []string{"dial tcp 192.0.2.7:443: connect: connection refused", "dial tcp 192.0.2.8:443: i/o timeout"}
	for i := range r.Mirrors {
		m := &r.Mirrors[i]
		*m = report.Mirror{URL: m.URL, Label: m.Label, State: report.Failing, Class: classes[i], Chosen: true, Rank: i + 1,
			Reason: "get " + m.URL + "/golang.org/x/text/@v/v0.3.0.mod: " + texts[i], DNSMS: F(2)}
	}
	r.Modules = Modules(14, report.KindZip, report.FromFailed, "")
	for i := range r.Modules {
		m := &r.Modules[i]
		m.Class, m.MS = failure.ConnectTimeout, 31_000
		m.Message = fmt.Sprintf("get %s/%s/@v/%s.zip: %s", Company, m.Path, m.Version, texts[1])
		for range 3 {
			m.Attempts = append(m.Attempts,
				report.Attempt{Mirror: Goproxy, Class: failure.Refused, MS: 2},
				report.Attempt{Mirror: Company, Class: failure.ConnectTimeout, MS: 10_000})
		}
	}
	rest := Modules(20, report.KindMod, report.FromFailed, "")
	for i := range rest {
		rest[i].Class = failure.CircuitOpen
		rest[i].Message = "get " + Company + ": mirror no longer asked: the mirror failed again and again, last with: connection timed out"
	}
	r.Modules = append(r.Modules, rest...)
	r.Message = "34 files could not be obtained"
	return Finish(r, 62_400)
}

func Interrupted() *report.Result {
	r := Start(report.Incomplete)
	r.Interrupted = true
	r.Message = "interrupted: interrupt signal received"
	r.Modules = Modules(9, report.KindZip, report.FromMirror, Goproxy)
	rest := Modules(31, report.KindMod, report.FromFailed, "")
	for i := range rest {
		rest[i].Class, rest[i].Message = failure.Cancelled, "not tried: the run ended before"
	}
	r.Modules = append(r.Modules, rest...)
	return Finish(r, 1100)
}

func CannotRun() *report.Result {
	r := Start(report.Settings)
	r.Mirrors, r.SumDB = nil, nil
	r.Message = "open module cache: /home/ci/go/pkg/mod cannot be used; make it writable for this user, or choose another directory with --modcache or GOMODCACHE: mkdir /home/ci/go/pkg/mod: permission denied"
	return Finish(r, 2)
}

func NothingNeeded() *report.Result {
	r := Start(report.OK)
	r.Mirrors, r.SumDB = nil, nil
	r.Findings = []finding.Finding{{Check: "vendored", Severity: finding.Info, File: "vendor/modules.txt",
		Effect: "the build uses the vendor directory; the module cache is not read"}}
	return Finish(r, 1)
}

func LowOnly() *report.Result {
	r := Start(report.OK)
	r.Modules = Modules(6, report.KindZip, report.FromMirror, Goproxy)
	low := Modules(2, report.KindMod, report.FromFailed, "")
	for i := range low {
		low[i].Optional, low[i].Class, low[i].File, low[i].Line = true, failure.Gone, "go.sum", 40+i
		low[i].Message = fmt.Sprintf("get %s/%s/@v/%s.mod: gone (HTTP 410)", Goproxy, low[i].Path, low[i].Version)
		low[i].Attempts = []report.Attempt{{Mirror: Goproxy, Status: 410, Class: failure.Gone, MS: 12}}
	}
	r.Modules = append(r.Modules, low...)
	r.Message = "2 go.mod files that only go mod download, graph and verify read could not be obtained"
	return Finish(r, 410)
}

// Unrestored is a run that was to restore from a cache that does not answer.
func Unrestored() *report.Result {
	r := Start(report.OK)
	r.Choice, r.Mirrors, r.SumDB = report.Choice{}, nil, nil
	r.Cache = report.Cache{Store: "gha", Hit: "miss", Reason: "look for an index: connection refused"}
	r.Message = "2 files are not in the cache; modferry fetch brings what is missing"
	return Finish(r, 12)
}

// Restored is a run that only restored.
func Restored() *report.Result {
	r := Start(report.OK)
	r.Choice, r.Mirrors, r.SumDB = report.Choice{}, nil, nil
	r.Cache = report.Cache{Store: "s3://ci-modules/go/", Hit: "exact", Layers: 1, Files: 20, Bytes: 31_400_000, MS: 840}
	r.Modules = append(r.Modules, Modules(20, report.KindZip, report.FromCache, "")...)
	r.Message = "3 files are not in the cache; modferry fetch brings what is missing"
	return Finish(r, 912)
}

// Rejected is a run whose cache was poisoned.
func Rejected() *report.Result {
	r := Start(report.OK)
	r.Cache = report.Cache{Store: "gha", Hit: "exact", Layers: 1, Files: 19, Bytes: 31_400_000, MS: 840,
		Rejected: []string{"zip of rsc.io/quote@v1.3.0 in modferry-l2-7d1f: hash mismatch: found h1:wrong, expected h1:right"},
		Reason:   "a layer is gone from the store"}
	r.Modules = append(r.Modules, Modules(19, report.KindZip, report.FromCache, "")...)
	r.Modules = append(r.Modules, Modules(1, report.KindZip, report.FromMirror, Goproxy)...)
	Finish(r, 1912)
	r.Totals.Bytes += r.Cache.Bytes
	return r
}

// Saved is a run that saved.
func Saved(s report.Saved) *report.Result {
	r := Start(report.OK)
	r.Choice, r.Mirrors, r.SumDB = report.Choice{}, nil, nil
	r.Cache = report.Cache{Store: "gha", Hit: "partial", Saved: &s}
	return Finish(r, 640)
}

// Unavailable is a run whose store could not be used.
func Unavailable() *report.Result {
	r := Start(report.OK)
	r.Cache = report.Cache{Store: "gha", Hit: "off", Reason: "the store is not available here: ACTIONS_RUNTIME_TOKEN is not set"}
	r.Modules = append(r.Modules, Modules(5, report.KindZip, report.FromMirror, Goproxy)...)
	return Finish(r, 1500)
}

// Answering is a run with one file and one attempt for each given attempt.
func Answering(attempts ...report.Attempt) *report.Result {
	r := Start(report.OK)
	for i, a := range attempts {
		source := report.FromMirror
		if a.Class != "" {
			source = report.FromFailed
		}
		r.Modules = append(r.Modules, report.Module{Path: fmt.Sprintf("a.example.test/m%d", i), Version: "v1.0.0", Kind: report.KindZip,
			Source: source, Class: a.Class, Mirror: a.Mirror, StartMS: a.StartMS, MS: a.MS, Attempts: []report.Attempt{a}})
	}
	return Finish(r, 1000)
}
