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
		"The checksum database does not know this version, so the download cannot be verified: the module is private, or it was never published under this path and version.",
		"If it is private, list it in GOPRIVATE (or only in GONOSUMDB, if a mirror serves it): its name is then not sent to the checksum database. Otherwise check path and version in go.mod. The database is not asked if a committed go.sum has the lines."},
	{PartyDatabase, []failure.Class{failure.Unauthorized, failure.Forbidden},
		"The checksum database, or the mirror in front of it, refuses to answer.",
		"Have the mirror serve the paths under /sumdb/, or allow connections to the host of the database (GOSUMDB). List a private module in GOPRIVATE. The database is not asked if a committed go.sum is complete."},
	{PartyDatabase, []failure.Class{failure.TLSUnknownAuthority, failure.TLSWrongName, failure.TLSExpired, failure.TLS, failure.NotTLS},
		"The checksum database, or a device in front of it, presents a certificate that is not trusted here, so the download cannot be verified.",
		"If the issuer is your company's, set SSL_CERT_FILE to a file that holds its CA certificate (PEM) and the public ones. The database is not asked if a committed go.sum is complete."},
	{PartyDatabase, []failure.Class{failure.WrongContent},
		"The response is not one that the checksum database signed: it is a login page, or something else that a mirror serves under /sumdb/, or the key in GOSUMDB is wrong.",
		"Check GOSUMDB (the default needs no setting), and have the mirror serve the database unchanged. If the database itself contradicts what it said before, stop and find out why."},
	{PartyDatabase, nil,
		"The checksum database could not be reached, so what go.sum lacks cannot be verified.",
		"Use a mirror that serves the database, too (GOPROXY), or set HTTPS_PROXY if outside hosts are reached through a forward proxy; GOSUMDB may name another URL. List private modules in GOPRIVATE. The database is not asked if a committed go.sum is complete."},

	{PartyOrigin, []failure.Class{failure.Unauthorized, failure.Forbidden},
		"The module comes from its repository, without a mirror, and the host wants credentials or rejects those it got. Hosts also ask for credentials for repositories that do not exist.",
		"Check the path. For a private repository give git credentials for that host: a line in .netrc (NETRC), or git config --global url.\"https://TOKEN@HOST/\".insteadOf https://HOST/ with a token from a secret, or an SSH key with the host in known_hosts. If a mirror serves the module, it must not be in GOPRIVATE or GONOPROXY."},
	{PartyOrigin, []failure.Class{failure.NotFound, failure.Gone},
		"The module comes from its repository, without a mirror, and there is no such repository, revision or page. Hosts give the same answer for private repositories when they get no credentials.",
		"Check path and version. For a private repository give git credentials for that host (in .netrc, NETRC), and list the module in GOPRIVATE."},
	{PartyOrigin, []failure.Class{failure.TLSUnknownAuthority, failure.TLSWrongName, failure.TLSExpired, failure.TLS, failure.NotTLS},
		"The module comes from its repository, without a mirror, and the host's certificate is not trusted here.",
		"Add the issuer's CA certificate (PEM) to those that this machine trusts: for git with http.sslCAInfo or GIT_SSL_CAINFO, for the go command with SSL_CERT_FILE. Or let a mirror serve the module: GOPROXY."},
	{PartyOrigin, []failure.Class{failure.WrongContent},
		"The module comes from its repository, without a mirror, and the host sent something other than what was requested.",
		"Open the URL in the message to see what it is. Or let a mirror serve the module: GOPROXY."},
	{PartyOrigin, nil,
		"The module comes from its repository, without a mirror, and version control, or the page that names the repository, failed.",
		"Check that the host can be reached from here; behind a forward proxy set HTTPS_PROXY, also for git. Or let a mirror serve the module: put one before direct in GOPROXY, and keep the module out of GOPRIVATE and GONOPROXY."},
}

// ofNobody are the classes that are no matter of a party.
var ofNobody = []failure.Class{
	failure.HashMismatch, failure.MissingSum, failure.UnsafeZip, failure.TooLarge, failure.DiskFull, failure.Permission, failure.LocalIO, failure.InsecureCredentials, failure.Disabled, failure.Cancelled, failure.ProxyAuth, failure.ProxyConnect,
}

// Advice is what is said of one failure.
type Advice struct {
	Title   string // in a few words
	Explain string // what it means, in a sentence or two
	Remedy  string // what to do, and the settings to change
}

// Check is the check of finding.Rules that knows the same failure, "" for none.
func (f Failure) Check() string {
	if c := causeNamed(f.Cause); c != nil {
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
	c := causeNamed(f.Cause)
	return c == nil || c.class != ""
}

// Advice says what a failure means and what to do about it.
func (f Failure) Advice() Advice {
	if c := causeNamed(f.Cause); c != nil {
		return c.about(f)
	}
	a := Advice{f.Class.Title(), f.Class.Explain(), f.Class.GoRemedy()}
	if slices.Contains(ofNobody, f.Class) {
		return a
	}
	for _, p := range partyAdvice {
		if p.party == f.Party && (p.classes == nil || slices.Contains(p.classes, f.Class)) {
			a.Explain, a.Remedy = p.explain, p.remedy
			if f.Class == failure.Unknown {
				a.Title = "failure of the " + string(f.Party)
			}
			return a
		}
	}
	return a
}
