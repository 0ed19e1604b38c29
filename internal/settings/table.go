package settings

import "slices"

// The headings of --help, in the order of the table.
const (
	groupCheckout = "Checkout"
	groupModCache = "Module cache"
	groupCache    = "Cache"
	groupMirrors  = "Mirrors"
	groupPrivate  = "Private modules and checksums"
	groupLimits   = "Limits"
	groupServer   = "Server"
	groupOutput   = "Output"
)

// Table returns every setting, in the order of --help and the documentation.
// The caller owns the result.
func Table() []Setting {
	var (
		places  = []string{"fetch", "exec", "export", "import", "probe", "env", "doctor", "verify", "cache restore", "cache save", "cache list", "cache prune"}
		all     = append(slices.Clone(places), "serve")
		where   = append(slices.Clone(places), "settings")
		results = []string{"fetch", "exec", "export", "import", "probe", "doctor", "verify", "cache restore", "cache save", "cache list", "cache prune"}
		network = []string{"fetch", "exec", "serve", "export", "probe", "env", "doctor"}
		trusts  = []string{"fetch", "exec", "serve", "export", "import", "probe", "env", "doctor"}
		probed  = []string{"fetch", "exec", "serve", "export", "env", "doctor"}
		module  = []string{"fetch", "exec", "export", "doctor", "verify", "cache restore", "cache save"}
		cached  = []string{"fetch", "exec", "export", "cache restore", "cache save", "cache list", "cache prune"}
		restore = []string{"fetch", "exec", "export", "cache restore"}
		remote  = []string{"fetch", "exec", "serve", "export", "probe", "env", "doctor", "cache restore", "cache save", "cache list", "cache prune"}
		fetch   = []string{"fetch"}
		handed  = []string{"fetch", "exec"}
		brings  = []string{"fetch", "exec", "serve", "export"}
		asks    = []string{"fetch", "exec", "serve", "export", "import"}
		outside = []string{"fetch", "export"}
		serve   = []string{"serve"}
	)
	return []Setting{
		{Name: "dir", Short: "C", Kind: Dir, Default: ".", Commands: append(slices.Clone(where), "init"), Input: true, Group: groupCheckout,
			Usage: "the checkout",
			field: func(v *Values) any { return &v.Dir }},
		{Name: "modules", Kind: List, Config: "modules", Commands: []string{"fetch", "exec", "export", "import", "probe", "env", "doctor", "verify", "cache restore", "cache save"}, Input: true, Checkout: Anyone, Group: groupCheckout,
			Unset: "the one in DIR", Usage: "main modules, ./... for all",
			field: func(v *Values) any { return &v.Modules }},
		{Name: "scope", Kind: Choice, Choices: []string{"imports", "build", "all"}, Default: "imports", Config: "scope", Commands: module, Input: true, Checkout: Anyone, Group: groupCheckout,
			Usage: "whose zips to have",
			field: func(v *Values) any { return &v.Scope }},
		{Name: "platforms", Kind: List, Config: "platforms", Commands: module, Input: true, Checkout: Anyone, Group: groupCheckout,
			Unset: "the usual", Usage: "GOOS[/GOARCH] to follow imports for",
			field: func(v *Values) any { return &v.Platforms }},
		{Name: "tags", Kind: List, Config: "tags", Commands: module, Input: true, Checkout: Anyone, Group: groupCheckout,
			Unset: "none", Usage: "build tags beside those of GOFLAGS",
			field: func(v *Values) any { return &v.Tags }},
		{Name: "toolchain", Kind: Bool, Default: "false", Config: "toolchain", Commands: outside, Input: true, Checkout: Anyone, Group: groupCheckout,
			Usage: "add the Go toolchain that go.mod asks for",
			field: func(v *Values) any { return &v.Toolchain }},
		{Name: "config", Kind: File, Commands: append(slices.Clone(where), "serve"), Input: true, Group: groupCheckout,
			Unset: ".modferry.yaml", Usage: "configuration file",
			field: func(v *Values) any { return &v.ConfigFile }},
		{Name: "profile", Kind: Text, Commands: append(slices.Clone(where), "serve"), Input: true, Group: groupCheckout,
			Unset: "none", Usage: "profile of the configuration file",
			field: func(v *Values) any { return &v.Profile }},
		{Name: "trust-checkout", Kind: Bool, Default: "false", Commands: where, Input: true, Group: groupCheckout,
			Usage: "let the checkout's .modferry.yaml set anything",
			field: func(v *Values) any { return &v.TrustCheckout }},

		{Name: "modcache", Kind: Dir, Config: "modcache", Commands: []string{"fetch", "exec", "export", "import", "env", "doctor", "verify", "cache restore", "cache save"}, Input: true, Group: groupModCache,
			Unset: "GOMODCACHE", Usage: "the module cache",
			field: func(v *Values) any { return &v.ModCache }, why: "With it, later steps would use modules that the change itself may have brought along."},
		{Name: "verify-present", Kind: Bool, Default: "false", Config: "verify-present", Commands: fetch, Input: true, Checkout: Anyone, Group: groupModCache,
			Usage: "re-hash what is present and replace what differs",
			field: func(v *Values) any { return &v.VerifyPresent }},
		{Name: "extract", Kind: Choice, Choices: []string{"none", "needed", "all"}, Default: "needed", Config: "extract", Commands: []string{"fetch", "exec", "import", "cache restore", "cache save"}, Input: true, Checkout: Anyone, Group: groupModCache,
			Usage: "zips to extract",
			field: func(v *Values) any { return &v.Extract }},
		{Name: "zips", Kind: Choice, Choices: []string{"none", "rebuild"}, Default: "none", Config: "zips", Commands: []string{"fetch", "exec", "cache restore"}, Input: true, Checkout: Anyone, Group: groupModCache,
			Usage: "zips of restored modules",
			field: func(v *Values) any { return &v.Zips }},

		{Name: "cache", Kind: Store, Config: "cache", Commands: cached, Input: true, Checkout: Inside, Group: groupCache,
			Unset: "off outside CI", Usage: "store for modules between jobs",
			field: func(v *Values) any { return &v.Cache }, why: whyStore},
		{Name: "cache-floor", Kind: Size, Default: "256KiB", Config: "cache-floor", Commands: restore, Input: true, Checkout: Anyone, Group: groupCache,
			Usage: "minimum restore speed in bytes per second",
			field: func(v *Values) any { return &v.CacheFloor }},
		{Name: "cache-max-size", Kind: Size, Default: "10GiB", Config: "cache-max-size", Commands: []string{"cache save", "cache prune"}, Input: true, Group: groupCache,
			Usage: "size limit of a dir: store, 0 for none",
			field: func(v *Values) any { return &v.CacheMaxSize }, why: whySaved},
		{Name: "cache-max-age", Kind: Duration, Default: "720h", Config: "cache-max-age", Commands: []string{"cache save", "cache prune"}, Input: true, Group: groupCache,
			Usage: "how long to keep unused entries, 0 forever",
			field: func(v *Values) any { return &v.CacheMaxAge }, most: int64(maxAge), zero: true, why: whySaved},

		{Name: "proxy", Kind: Chain, Config: "proxy", Commands: network, Input: true, Secret: true, Checkout: Verified, Group: groupMirrors,
			Unset: "GOPROXY", Usage: "mirrors in GOPROXY syntax",
			field: func(v *Values) any { return &v.Proxy }, apart: func(v *Values) *string { return &v.Checkout.Proxy }, why: whyRead},
		{Name: "mirrors", Kind: Choice, Choices: []string{"configured", "auto", "cn"}, Default: "configured", Config: "mirrors", Commands: network, Input: true, Checkout: Verified, Group: groupMirrors,
			Usage: "add public mirrors",
			field: func(v *Values) any { return &v.Mirrors }},
		{Name: "fallback", Kind: Choice, Choices: []string{"policy", "as-written", "any"}, Default: "policy", Config: "fallback", Commands: network, Input: true, Checkout: Narrows, Group: groupMirrors,
			Usage: "which failures fall back",
			field: func(v *Values) any { return &v.Fallback }, loose: []string{"any"}, why: "With it, other mirrors would be asked for what a mirror of the job refuses."},
		{Name: "offline", Kind: Bool, Default: "false", Config: "offline", Commands: []string{"fetch", "exec", "serve"}, Group: groupMirrors,
			Usage: "use the module cache and file:// mirrors alone",
			field: func(v *Values) any { return &v.Offline }, why: "With it, the change would decide where modules come from."},
		{Name: "region", Kind: Text, Config: "region", Commands: network, Input: true, Group: groupMirrors,
			Unset: "none", Usage: "region whose mirrors come first",
			field: func(v *Values) any { return &v.Region }, why: "With it, the change would decide which mirror of the job is asked first."},
		{Name: "no-probe", Kind: Bool, Default: "false", Config: "no-probe", Commands: probed, Input: true, Checkout: Anyone, Group: groupMirrors,
			Usage: "skip the preflight",
			field: func(v *Values) any { return &v.NoProbe }},
		{Name: "probe-timeout", Kind: Duration, Default: "2s", Config: "probe-timeout", Commands: network, Input: true, Checkout: Anyone, Group: groupMirrors,
			Usage: "time limit for the preflight",
			field: func(v *Values) any { return &v.ProbeTimeout }},
		{Name: "ca-file", Kind: File, Config: "ca-file", Commands: remote, Input: true, Group: groupMirrors,
			Unset: "system's", Usage: "CA certificates to trust, in PEM format",
			field: func(v *Values) any { return &v.CAFile }, why: "With it, the change would decide which servers the job trusts."},

		{Name: "private", Kind: List, Config: "private", Commands: trusts, Input: true, Checkout: AddsUp, Group: groupPrivate,
			Unset: "GOPRIVATE", Usage: "patterns of private modules",
			field: func(v *Values) any { return &v.Private }, joins: true, apart: func(v *Values) *string { return &v.Checkout.Private }},
		{Name: "noproxy", Kind: List, Config: "noproxy", Commands: network, Input: true, Group: groupPrivate,
			Unset: "GONOPROXY", Usage: "patterns never requested from a mirror",
			field: func(v *Values) any { return &v.NoProxy }, joins: true, why: "With it, the change would decide where modules come from."},
		{Name: "sumdb", Kind: Text, Config: "sumdb", Commands: trusts, Input: true, Group: groupPrivate,
			Unset: "GOSUMDB", Usage: "checksum database",
			field: func(v *Values) any { return &v.SumDB }, why: whySumDB},
		{Name: "sumdbs", Kind: Text, Config: "sumdbs", Commands: asks, Group: groupPrivate,
			Unset: "none", Usage: "further checksum databases, or keys of one",
			field: func(v *Values) any { return &v.SumDBs }, why: whySumDB},
		{Name: "nosumdb", Kind: List, Config: "nosumdb", Commands: trusts, Input: true, Group: groupPrivate,
			Unset: "GONOSUMDB", Usage: "patterns never looked up there",
			field: func(v *Values) any { return &v.NoSumDB }, joins: true, why: whySumDB},
		{Name: "strict", Kind: Bool, Default: "false", Config: "strict", Commands: asks, Checkout: Anyone, Group: groupPrivate,
			Usage: "refuse what nothing verifies",
			field: func(v *Values) any { return &v.Strict }},

		{Name: "concurrency", Kind: Int, Default: "0", Config: "concurrency", Commands: brings, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "requests at a time, 0 for automatic",
			field: func(v *Values) any { return &v.Concurrency }, most: 1000},
		{Name: "retries", Kind: Int, Default: "8", Config: "retries", Commands: brings, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "retries per mirror and file",
			field: func(v *Values) any { return &v.Retries }, most: 100},
		{Name: "no-hedge", Kind: Bool, Default: "false", Config: "no-hedge", Commands: brings, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "no second attempt when the first is slow",
			field: func(v *Values) any { return &v.NoHedge }},
		{Name: "timeout", Kind: Duration, Default: "30m", Config: "timeout", Commands: []string{"fetch", "export", "import", "cache restore", "cache save"}, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "for the whole run, 0 for no limit",
			field: func(v *Values) any { return &v.Timeout }, zero: true},
		{Name: "connect-timeout", Kind: Duration, Default: "10s", Config: "connect-timeout", Commands: remote, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "for name lookup and connection",
			field: func(v *Values) any { return &v.ConnectTimeout }},
		{Name: "tls-timeout", Kind: Duration, Default: "10s", Config: "tls-timeout", Commands: remote, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "for the TLS handshake",
			field: func(v *Values) any { return &v.TLSTimeout }},
		{Name: "first-byte-timeout", Kind: Duration, Default: "30s", Config: "first-byte-timeout", Commands: remote, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "from the request to the response header",
			field: func(v *Values) any { return &v.FirstByteTimeout }},
		{Name: "stall-timeout", Kind: Duration, Default: "20s", Config: "stall-timeout", Commands: append(restore, "serve"), Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "without a byte of the body",
			field: func(v *Values) any { return &v.StallTimeout }},
		{Name: "request-timeout", Kind: Duration, Default: "10m", Config: "request-timeout", Commands: brings, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "for one request",
			field: func(v *Values) any { return &v.RequestTimeout }},

		{Name: "listen", Kind: Text, Default: "127.0.0.1:8642", Commands: serve, Group: groupServer,
			Usage: "address and port",
			field: func(v *Values) any { return &v.Listen }},
		{Name: "tls-cert", Kind: File, Commands: serve, Group: groupServer,
			Unset: "plain http", Usage: "certificates of the server, in PEM format",
			field: func(v *Values) any { return &v.TLSCert }},
		{Name: "tls-key", Kind: File, Commands: serve, Group: groupServer,
			Unset: "in --tls-cert", Usage: "its key",
			field: func(v *Values) any { return &v.TLSKey }},
		{Name: "client-ca", Kind: File, Commands: serve, Group: groupServer,
			Unset: "anybody", Usage: "CA certificates that clients need one of",
			field: func(v *Values) any { return &v.ClientCA }},
		{Name: "token-file", Kind: File, Commands: serve, Group: groupServer,
			Unset: "anybody", Usage: "tokens that clients need one of, a line each",
			field: func(v *Values) any { return &v.TokenFile }},
		{Name: "keep-dir", Kind: Dir, Commands: serve, Group: groupServer,
			Unset: "TMPDIR", Usage: "directory for what was downloaded",
			field: func(v *Values) any { return &v.KeepDir }},
		{Name: "keep-size", Kind: Size, Default: "2GiB", Commands: serve, Group: groupServer,
			Usage: "limit of its size, 0 for none",
			field: func(v *Values) any { return &v.KeepSize }},
		{Name: "shared-store", Kind: Store, Commands: serve, Group: groupServer,
			Unset: "none", Usage: "store that replicas share",
			field: func(v *Values) any { return &v.SharedStore }},
		{Name: "max-requests", Kind: Int, Default: "1000", Commands: serve, Group: groupServer,
			Usage: "requests answered at a time, 0 for any number",
			field: func(v *Values) any { return &v.MaxRequests }, most: 100_000},
		{Name: "drain-timeout", Kind: Duration, Default: "20s", Commands: serve, Group: groupServer,
			Usage: "for answers under way when asked to stop",
			field: func(v *Values) any { return &v.DrainTimeout }},
		{Name: "log-format", Kind: Choice, Choices: []string{"text", "json"}, Default: "text", Commands: serve, Group: groupServer,
			Usage: "of the access log on stderr",
			field: func(v *Values) any { return &v.LogFormat }},

		{Name: "json", Kind: File, Commands: results, Group: groupOutput,
			Unset: "nowhere", Usage: "write the result as JSON, - for stdout",
			field: func(v *Values) any { return &v.JSON }},
		{Name: "reports", Kind: Dir, Config: "reports", Commands: handed, Checkout: Inside, Group: groupOutput,
			Unset: "off outside CI", Usage: "directory for CI reports, or off",
			field: func(v *Values) any { return &v.Reports }, off: true, why: whyWrite},
		{Name: "quiet", Short: "q", Kind: Bool, Default: "false", Commands: all, Group: groupOutput,
			Usage: "no progress, no report on success",
			field: func(v *Values) any { return &v.Quiet }},
		{Name: "verbose", Short: "v", Kind: Bool, Default: "false", Commands: all, Group: groupOutput,
			Usage: "full lists, settings and hosts in the report",
			field: func(v *Values) any { return &v.Verbose }},
	}
}

// What the configuration file of the checkout would do with more than one
// setting, or in more than one way.
const (
	whySumDB = "With it, the change would decide which modules outside of go.sum are verified, and by whom."
	whySaved = "With it, the change could remove what other jobs have saved."
	whyStore = "With it, credentials and modules of the job would go to a server that the job did not name."
	whyWrite = "With it, modferry would write outside of the checkout."
	whyRead  = "With it, modferry would read a directory outside of the checkout."
)

// Find returns the setting of a name.
func Find(name string) (Setting, bool) {
	for _, s := range Table() {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}
