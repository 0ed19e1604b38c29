package goenv

import (
	"net/url"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// The checksum database that the go command knows by name, with its key
// (cmd/go modfetch/key.go: knownGOSUMDB), and the one alias for it that is
// compiled in because it is reachable inside mainland China (modfetch/sumdb.go:
// dbDial).
const (
	DefaultSumDB      = "sum.golang.org"
	defaultSumDBKey   = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
	DefaultSumDBAlias = "sum.golang.google.cn"
)

// SumDB is a checksum database as GOSUMDB names it.
type SumDB struct {
	Off  bool   // GOSUMDB=off; the other fields are empty
	Name string // host[/path], the name in the key and in /sumdb/NAME/… of mirrors
	Key  string // the full verifier key, NAME+HASH+KEY
	URL  string // base to ask, without trailing slash; "https://"+Name unless the value names another

	// BypassMirrors is true when the value names a URL: the go command then
	// asks there and never through a mirror.
	BypassMirrors bool
}

// ParseSumDB reads a GOSUMDB value as the go command does (cmd/go
// modfetch/sumdb.go: dbDial): off, or a known name or a verifier key, followed
// by at most one URL whose scheme is optional. The error is a *SyntaxError. A
// URL that the go command takes here but can make no request of is an error
// too.
func ParseSumDB(value string) (SumDB, error) {
	if value == DefaultSumDBAlias {
		value = DefaultSumDB + " https://" + DefaultSumDBAlias
	}
	if value == keywordOff {
		return SumDB{Off: true}, nil
	}
	fields := strings.Fields(value)
	switch {
	case len(fields) == 0:
		return SumDB{}, sumDBError("gosumdb-empty", value, `is blank, so the go command fails every lookup with "missing GOSUMDB"`, DefaultSumDB)
	case len(fields) > 2:
		return SumDB{}, sumDBError("gosumdb-fields", value, `has more than a key and a URL, so the go command fails every lookup with "invalid GOSUMDB: too many fields"`, strings.Join(fields[:2], " "))
	}
	key := fields[0]
	if key == DefaultSumDB {
		key = defaultSumDBKey
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return SumDB{}, sumDBError("gosumdb-key", value,
			`does not start with a known name or a verifier key, so the go command fails every lookup with "invalid GOSUMDB: `+err.Error()+`"`, correctSumDB(fields))
	}
	name := verifier.Name()
	if !validSumDBName(name) {
		return SumDB{}, sumDBError("gosumdb-name", value,
			`names a database that is not host[/path], so the go command fails every lookup with "invalid sumdb name"`, "the key as its operator publishes it, NAME+HASH+KEY")
	}
	db := SumDB{Name: name, Key: key, URL: "https://" + name}
	if len(fields) == 2 {
		base, problem := sumDBURL(fields[1])
		if problem != "" {
			return SumDB{}, sumDBError("gosumdb-url", value, "its URL "+problem+", so the go command fails every lookup", correctSumDB(fields))
		}
		db.URL, db.BypassMirrors = base, true
	}
	return db, nil
}

func sumDBError(check, found, problem, fix string) *SyntaxError {
	return newSyntaxError(check, "GOSUMDB", found, problem, fix)
}

// validSumDBName is the "no funny business" test of dbDial.
func validSumDBName(name string) bool {
	u, err := url.Parse("https://" + name)
	return err == nil && !strings.HasSuffix(name, "/") && u.Host != "" && u.RawPath == "" &&
		*u == url.URL{Scheme: "https", Host: u.Host, Path: u.Path}
}

// sumDBURL reads the second field. web.Get takes a missing scheme for https.
func sumDBURL(text string) (base, problem string) {
	u, err := url.Parse(text)
	if err != nil {
		return "", "is malformed (" + parseProblem(text, err) + ")"
	}
	switch u.Scheme {
	case "":
		// Not "https://"+text: go sets the scheme of what it has parsed, and
		// the rendering of that is parsed again for the request.
		u.Scheme = "https"
		if u, err = url.Parse(u.String()); err != nil {
			return "", "is malformed (" + parseProblem(text, err) + ")"
		}
	case "http", "https", "file":
	default:
		return "", "has a scheme other than https, http and file"
	}
	if u.Host == "" && u.Scheme != "file" {
		return "", "has no host"
	}
	u.Fragment, u.RawFragment = "", ""
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u.String(), ""
}

func correctSumDB(fields []string) string {
	const publish = "NAME+HASH+KEY, the verifier key that the database's operator publishes, optionally followed by its URL"
	name, rest := unquote(strings.ToLower(fields[0])), ""
	if len(fields) == 2 {
		rest = fields[1]
	}
	name = strings.TrimRight(strings.TrimPrefix(strings.TrimPrefix(name, "https://"), "http://"), "/")
	switch {
	case rest != "":
		if _, problem := sumDBURL(rest); problem != "" {
			rest = "https://" + strings.TrimLeft(rest[strings.LastIndex(rest, "://")+1:], ":/")
		}
		if _, problem := sumDBURL(rest); problem != "" {
			return publish
		}
		if name == DefaultSumDB || name == DefaultSumDBAlias {
			return DefaultSumDB + " " + rest
		}
		if _, err := note.NewVerifier(fields[0]); err == nil {
			return fields[0] + " " + rest
		}
	case name == keywordOff, name == DefaultSumDB, name == DefaultSumDBAlias:
		return name
	case distance(name, DefaultSumDB) <= 2:
		return DefaultSumDB
	}
	return publish
}
