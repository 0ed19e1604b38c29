package finding

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/modferry/modferry/docs"
)

// Rule is a check of a configuration, a checkout or a machine: what findings of
// its name are about. Codes and names are stable: neither is ever used for
// something else.
type Rule struct {
	Code  string // "MF131": MF1xx are settings, MF2xx the checkout, MF3xx mirrors and machine
	Check string // as in Finding.Check
	Title string // what it finds, one sentence
	Group string // heading of the documentation
}

// Rules returns every rule in the order of the codes. The caller owns the
// result.
func Rules() []Rule {
	var all []Rule
	for _, g := range ruleGroups {
		for _, r := range g.rules {
			all = append(all, Rule{fmt.Sprintf("MF%d", r.number), r.check, r.title, g.title})
		}
	}
	return all
}

// RuleOf is the rule of a check, false for one that is none of this version.
func RuleOf(check string) (Rule, bool) {
	r, ok := byCheck()[check]
	return r, ok
}

// Code is the rule's stable code, "" for a check that is no rule of this
// version, as in a result that another one wrote.
func (f Finding) Code() string {
	return byCheck()[f.Check].Code
}

// Reference is the page that explains every rule.
const Reference = docs.URL + "checks.md"

// Doc is where the rule is explained, "" where it has no code.
func (f Finding) Doc() string {
	return Rule{Code: f.Code()}.Doc()
}

// Doc is where the rule is explained, "" where it has no code.
func (r Rule) Doc() string {
	if r.Code == "" {
		return ""
	}
	return Reference + "#" + strings.ToLower(r.Code)
}

// MarshalJSON adds what follows from the check: its code and where it is
// explained.
func (f Finding) MarshalJSON() ([]byte, error) {
	type plain Finding // without this method
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // whoever encodes the result decides on that
	err := e.Encode(struct {
		Code string `json:"code,omitempty"`
		plain
		Doc string `json:"doc,omitempty"`
	}{f.Code(), plain(f), f.Doc()})
	return b.Bytes(), err
}

// Title is what the check finds, as a clause; its name for a check that is no
// rule of this version.
func (f Finding) Title() string {
	r, ok := RuleOf(f.Check)
	if !ok {
		return f.Check
	}
	title := strings.TrimSuffix(r.Title, ".")
	if first, rest, _ := strings.Cut(title, " "); len(first) == 1 || first == strings.ToUpper(first[:1])+strings.ToLower(first[1:]) {
		return strings.ToLower(first) + " " + rest // a word, not the name of a setting
	}
	return title
}

var byCheck = sync.OnceValue(func() map[string]Rule {
	all := map[string]Rule{}
	for _, r := range Rules() {
		all[r.Check] = r
	}
	return all
})

// ruleGroups are the rules by heading. New ones take free numbers.
var ruleGroups = []struct {
	title string
	rules []numbered
}{
	{"Files and variables of the go command", []numbered{
		{101, "env-file-unreadable", "GOENV names a file that cannot be read."},
		{102, "env-file-ignored-line", "A line of the user env file is not of the form KEY=value and has no effect."},
		{103, "env-file-carriage-return", "The user env file has Windows line endings, which become part of the values."},
		{104, "env-file-unsupported", "The user env file sets a variable that is read from the environment only."},
		{105, "env-file-duplicate", "The user env file sets a variable twice."},
		{106, "env-file-quotes", "A value in the user env file has quotes around it."},
		{107, "env-file-unexpanded", "A value in the user env file refers to a variable, which is not expanded."},
		{108, "env-file-empty", "The user env file sets GOPROXY or GOSUMDB to an empty value, which hides the default."},
		{109, "env-file-overridden", "The environment overrides a value in the user env file."},
		{110, "unknown-variable", "A variable looks like a setting of the go command but is not one."},
		{111, "goroot-go-env-missing", "The toolchain's go.env is missing, and with it the defaults for GOPROXY and GOSUMDB."},
		{112, "gopath-relative", "GOPATH is not an absolute path."},
		{113, "gomodcache-missing", "The directory of the module cache cannot be determined."},
		{114, "gomodcache-relative", "GOMODCACHE is not an absolute path."},
	}},
	{"GOPROXY", []numbered{
		{120, "goproxy-empty", "GOPROXY contains no entries."},
		{121, "goproxy-url", "An entry of GOPROXY is not a URL."},
		{122, "goproxy-scheme", "An entry of GOPROXY has a scheme other than https, http and file."},
		{123, "goproxy-keyword", "An entry of GOPROXY is neither a URL nor the keyword direct or off."},
		{124, "goproxy-path", "An entry of GOPROXY is a path instead of a file:// URL."},
		{125, "goproxy-file-url", "A file:// entry of GOPROXY does not name an absolute directory."},
		{126, "goproxy-no-host", "An entry of GOPROXY has no host."},
		{127, "goproxy-quotes", "An entry of GOPROXY has quotes around it."},
		{128, "goproxy-unexpanded", "An entry of GOPROXY contains an unexpanded variable."},
		{129, "goproxy-list-separator", "GOPROXY separates entries with something other than a comma or a pipe."},
		{130, "goproxy-ignored-entries", "GOPROXY has entries after direct or off, where the list ends."},
		{131, "goproxy-separator", "A comma prevents fallback to the next entry when a mirror is down."},
		{132, "goproxy-pipe-passes-refusal", "A pipe falls back to the next entry even when a mirror with credentials refuses a module."},
		{133, "goproxy-credentials", "GOPROXY has credentials in a URL."},
		{134, "goproxy-http-credentials", "GOPROXY has credentials in an http:// URL, which the go command does not send."},
		{135, "goproxy-http", "A mirror is used without TLS."},
		{136, "goproxy-scheme-added", "An entry of GOPROXY has no scheme."},
		{137, "goproxy-fragment", "A URL of GOPROXY has a fragment."},
		{138, "goproxy-duplicate", "GOPROXY lists a mirror twice."},
		{139, "goproxy-direct-only", "GOPROXY lists no mirror."},
		{140, "goproxy-not-offline", "GOPROXY looks as if it disabled the network, but does not."},
	}},
	{"GOPRIVATE, GONOPROXY, GONOSUMDB, GOINSECURE", []numbered{
		{150, "pattern-quotes", "A pattern has quotes around it."},
		{151, "pattern-blank", "A pattern has spaces around it."},
		{152, "pattern-scheme", "A pattern has a scheme."},
		{153, "pattern-user", "A pattern has a user name."},
		{154, "pattern-port", "A pattern has a port."},
		{155, "pattern-colon", "A pattern has a colon, as addresses of git over ssh do."},
		{156, "pattern-version", "A pattern has a version."},
		{157, "pattern-ellipsis", "A pattern has “...”, which has no meaning here."},
		{158, "pattern-leading-slash", "A pattern starts with a slash."},
		{159, "pattern-upper-case", "The host of a pattern has upper-case letters."},
		{160, "pattern-leading-dot", "A pattern starts with a dot, as entries of NO_PROXY do."},
		{161, "pattern-separator", "Patterns are separated by something other than a comma."},
		{162, "pattern-malformed", "A pattern is malformed."},
		{163, "pattern-character", "A pattern has a character that no module path has."},
		{164, "pattern-none", "The word none has no special meaning; it is an ordinary pattern."},
		{165, "pattern-everything", "A pattern matches every module."},
		{166, "pattern-below-only", "A pattern matches modules below a path, but not the path itself."},
		{167, "pattern-case", "A pattern differs from a module's path in case only."},
		{168, "pattern-unmatched", "A pattern matches no module of the checkout."},
		{169, "pattern-toolchain", "A pattern keeps the toolchain from being downloaded."},
		{170, "gonoproxy-narrower", "GONOPROXY sends the names of private modules to mirrors."},
		{171, "gonosumdb-narrower", "GONOSUMDB sends the names of private modules to the checksum database."},
		{172, "goinsecure-mirror", "GOINSECURE names a mirror, to which it does not apply."},
		{173, "module-looks-private", "A module looks private, but no pattern matches it."},
	}},
	{"GOSUMDB", []numbered{
		{180, "gosumdb-off", "The checksum database is switched off."},
		{181, "gosumdb-empty", "GOSUMDB is blank."},
		{182, "gosumdb-fields", "GOSUMDB has more than a key and a URL."},
		{183, "gosumdb-key", "GOSUMDB has a key that is not a verifier key."},
		{184, "gosumdb-name", "GOSUMDB names a database whose key is not built in."},
		{185, "gosumdb-url", "GOSUMDB has a URL that cannot be used."},
		{186, "gosumdb-credentials", "GOSUMDB has credentials in its URL."},
		{187, "gosumdb-http-credentials", "GOSUMDB has credentials in an http:// URL, which the go command does not send."},
		{188, "gosumdb-http", "The checksum database is used without TLS."},
		{189, "gosumdb-bypasses-mirrors", "A URL in GOSUMDB keeps mirrors from serving the checksum database."},
	}},
	{"Modes of the go command", []numbered{
		{190, "goflags-syntax", "GOFLAGS cannot be parsed."},
		{191, "goflags-mod", "GOFLAGS sets -mod."},
		{192, "goflags-modfile", "GOFLAGS sets -modfile."},
		{193, "goflags-insecure", "GOFLAGS sets -insecure, which has no effect."},
		{194, "go111module-off", "GO111MODULE switches modules off."},
		{195, "go111module-invalid", "GO111MODULE has an invalid value."},
		{196, "gowork-relative", "GOWORK is not an absolute path."},
		{197, "gotoolchain-invalid", "GOTOOLCHAIN has an invalid value."},
		{198, "goauth-invalid", "GOAUTH cannot be read."},
		{199, "goauth-command", "GOAUTH runs a program for credentials."},
	}},
	{"The checkout", []numbered{
		{201, "checkout-missing", "There is no go.mod to compare the settings with."},
		{202, "checkout-invalid", "go.mod, go.sum or go.work cannot be used as it is."},
		{203, "main-module-skipped", "A main module of the checkout cannot be read."},
		{204, "directory-unreadable", "A directory of the checkout cannot be read."},
		{205, "byte-order-mark", "A byte order mark changes the meaning of the first line of go.sum."},
		{210, "go-sum-missing", "There is no go.sum."},
		{211, "go-sum-missing-line", "go.sum lacks a line for a required module."},
		{212, "go-sum-invalid-line", "A line of go.sum names an impossible module path or version."},
		{213, "go-mod-excluded-require", "go.mod requires a version that it excludes."},
		{214, "go-mod-invalid-module", "go.mod requires an impossible module path or version."},
		{215, "go-mod-required-twice", "go.mod requires two versions of a module."},
		{216, "go-sum-two-hashes", "go.sum has two hashes for one file."},
		{217, "import-not-required", "A package is imported that no required module has."},
		{218, "go-mod-behind", "A required module asks for more than go.mod does."},
		{219, "tool-not-required", "A tool line names a package that no required module has."},
		{220, "replace-directory-missing", "A replace line names a directory without a go.mod."},
		{221, "replace-directory-absolute", "A replace line names a directory by its absolute path."},
		{222, "import-ambiguous", "Two modules have the same imported package."},
		{230, "go-work-unused-module", "A go.work in a directory above does not use the module."},
		{231, "go-work-sum-missing", "A workspace has no go.work.sum."},
		{232, "goflags-workspace", "GOFLAGS has a flag that a workspace refuses."},
		{233, "go-work-above", "A go.work in a directory above governs the builds."},
		{234, "gowork-off", "GOWORK=off hides a go.work."},
		{235, "go-work-too-old", "go.work requires an older Go than a module it uses."},
		{236, "go-work-empty", "go.work uses no module."},
		{237, "go-work-unpublished", "A module of a workspace is required at a version that was never published."},
		{240, "vendor-in-use", "Builds use the vendor directory."},
		{241, "vendor-incomplete", "The vendor directory cannot be used."},
		{242, "vendor-unused", "There is a vendor directory that builds do not use."},
		{243, "vendor-inconsistent", "The vendor directory does not match go.mod."},
		{244, "vendor-package-missing", "The vendor directory lacks an imported package."},
		{250, "toolchain-refused", "go.mod requires a newer Go than GOTOOLCHAIN allows."},
		{251, "toolchain-download", "go.mod requires a newer Go, which the go command downloads as a module."},
		{252, "toolchain-unavailable", "go.mod requires a newer Go, which no mirror of the chain serves."},
	}},
	{"Built programs", []numbered{
		{260, "binary-go-version", "The program was built with a different Go than the one on PATH."},
		{261, "binary-module-version", "The program has a different version of a module than go.mod requires."},
		{262, "binary-module-sum", "The program was built from a module whose contents do not match go.sum."},
		{263, "binary-module-unverified", "A module of the program comes from a directory, or has no hash."},
		{264, "binary-setting", "The program was built with a setting that differs from the environment."},
		{266, "binary-other-module", "The program was built from a different main module than the checkout's."},
		{265, "binary-modified", "The program was built from a checkout with uncommitted changes."},
	}},
	{"Mirrors and the network", []numbered{
		{301, "mirror-failing", "A mirror cannot be reached or does not return valid content."},
		{302, "mirror-certificate", "A mirror presents a certificate that this machine does not trust."},
		{303, "sumdb-unreachable", "The checksum database can be reached neither directly nor through a mirror."},
		{310, "forward-proxy-unknown", "ALL_PROXY is set, but the go command does not read it."},
		{311, "forward-proxy-invalid", "A forward proxy's address cannot be used."},
		{312, "forward-proxy-two-values", "HTTPS_PROXY and https_proxy differ."},
		{313, "forward-proxy-http-only", "HTTP_PROXY is set, but mirrors are https:// and use HTTPS_PROXY."},
		{314, "no-proxy-element", "An element of NO_PROXY matches nothing."},
		{315, "no-proxy-mirror", "NO_PROXY makes a mirror bypass the forward proxy."},
		{316, "forward-proxy-internal-mirror", "A mirror on the internal network is contacted through the forward proxy."},
		{317, "forward-proxy-loopback", "A mirror on this machine is never contacted through the forward proxy."},
		{320, "netrc-readable", "Other users can read the .netrc file."},
		{321, "netrc-port", "The .netrc file names a mirror without its port."},
		{322, "netrc-unmatched", "The .netrc file names only a parent domain of a mirror, or only a default."},
		{323, "netrc-incomplete", "The .netrc entry for a mirror lacks its login or password."},
		{324, "netrc-quotes", "The .netrc file has quotes, which become part of the values."},
		{325, "netrc-path", "The .netrc file names a mirror's host with a different path."},
		{326, "netrc-unread", "The .netrc file has an entry for a mirror that the go command does not read."},
		{327, "netrc-missing", "NETRC names a file that does not exist."},
		{328, "netrc-http", "The .netrc file names a mirror whose URL is a plain http:// one, which gets no credentials."},
		{329, "credentials-refused", "A mirror refused the credentials that it was sent."},
		{330, "ca-file-unreadable", "SSL_CERT_FILE names a file without certificates."},
		{331, "ca-file-not-for-go", "The go command does not know the CA certificates of --ca-file."},
		{332, "mirror-certificates", "A mirror needs certificates that only modferry knows."},
	}},
	{"The machine", []numbered{
		{340, "go-several", "Several go commands are on PATH."},
		{341, "go-missing", "No go command is on PATH."},
		{350, "modcache-unusable", "The module cache cannot be written."},
		{351, "cache-poisoned", "A file in the module cache does not match its hash in go.sum."},
		{352, "modcache-unseen", "The module cache is in a directory that the step cannot see."},
		{353, "zip-not-extractable", "A module's zip cannot be extracted."},
		{354, "info-missing", "The .info files of some versions could not be downloaded."},
		{355, "scope-build", "What builds import is not known, so every required module is downloaded."},
		{360, "setting-refused", "A setting of modferry cannot be used."},
	}},
	{"The relay", []numbered{
		{380, "relay-unverified", "Files were passed on that nobody knows a hash of."},
		{381, "import-strange", "A directory to import has files that no module proxy has."},
		{389, "relay-missing", "The relay of the job is not there."},
	}},
	{"Rules for modules", []numbered{
		{390, "rules-not-exported", "Later go commands do not obey the rules of the configuration file."},
		{391, "rule-decides", "A rule decides which mirrors are asked for modules of the checkout."},
		{392, "rule-private", "A rule names mirrors for modules that are private, so no mirror is asked for them."},
	}},
	{"What the checkout says", []numbered{
		{370, "checkout-setting-ignored", "The checkout's configuration file has a setting that only the job may make."},
		{371, "checkout-this-run", "A setting of the checkout's configuration file is not exported to later steps."},
		{372, "checkout-mirrors-overruled", "The job names mirrors, so those of the checkout are not used."},
	}},
}

type numbered struct {
	number       int
	check, title string
}
