package reporttest

import (
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
)

// Hostile has evil in every text field.
func Hostile(evil string) *report.Result {
	url := "https://u:s3cret@evil.example.test/" + evil
	r := &report.Result{
		Schema: report.Schema, Tool: evil, Started: evil, Outcome: report.Integrity, Message: evil,
		Machine: &report.Machine{OS: evil, Arch: evil, CPUs: -1},
		Settings: report.EffectiveSettings{GOPROXY: evil, GOSUMDB: evil, GOPRIVATE: evil, GONOPROXY: evil, GONOSUMDB: evil, ModCache: evil,
			Sources: map[string]string{"GOPROXY": evil, evil: evil}},
		Choice: report.Choice{Configured: url + ",direct", Chain: url, Reasons: []string{evil, url}},
		Mirrors: []report.Mirror{
			{URL: url, Label: evil, State: evil, Class: failure.Class(evil), Reason: evil, HTTP: evil, DNSMS: F(-1), Rank: 1, Bytes: -5, Failures: -1},
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
				{Mirror: evil, Status: 500, Class: failure.Class(evil), FirstByteMS: F(-3), Detail: evil},
				{Mirror: evil, Class: failure.Class(evil), StartMS: 400, DNSMS: F(7), FirstByteMS: F(4), MS: 2},
				{Mirror: url, Status: 200, Class: failure.HashMismatch, Detail: evil},
			},
		})
	}
	return Finish(r, 5)
}
