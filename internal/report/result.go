// Package report is the result of a run as data: the Result and its JSON, its
// totals, the outcome, the state of mirrors and the causes of failures.
//
// Its main invariant: renderings read nothing but the Result, and nothing that
// a mirror, a cache or a file put into it can forge a line, a workflow command
// or a terminal sequence in what they write. The packages below this directory
// are the renderings; but for progress they are pure as this one is.
package report

import (
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
)

// Schema names the format of a Result in JSON.
const Schema = "modferry.result/1"

// Outcome is a run in one word; it decides the exit code.
type Outcome string

// The outcomes.
const (
	OK         Outcome = "ok"         // everything needed is there or deferred
	NotReady   Outcome = "not-ready"  // all that could be had is, but the go command will fail: a finding says why
	Incomplete Outcome = "incomplete" // something could not be obtained; worth retrying
	Settings   Outcome = "settings"   // usage, settings or input files
	Integrity  Outcome = "integrity"  // bytes that do not match their hash were offered and no source had the right ones
)

// Result is everything that is known about a run, and the only thing that
// renderings read. Durations are in milliseconds, sizes in bytes, absent means
// unknown. Texts are redacted; texts of servers are neutralised by the
// renderings once more.
type Result struct {
	Schema      string                    `json:"schema"`
	Tool        string                    `json:"tool"`    // "modferry 1.2.3"
	Started     string                    `json:"started"` // RFC 3339, UTC
	Outcome     Outcome                   `json:"outcome"`
	Message     string                    `json:"message,omitempty"` // why the outcome is not ok, one sentence
	ExitCode    int                       `json:"exit_code,omitempty"` // of the command that modferry exec ran
	Interrupted bool                      `json:"interrupted,omitempty"`
	Preflight   bool                      `json:"preflight,omitempty"` // the run only probed mirrors
	Machine     *Machine                  `json:"machine,omitempty"`
	Project     *Project                  `json:"project,omitempty"` // what the run was for
	Settings    EffectiveSettings         `json:"settings"`
	Choice      Choice                    `json:"choice"`
	Mirrors     []Mirror                  `json:"mirrors"`
	SumDB       *SumDB                    `json:"sumdb,omitempty"`
	Cache       Cache                     `json:"cache"`
	Modules     []Module                  `json:"modules"`
	StatusCodes map[string]map[string]int `json:"status_codes,omitempty"` // mirror → code → count
	Hosts       []string                  `json:"hosts,omitempty"`        // every host contacted, redirects included, sorted
	HostUses    map[string][]string       `json:"host_uses,omitempty"`    // host → what it was contacted for, sorted
	Uncontacted []string                  `json:"uncontacted,omitempty"`  // what the settings name and this run did not ask
	Findings    []finding.Finding         `json:"findings,omitempty"`
	Totals      Totals                    `json:"totals"`
}

// Machine is the kind of machine that a run was on, not which one: enough to
// know that two runs were on different ones.
type Machine struct {
	OS   string `json:"os"`   // GOOS
	Arch string `json:"arch"` // GOARCH
	CPUs int    `json:"cpus"` // that the run could use
}

// Project is what a run was for, as the checkout and the CI system name it. Absent
// is not known.
type Project struct {
	Module     string `json:"module,omitempty"`     // path of the main module; that of the first one in a workspace
	Dir        string `json:"dir,omitempty"`        // of the checkout within the repository, slash-separated; absent for its root
	Repository string `json:"repository,omitempty"` // "owner/name", "group/subgroup/name"
	Commit     string `json:"commit,omitempty"`     // its hash
	Job        string `json:"job,omitempty"`        // name of the job
	URL        string `json:"url,omitempty"`        // of the job's page
}

// EffectiveSettings are the go command's settings of the run, redacted, and the
// scope.
type EffectiveSettings struct {
	Scope     string            `json:"scope,omitempty"` // imports, build or all: whose zips were to be had
	GOPROXY   string            `json:"goproxy"`         // the chosen chain
	GOSUMDB   string            `json:"gosumdb"`
	GOPRIVATE string            `json:"goprivate"`
	GONOPROXY string            `json:"gonoproxy,omitempty"`
	GONOSUMDB string            `json:"gonosumdb,omitempty"`
	ModCache  string            `json:"modcache"`
	Sources   map[string]string `json:"sources,omitempty"` // setting → where its value comes from
	// Checkout is what a configuration file of the checkout said; nil for nothing.
	Checkout *CheckoutSettings `json:"checkout,omitempty"`
}

// CheckoutSettings is what a configuration file that a pull request can change
// said about modferry's settings, by their names.
type CheckoutSettings struct {
	File    string   `json:"file"`
	Obeyed  []string `json:"obeyed,omitempty"`
	Ignored []string `json:"ignored,omitempty"` // what it may not say
}

// Choice is the chain that the preflight decided on, and why.
type Choice struct {
	Configured string   `json:"configured"`        // the GOPROXY value before the preflight, redacted
	Chain      string   `json:"chain"`             // the one chosen, redacted
	Reasons    []string `json:"reasons,omitempty"` // sentences
}

// The states of a mirror over a run.
const (
	Healthy  = "healthy"
	Slow     = "slow"
	Degraded = "degraded" // it supplied files, and failed more often than now and then
	Failing  = "failing"
	Skipped  = "skipped" // not asked
)

// Mirror is what is known about one mirror. A nil duration was not measured.
type Mirror struct {
	URL           string        `json:"url"`             // redacted
	Label         string        `json:"label,omitempty"` // operator of a mirror from the public catalogue
	State         string        `json:"state"`
	Class         failure.Class `json:"class,omitempty"`
	Reason        string        `json:"reason,omitempty"`
	Issuer        string        `json:"issuer,omitempty"` // of the certificate that this machine does not trust
	DNSMS         *float64      `json:"dns_ms,omitempty"`
	ConnectMS     *float64      `json:"connect_ms,omitempty"`
	TLSMS         *float64      `json:"tls_ms,omitempty"`
	FirstByteMS   *float64      `json:"first_byte_ms,omitempty"`
	ThroughputBPS *float64      `json:"throughput_bps,omitempty"` // bytes per second over the run
	HTTP          string        `json:"http,omitempty"`           // "HTTP/2.0"
	SumDB         *bool         `json:"sumdb,omitempty"`          // serves the checksum database
	Chosen        bool          `json:"chosen"`
	Rank          int           `json:"rank"`               // place in the chosen chain, from 1; 0 when not chosen
	Files         int           `json:"files,omitempty"`    // files it supplied
	Bytes         int64         `json:"bytes,omitempty"`    // bytes it sent, failed attempts included
	Failures      int           `json:"failures,omitempty"` // attempts that failed
}

// SumDB is the reachability of the checksum database.
type SumDB struct {
	Name      string        `json:"name"`
	Via       string        `json:"via,omitempty"` // the mirror that serves it, redacted; "" when asked itself
	Reachable bool          `json:"reachable"`
	Class     failure.Class `json:"class,omitempty"`
	Reason    string        `json:"reason,omitempty"`
}

// Cache is what the restore did.
type Cache struct {
	Store    string   `json:"store"`
	Key      string   `json:"key,omitempty"`
	Hit      string   `json:"hit"`                // exact, partial, miss, off
	Layers   int      `json:"layers,omitempty"`   // received whole
	Files    int      `json:"files,omitempty"`    // files that came from it
	Bytes    int64    `json:"bytes,omitempty"`    // received
	MS       float64  `json:"ms,omitempty"`       // from the first question to the last file
	Rejected []string `json:"rejected,omitempty"` // what was not let in, and why
	Reason   string   `json:"reason,omitempty"`   // why it brought less than it might
	Saved    *Saved   `json:"saved,omitempty"`    // nil when nothing was to be saved
}

// Used reports whether a cache was asked, or was to be.
func (c Cache) Used() bool { return c.Store != "off" && c.Store != "" }

// Saved is what a save added to the cache.
type Saved struct {
	Index   string  `json:"index,omitempty"`   // name of the entry
	Layers  int     `json:"layers,omitempty"`  // written
	Kept    int     `json:"kept,omitempty"`    // layers of earlier saves that the index goes on with
	Compact bool    `json:"compact,omitempty"` // earlier layers were written anew as one
	Files   int     `json:"files,omitempty"`   // in the layers written
	Bytes   int64   `json:"bytes,omitempty"`   // of the layers written
	MS      float64 `json:"ms,omitempty"`
	Reason  string  `json:"reason,omitempty"` // why nothing was saved
	Failed  bool    `json:"failed,omitempty"` // something should have been: the next job will miss it
	Fix     string  `json:"fix,omitempty"`    // what to do about that
}

// The kinds of module entries.
const (
	KindZip       = "zip"
	KindMod       = "mod"
	KindToolchain = "toolchain"
)

// The kinds of entries that are no files of a module, but what a relay was asked about
// versions. No hash vouches for them.
const (
	KindInfo   = "info"   // of a version
	KindList   = "list"   // of versions
	KindLatest = "latest" // version
	KindQuery  = "query"  // what a branch, a commit or the like stands for
)

// Where a module came from.
const (
	FromPresent  = "present"  // was in the module cache already
	FromCache    = "cache"    // restored from a layer
	FromMirror   = "mirror"   //
	FromDeferred = "deferred" // left to the go command
	FromFailed   = "failed"
)

// Module is the fate of one file of the work list.
type Module struct {
	Path     string        `json:"path"`
	Version  string        `json:"version"`
	Kind     string        `json:"kind"`
	Source   string        `json:"source"`
	Mirror   string        `json:"mirror,omitempty"` // that supplied it, redacted
	Sum      string        `json:"sum,omitempty"`    // the h1: hash that the file was compared with, of one that is there
	Bytes    int64         `json:"bytes,omitempty"`
	StartMS  float64       `json:"start_ms,omitempty"` // since the start of the run
	MS       float64       `json:"ms,omitempty"`
	Attempts []Attempt     `json:"attempts,omitempty"`
	Class    failure.Class `json:"class,omitempty"`   // of a failed or deferred one
	Message  string        `json:"message,omitempty"` // what happened, one sentence
	File     string        `json:"file,omitempty"`    // the go.mod or go.sum line at fault
	Line     int           `json:"line,omitempty"`
	Trace    string        `json:"trace,omitempty"`    // of the request that it was brought for, as in the header traceparent
	Optional bool          `json:"optional,omitempty"` // only graph commands need it: its failure does not fail the run
}

// Attempt is one request within a fetch. A nil duration was not measured: no
// response came, or the connection was there already. Of redirected requests
// the durations are those of the last hop, as they are of a probe.
type Attempt struct {
	Mirror      string        `json:"mirror"`
	Status      int           `json:"status,omitempty"`
	Class       failure.Class `json:"class,omitempty"` // "" when it brought the file
	Bytes       int64         `json:"bytes,omitempty"`
	StartMS     float64       `json:"start_ms,omitempty"`
	DNSMS       *float64      `json:"dns_ms,omitempty"`
	ConnectMS   *float64      `json:"connect_ms,omitempty"`
	TLSMS       *float64      `json:"tls_ms,omitempty"`
	FirstByteMS *float64      `json:"first_byte_ms,omitempty"` // from the request being sent to the response
	BodyMS      *float64      `json:"body_ms,omitempty"`       // from the response to its last byte
	VerifyMS    *float64      `json:"verify_ms,omitempty"`     // verifying and extracting, which are one pass; the wait for a processor included
	MS          float64       `json:"ms,omitempty"`            // to the end, verification included
	Hedge       bool          `json:"hedge,omitempty"`
	Resumed     int64         `json:"resumed_at,omitempty"` // offset it went on from
	Detail      string        `json:"detail,omitempty"`
	Span        string        `json:"span,omitempty"` // of the request within the trace
}

// Totals sums the run up.
type Totals struct {
	Modules  int            `json:"modules"`            // different paths and versions
	Imported int            `json:"imported,omitempty"` // modules whose zips builds and tests read, by their imports; 0 where those were not followed
	Required int            `json:"required,omitempty"` // modules whose zips scope build would have brought instead
	Files    int            `json:"files"`              // of every kind: zips, go.mod files, toolchains, pages
	Pages    int            `json:"pages,omitempty"`    // of the files: what was asked about versions
	Bytes    int64          `json:"bytes"`              // received from mirrors and cache, failed attempts included
	MS       float64        `json:"ms"`
	BySource map[string]int `json:"by_source"` // files
}
