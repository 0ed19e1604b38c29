package settings

import (
	"strings"
	"time"
)

// Values are the settings of a run, checked. Text that is "" is left to what
// the go command resolves.
type Values struct {
	Dir        string // the checkout, as given
	Modules    string // comma-separated directories or globs of main modules below Dir
	ModCache   string // as given; relative paths are relative to the working directory
	GOFLAGS    string // what a CI system needs it to be, "" for what it is; nobody sets it by hand
	Proxy      string // GOPROXY list, credentials included; "" also when ConfiguredMirrors are to be used
	Mirrors    string // configured, auto or cn
	Private    string // patterns as in GOPRIVATE
	NoProxy    string // patterns as in GONOPROXY
	NoSumDB    string // patterns as in GONOSUMDB
	Strict     bool   // a relay answers only with what go.sum or the checksum database verifies
	SumDB      string // as in GOSUMDB
	SumDBs     string // as package goenv reads them: [PATTERNS] KEY… [URL], separated by ;
	Extract    string // none, needed or all
	Zips       string // none or rebuild: what a restored module has beside its tree
	Cache      string // where modules are kept between jobs, as package store reads it; never ""
	Scope      string // imports, build or all
	Platforms  string // comma list of GOOS or GOOS/GOARCH; "" for linux, darwin and windows
	Tags       string // comma list
	Fallback   string // policy, as-written or any
	Region     string // where the job runs, in the words of the mirrors' own; "" for nowhere in particular
	CAFile     string // PEM file with CA certificates, "" for the system's alone
	ConfigFile string // the configuration file that was read, "" when there is none
	Profile    string // "" for none
	JSON       string // where the result goes, "-" for standard output, "" for nowhere
	Reports    string // the directory that reports for CI systems go into, "" for nowhere

	TrustCheckout bool // the configuration file of the checkout has the job's voice
	Toolchain     bool // what go.mod asks for is fetched, too
	Offline       bool // nothing but the module cache and file:// mirrors is asked
	VerifyPresent bool
	NoProbe       bool
	NoHedge       bool
	Quiet         bool
	Verbose       bool

	CacheFloor   int64         // bytes a second, 0 for none
	CacheMaxSize int64         // bytes, 0 for no limit
	CacheMaxAge  time.Duration // 0 for no limit

	Concurrency int // requests at a time, 0 for automatic
	Retries     int // repeated attempts per mirror and file

	Listen       string        // address and port of a server
	TLSCert      string        // PEM file, "" for plain http
	TLSKey       string        // PEM file, "" for the one of TLSCert
	ClientCA     string        // PEM file, "" for clients without certificates
	TokenFile    string        // a token a line, "" for none
	KeepDir      string        // "" for the system's directory for temporary files
	KeepSize     int64         // bytes, 0 for no limit
	SharedStore  string        // as package store reads it, "" for none
	MaxRequests  int           // answered at a time
	DrainTimeout time.Duration // of a server that is asked to stop
	LogFormat    string        // text or json

	Timeout          time.Duration // of the run, 0 for no limit; the others are never 0
	ConnectTimeout   time.Duration
	TLSTimeout       time.Duration
	FirstByteTimeout time.Duration
	StallTimeout     time.Duration
	RequestTimeout   time.Duration
	ProbeTimeout     time.Duration

	// ConfiguredMirrors is the mirrors list of the configuration file; nil when
	// there is none or Proxy overrides it.
	ConfiguredMirrors []MirrorConfig
	// Direct appends "direct" to ConfiguredMirrors. It is true by default and
	// means nothing without them.
	Direct bool

	// Rules say which mirrors may be asked for which modules; the first that
	// matches decides. Nil for none.
	Rules []RuleConfig

	// Checkout is what the configuration file of the checkout says where that is
	// less than the job's word.
	Checkout Checkout

	// Sources says for every setting where its value comes from: "flag --proxy",
	// "variable MODFERRY_PROXY", "file .modferry.yaml:3" or "default".
	Sources map[string]string
}

// MirrorConfig is one entry of the mirrors list of the configuration file.
type MirrorConfig struct {
	Name         string // that rules call it by, "" for none
	URL          string // absolute, credentials included
	FallThrough  string // which failures fall back to the next mirror: "not-found" (a comma in GOPROXY) or "any" (a bar)
	Weight       int    // preference when ranked, at least 1
	FallbackOnly bool   // used only after all others
	Region       string // "" for none
	CAFile       string // PEM file with CA certificates for this mirror, "" for the general ones alone
	ClientCert   string // PEM file with the certificate that this mirror is shown, "" for none
	ClientKey    string // PEM file with its key, "" for ClientCert itself
	Timeouts     Timeouts
	Line         int // in the configuration file, from 1
}

// Timeouts are the limits of one mirror; 0 is the general one.
type Timeouts struct {
	Connect, TLS, FirstByte, Stall, Request time.Duration
}

// ProxyList is what the settings say about where modules come from, in GOPROXY
// syntax: Proxy, else ConfiguredMirrors; "" when they leave it to the go
// command. It contains credentials.
func (v *Values) ProxyList() string { return proxyList(v.Proxy, v.ConfiguredMirrors, v.Direct) }

func proxyList(proxy string, mirrors []MirrorConfig, direct bool) string {
	if proxy != "" || len(mirrors) == 0 {
		return proxy
	}
	var b strings.Builder
	for i, m := range mirrors {
		b.WriteString(m.URL)
		switch {
		case i == len(mirrors)-1 && !direct:
		case m.FallThrough == FallThroughAny:
			b.WriteByte('|')
		default:
			b.WriteByte(',')
		}
	}
	if direct {
		b.WriteString("direct")
	}
	return b.String()
}
