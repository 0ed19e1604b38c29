package settings

import (
	"slices"
	"strings"
)

// Kind says how the text of a setting is read.
type Kind int

// The kinds.
const (
	Text     Kind = iota // any text
	Bool                 // true or false
	Int                  // a whole number, 0 or more
	Duration             // a number with a unit: 30s, 2m, 1h30m
	Choice               // one of Setting.Choices
	Dir                  // a directory
	File                 // a file
	List                 // elements separated by commas (and bars, in a GOPROXY list)
	Size                 // a number of bytes with a unit: 512KiB, 10GB
)

// Setting is one thing a user can set.
type Setting struct {
	Name     string // of the flag and the action input, e.g. "ca-file"
	Default  string // as it would be written; "" is what Unset says
	Unset    string // what an empty Default stands for, mostly a variable of the go command
	Usage    string // what it does, one line for --help and the documentation
	Kind     Kind
	Choices  []string // of a Choice
	Config   string   // key in a configuration file, "" when it cannot stand there
	Commands []string // the commands that take it
	Input    bool     // also an input of the action
	Secret   bool     // its value may contain credentials: shown through Redact only
	Group    string   // heading in --help
	Short    string   // one-letter flag, "" when it has none
	Checkout Voice    // what the configuration file of the checkout may do with it
}

// GitLabToken is the variable with the token that may write a note on a merge
// request. It is no setting: a secret in a flag or a file is one that others
// can read.
const GitLabToken = envPrefix + "GITLAB_TOKEN"

// envPrefix begins the name of every variable.
const envPrefix = "MODFERRY_"

// Env is the variable of the setting, e.g. "MODFERRY_CA_FILE".
func (s Setting) Env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// InputName is the name of the action's input of the setting.
func (s Setting) InputName() string {
	if s.Name == "dir" {
		return "working-directory" // as GitHub's own steps call it
	}
	return s.Name
}

// Placeholder stands for the value in --help and the documentation; "" for a
// Bool, whose flag needs none.
func (s Setting) Placeholder() string {
	switch s.Kind {
	case Bool:
		return ""
	case Int:
		return "N"
	case Duration:
		return "D"
	case Choice:
		return "WORD"
	case Dir:
		return "DIR"
	case File:
		return "FILE"
	case List:
		return "LIST"
	case Size:
		return "SIZE"
	case Text:
		if s.Name == "cache" {
			return "STORE"
		}
		return "NAME"
	}
	return "VALUE"
}

// Takes reports whether a command takes the setting.
func (s Setting) Takes(command string) bool { return slices.Contains(s.Commands, command) }

// The headings of --help, in the order of the table.
const (
	groupCheckout = "Checkout"
	groupModCache = "Module cache"
	groupCache    = "Cache"
	groupMirrors  = "Mirrors"
	groupPrivate  = "Private modules and checksums"
	groupLimits   = "Limits"
	groupOutput   = "Output"
)

// Table returns every setting, in the order of --help and the documentation.
// The caller owns the result.
func Table() []Setting {
	var (
		all     = []string{"fetch", "probe", "env", "doctor", "verify", "cache restore", "cache save", "cache list", "cache prune"}
		results = []string{"fetch", "probe", "doctor", "verify", "cache restore", "cache save", "cache list", "cache prune"}
		network = []string{"fetch", "probe", "env", "doctor"}
		probed  = []string{"fetch", "env", "doctor"}
		module  = []string{"fetch", "doctor", "verify", "cache restore", "cache save"}
		cached  = []string{"fetch", "cache restore", "cache save", "cache list", "cache prune"}
		restore = []string{"fetch", "cache restore"}
		remote  = []string{"fetch", "probe", "env", "doctor", "cache restore", "cache save", "cache list", "cache prune"}
		fetch   = []string{"fetch"}
	)
	return []Setting{
		{Name: "dir", Short: "C", Kind: Dir, Default: ".", Commands: all, Input: true, Group: groupCheckout,
			Usage: "the checkout"},
		{Name: "modules", Kind: List, Config: "modules", Commands: []string{"fetch", "probe", "env", "doctor", "verify", "cache restore", "cache save"}, Input: true, Checkout: Anyone, Group: groupCheckout,
			Unset: "at DIR", Usage: "main modules to serve, ./... for all"},
		{Name: "all", Kind: Bool, Default: "false", Config: "all", Commands: module, Input: true, Checkout: Anyone, Group: groupCheckout,
			Usage: "every zip that go.sum names, as go mod tidy wants"},
		{Name: "config", Kind: File, Commands: all, Input: true, Group: groupCheckout,
			Unset: ".modferry.yaml", Usage: "configuration file"},
		{Name: "profile", Kind: Text, Commands: all, Input: true, Group: groupCheckout,
			Unset: "none", Usage: "profile of the configuration file"},
		{Name: "trust-checkout", Kind: Bool, Default: "false", Commands: all, Input: true, Group: groupCheckout,
			Usage: "let .modferry.yaml of the checkout say everything"},

		{Name: "modcache", Kind: Dir, Config: "modcache", Commands: []string{"fetch", "env", "doctor", "verify", "cache restore", "cache save"}, Input: true, Group: groupModCache,
			Unset: "GOMODCACHE", Usage: "the module cache"},
		{Name: "verify-present", Kind: Bool, Default: "false", Config: "verify-present", Commands: fetch, Input: true, Checkout: Anyone, Group: groupModCache,
			Usage: "re-hash what is present and replace what differs"},
		{Name: "extract", Kind: Choice, Choices: []string{"none", "used", "needed", "all"}, Default: "used", Config: "extract", Commands: []string{"fetch", "cache restore", "cache save"}, Input: true, Checkout: Anyone, Group: groupModCache,
			Usage: "zips to extract"},

		{Name: "cache", Kind: Text, Config: "cache", Commands: cached, Input: true, Checkout: Inside, Group: groupCache,
			Unset: "off outside CI", Usage: "store of modules between jobs"},
		{Name: "scope", Kind: Choice, Choices: []string{"used", "build"}, Config: "scope", Commands: restore, Input: true, Checkout: Anyone, Group: groupCache,
			Unset: "used in CI", Usage: "zips to bring"},
		{Name: "cache-floor", Kind: Size, Default: "256KiB", Config: "cache-floor", Commands: restore, Input: true, Checkout: Anyone, Group: groupCache,
			Usage: "bytes a second that a restore must bring"},
		{Name: "cache-max-size", Kind: Size, Default: "10GiB", Config: "cache-max-size", Commands: []string{"cache save", "cache prune"}, Input: true, Group: groupCache,
			Usage: "most that a dir: keeps, 0 for no limit"},
		{Name: "cache-max-age", Kind: Duration, Default: "720h", Config: "cache-max-age", Commands: []string{"cache save", "cache prune"}, Input: true, Group: groupCache,
			Usage: "how long unused entries stay, 0 for ever"},

		{Name: "proxy", Kind: List, Config: "proxy", Commands: network, Input: true, Secret: true, Checkout: Verified, Group: groupMirrors,
			Unset: "GOPROXY", Usage: "mirrors in GOPROXY syntax"},
		{Name: "mirrors", Kind: Choice, Choices: []string{"configured", "auto", "cn"}, Default: "configured", Config: "choose", Commands: network, Input: true, Checkout: Verified, Group: groupMirrors,
			Usage: "add public mirrors"},
		{Name: "fallback", Kind: Choice, Choices: []string{"policy", "as-written", "any"}, Default: "policy", Config: "fallback", Commands: network, Input: true, Checkout: Narrows, Group: groupMirrors,
			Usage: "failures that pass on"},
		{Name: "no-probe", Kind: Bool, Default: "false", Config: "no-probe", Commands: probed, Input: true, Checkout: Anyone, Group: groupMirrors,
			Usage: "skip the preflight"},
		{Name: "probe-timeout", Kind: Duration, Default: "2s", Config: "probe-timeout", Commands: network, Input: true, Checkout: Anyone, Group: groupMirrors,
			Usage: "time for the preflight"},
		{Name: "ca-file", Kind: File, Config: "ca-file", Commands: remote, Input: true, Group: groupMirrors,
			Unset: "the system's", Usage: "authorities to trust, in PEM format"},

		{Name: "private", Kind: List, Config: "private", Commands: network, Input: true, Checkout: AddsUp, Group: groupPrivate,
			Unset: "GOPRIVATE", Usage: "patterns of private modules"},
		{Name: "noproxy", Kind: List, Config: "noproxy", Commands: network, Input: true, Group: groupPrivate,
			Unset: "GONOPROXY", Usage: "patterns not asked of a mirror"},
		{Name: "sumdb", Kind: Text, Config: "sumdb", Commands: network, Input: true, Group: groupPrivate,
			Unset: "GOSUMDB", Usage: "checksum database"},
		{Name: "nosumdb", Kind: List, Config: "nosumdb", Commands: network, Input: true, Group: groupPrivate,
			Unset: "GONOSUMDB", Usage: "patterns not looked up there"},

		{Name: "concurrency", Kind: Int, Default: "0", Config: "concurrency", Commands: fetch, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "requests at a time, 0 for automatic"},
		{Name: "retries", Kind: Int, Default: "8", Config: "retries", Commands: fetch, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "repeated attempts per mirror and file"},
		{Name: "no-hedge", Kind: Bool, Default: "false", Config: "no-hedge", Commands: fetch, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "no second attempt while a first is slow"},
		{Name: "timeout", Kind: Duration, Default: "30m", Config: "timeout", Commands: []string{"fetch", "cache restore", "cache save"}, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "for the whole run, 0 for no limit"},
		{Name: "connect-timeout", Kind: Duration, Default: "10s", Config: "connect-timeout", Commands: remote, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "for name lookup and connection"},
		{Name: "tls-timeout", Kind: Duration, Default: "10s", Config: "tls-timeout", Commands: remote, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "for the TLS handshake"},
		{Name: "first-byte-timeout", Kind: Duration, Default: "30s", Config: "first-byte-timeout", Commands: remote, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "from the request to the response header"},
		{Name: "stall-timeout", Kind: Duration, Default: "20s", Config: "stall-timeout", Commands: restore, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "without a byte of the body"},
		{Name: "request-timeout", Kind: Duration, Default: "10m", Config: "request-timeout", Commands: fetch, Input: true, Checkout: Anyone, Group: groupLimits,
			Usage: "for one request"},

		{Name: "json", Kind: File, Commands: results, Group: groupOutput,
			Unset: "nowhere", Usage: "write the result as JSON, - for stdout"},
		{Name: "reports", Kind: Dir, Config: "reports", Commands: fetch, Checkout: Inside, Group: groupOutput,
			Unset: "only on GitLab", Usage: "reports for CI systems, or off"},
		{Name: "quiet", Short: "q", Kind: Bool, Default: "false", Commands: all, Group: groupOutput,
			Usage: "no progress, no report of success"},
		{Name: "verbose", Short: "v", Kind: Bool, Default: "false", Commands: all, Group: groupOutput,
			Usage: "whole lists, settings and hosts in the report"},
	}
}

// find returns the setting of a name.
func find(name string) (Setting, bool) {
	for _, s := range Table() {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}
