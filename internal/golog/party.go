package golog

import (
	"regexp"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// Party is who failed or refused. Each has remedies of its own: credentials in
// GOPROXY are of no use to git.
type Party string

// The parties. "" is nobody but this machine, or not known.
const (
	PartyMirror   Party = "mirror"
	PartyDatabase Party = "checksum database"   // itself, or through a mirror
	PartyOrigin   Party = "module's repository" // the repository, or the page that names it
)

// ofDatabase and ofOrigin tell the party by how the message begins, and where it
// ends in a request, by the URL.
var (
	ofDatabase = regexp.MustCompile(`(?:^|: )(?:verifying (?:module|go\.mod): |verifying \S+: (?:\S+: )?(?:reading|Get|initializing|checksum missing|malformed|note )|initializing sumdb\.Client: )|^(?:go\.sum )?database server misbehavior|^checksum database disabled`)
	ofOrigin   = regexp.MustCompile(`(?:^|: )(?:unrecognized import path "|https fetch: |(?:git|hg|svn|fossil|bzr) [^:]+: (?:exit status|signal|exec)|exec: "(?:git|hg|svn|fossil|bzr)")`)
)

// party is who is to blame for a failure: said is the whole message, cause its
// end, and address where the request went, if there was one.
func party(said, cause, address string) Party {
	switch {
	case address != "" && strings.Contains(address, "go-get=1"), ofOrigin.MatchString(cause), address == "" && ofOrigin.MatchString(said):
		return PartyOrigin
	case address != "" && isDatabaseURL(address), address == "" && ofDatabase.MatchString(said):
		return PartyDatabase
	case address != "":
		return PartyMirror
	}
	return ""
}

// isDatabaseURL reports whether a request was for a checksum database, itself or
// through a mirror.
func isDatabaseURL(address string) bool {
	return ofDatabaseURL.MatchString(address) && !strings.Contains(address, "/@v/")
}

// partyAdvice is what is said of some classes of failure of a party, where that
// of the class, which speaks of mirrors, would be wrong. No classes: all of the
// transfer and of statuses.
var partyAdvice = []struct {
	party           Party
	classes         []failure.Class
	explain, remedy string
}{
	{PartyDatabase, []failure.Class{failure.NotFound, failure.Gone},
		"The checksum database does not know this version, so what arrived cannot be verified: the module is private, or it is not published under this path and version.",
		"If it is private, name it in GOPRIVATE or {private} (or in GONOSUMDB alone, if a mirror serves it): its name is then not told to the checksum database. Otherwise check path and version in go.mod. With its lines in a committed go.sum, the database is not asked."},
	{PartyDatabase, []failure.Class{failure.Unauthorized, failure.Forbidden},
		"The checksum database, or the mirror on the way to it, refuses to answer.",
		"Have the mirror let the paths below /sumdb/ pass, or allow the host of the database (GOSUMDB) on the way out. Name a private module in GOPRIVATE or {private}. With all lines in a committed go.sum, the database is not asked."},
	{PartyDatabase, []failure.Class{failure.TLSUnknownAuthority, failure.TLSWrongName, failure.TLSExpired, failure.TLS, failure.NotTLS},
		"The checksum database, or a device on the way to it, shows a certificate that is not trusted here, so what arrived cannot be verified.",
		"If the issuer is your company's, give its certificate (PEM) with {ca-file}, and the go command one file with it and the public ones as SSL_CERT_FILE. With all lines in a committed go.sum, the database is not asked."},
	{PartyDatabase, []failure.Class{failure.WrongContent},
		"The answer is none that the checksum database can have signed: a login page, a mirror that serves other things below /sumdb/, or a wrong key in GOSUMDB.",
		"Check GOSUMDB (the default needs no setting), and have the mirror pass the database on unchanged. If the database itself contradicts what it said before, stop and find out why."},
	{PartyDatabase, nil,
		"The checksum database could not be asked, so what go.sum lacks cannot be verified.",
		"Use a mirror that passes the database on (GOPROXY or {proxy}), or set HTTPS_PROXY where outside hosts are reached through a forward proxy; GOSUMDB may name a URL of its own. Name private modules in GOPRIVATE or {private}. With all lines in a committed go.sum, the database is not asked."},

	{PartyOrigin, []failure.Class{failure.Unauthorized, failure.Forbidden},
		"The module comes from its repository, no mirror is involved, and the repository's host wants credentials or refuses those it got. Hosts ask for them for repositories that do not exist, too.",
		"Check the path. For a private repository give git credentials for that host: a line in .netrc (NETRC), or git config --global url.\"https://TOKEN@HOST/\".insteadOf https://HOST/ with a token from a secret, or an SSH key with the host in known_hosts. A module that a mirror serves is not to be in GOPRIVATE or GONOPROXY."},
	{PartyOrigin, []failure.Class{failure.NotFound, failure.Gone},
		"The module comes from its repository, no mirror is involved, and there is no such repository, revision or page. Hosts answer so for private repositories, too, when they get no credentials.",
		"Check path and version. For a private repository give git credentials for that host (in .netrc, NETRC), and name the module in GOPRIVATE or {private}."},
	{PartyOrigin, []failure.Class{failure.TLSUnknownAuthority, failure.TLSWrongName, failure.TLSExpired, failure.TLS, failure.NotTLS},
		"The module comes from its repository, no mirror is involved, and the host's certificate is not trusted here.",
		"Add the issuer's certificate (PEM) to the trusted ones of this machine: for git with http.sslCAInfo or GIT_SSL_CAINFO, for the go command with SSL_CERT_FILE. Or let a mirror serve the module: GOPROXY or {proxy}."},
	{PartyOrigin, []failure.Class{failure.WrongContent},
		"The module comes from its repository, no mirror is involved, and what the host sent is not what was asked for.",
		"Open the address that the message names. Or let a mirror serve the module: GOPROXY or {proxy}."},
	{PartyOrigin, nil,
		"The module comes from its repository, no mirror is involved, and version control or the page that names the repository failed.",
		"Check that the host is reachable from here; behind a forward proxy set HTTPS_PROXY, for git, too. Or let a mirror serve the module: put one before direct in GOPROXY or {proxy}, and keep the module out of GOPRIVATE and GONOPROXY."},
}

// ofNobody are the classes that are no matter of a party.
var ofNobody = []failure.Class{
	failure.HashMismatch, failure.MissingSum, failure.UnsafeZip, failure.TooLarge, failure.DiskFull, failure.Permission, failure.LocalIO, failure.InsecureCredentials, failure.Disabled, failure.Cancelled, failure.ProxyAuth, failure.ProxyConnect,
}

// Title is the failure in a few words.
func (f Failure) Title() string { return f.advice().title }

// Explain says in a sentence or two what the failure means.
func (f Failure) Explain() string { return f.advice().explain }

// Remedy says what to do and names the settings to change.
func (f Failure) Remedy() string { return f.advice().remedy }

// Check is the check of finding.Rules that knows the same failure, "" for none.
func (f Failure) Check() string {
	if c := named(f.Cause); c != nil {
		return c.check
	}
	switch {
	case f.Class == failure.MissingSum:
		return "go-sum-missing-line"
	case f.Class == failure.Permission:
		return "modcache-unusable"
	case f.Party == PartyDatabase && (f.Class.Transport() || f.Class == failure.ServerError):
		return "sumdb-unreachable"
	case f.Party == PartyMirror && f.Class == failure.TLSUnknownAuthority:
		return "mirror-certificate"
	}
	return ""
}

// IsDownload reports whether the failure is that of a download, as opposed to
// what ends a go command for another reason.
func (f Failure) IsDownload() bool {
	c := named(f.Cause)
	return c == nil || c.class != ""
}

func (f Failure) advice() advice {
	if c := named(f.Cause); c != nil {
		return c.about(f)
	}
	a := advice{f.Class.Title(), f.Class.Explain(), f.Class.Remedy()}
	if slices.Contains(ofNobody, f.Class) {
		return a
	}
	for _, p := range partyAdvice {
		if p.party == f.Party && (p.classes == nil || slices.Contains(p.classes, f.Class)) {
			a.explain, a.remedy = p.explain, failure.FillIn(p.remedy)
			if f.Class == failure.Unknown {
				a.title = "failure of the " + string(f.Party)
			}
			return a
		}
	}
	return a
}
