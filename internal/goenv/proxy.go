package goenv

import (
	"cmp"
	"errors"
	"net/url"
	pathpkg "path"
	"path/filepath"
	"strings"
)

// The words with a meaning in a GOPROXY list; lower case only.
const (
	keywordDirect = "direct"
	keywordOff    = "off"
)

// ParseProxy reads a GOPROXY value as the go command does (cmd/go
// modfetch/proxy.go: proxyList, newProxyRepo): cut at every "," and "|",
// trim blanks, skip empty elements, stop at direct or off, put https:// before
// scheme-less hosts. The separator of an entry is the one right after it, so
// "A,|B" has a comma. One bad entry spoils the list, even behind good ones;
// what stands after direct or off is not looked at. The error is a
// *SyntaxError.
//
// It is stricter in one thing: a URL whose password may have been cut is refused, as
// the go command would look up a part of it as the name of a host.
//
// An http URL with credentials is accepted, as the go command does: it refuses
// the requests, not the list. So is a URL without a host. Check names both.
func ParseProxy(list string) (Chain, error) {
	var chain Chain
	for _, el := range cutList(list) {
		if el.ignored {
			break
		}
		entry, bad := parseEntry(el)
		if bad != nil {
			return nil, bad.in(list)
		}
		chain = append(chain, entry)
	}
	if len(chain) == 0 {
		return nil, emptyProxyError(list)
	}
	chain[len(chain)-1].Sep = End
	return chain, nil
}

// Understood is the entries of a GOPROXY value that mean what they say, though others
// may not: what an examination of a refused list can look at. Nothing is guessed, as
// a part of a password could be taken for a host. It may be empty.
func Understood(list string) Chain {
	var chain Chain
	for _, el := range cutList(list) {
		if el.ignored {
			break
		}
		entry, bad := parseEntry(el)
		if _, odd := findMistake(el.raw); bad == nil && !odd && !entry.hostless() {
			chain = append(chain, entry)
		}
	}
	if n := len(chain); n > 0 {
		chain[n-1].Sep = End
	}
	return chain
}

// emptyProxyError is the error for a list without entries. The go command says
// the same of a value that is empty and of one that holds only separators.
func emptyProxyError(list string) *SyntaxError {
	return newSyntaxError("goproxy-empty", "GOPROXY", list,
		`the list holds no entry, so the go command fails every download with "GOPROXY list is not the empty string, but contains no entries"`,
		proxyExample)
}

// proxyExample is what SyntaxError.Fix says when no correction can be
// derived from the value.
const proxyExample = `a list such as https://mirror.example/path,direct`

// element is one non-empty element of a list as written, blanks trimmed.
type element struct {
	raw     string
	sep     Separator // right after it, End for the last
	ignored bool      // it stands after direct or off
}

// cutList cuts a GOPROXY value into its elements. They are substrings of list.
func cutList(list string) []element {
	var elements []element
	ignored := false
	for list != "" {
		raw, sep := list, End
		if i := strings.IndexAny(list, ",|"); i >= 0 {
			raw, sep, list = list[:i], Separator(list[i]), list[i+1:]
		} else {
			list = ""
		}
		raw = strings.TrimSpace(raw)
		if raw == "" {
			continue
		}
		elements = append(elements, element{raw: raw, sep: sep, ignored: ignored})
		ignored = ignored || raw == keywordDirect || raw == keywordOff
	}
	return elements
}

// badEntry is an entry that the go command refuses.
type badEntry struct {
	check, raw, problem string
}

func (b *badEntry) in(list string) *SyntaxError {
	return newSyntaxError(b.check, "GOPROXY", b.raw, b.problem, cmp.Or(correctProxy(list), proxyExample))
}

// parseEntry judges one element; a nil badEntry means that the go command
// accepts it.
func parseEntry(el element) (Entry, *badEntry) {
	entry := Entry{Raw: el.raw, Sep: el.sep}
	switch el.raw {
	case keywordDirect:
		entry.Kind = Direct
		return entry, nil
	case keywordOff:
		entry.Kind = Off
		return entry, nil
	}

	// proxyList: single words are reserved for keywords, and what contains
	// ":/" or is an absolute path must be a complete URL.
	text := el.raw
	schemeless := strings.ContainsAny(text, ".:/") && !strings.Contains(text, ":/") &&
		!filepath.IsAbs(text) && !pathpkg.IsAbs(text)
	if schemeless {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return Entry{}, refusedEntry(el.raw, "goproxy-url", "is not a URL ("+parseProblem(el.raw, err)+")")
	}
	switch u.Scheme {
	case "http", "https":
		if cutPassword(text) {
			return Entry{}, &badEntry{"goproxy-url", el.raw, cutProblem}
		}
	case "file":
		if *u != (url.URL{Scheme: u.Scheme, Path: u.Path, RawPath: u.RawPath}) {
			return Entry{}, refusedEntry(el.raw, "goproxy-file-url", "is not of the form file:///absolute/path")
		}
	case "":
		if pathpkg.IsAbs(el.raw) {
			return Entry{}, refusedEntry(el.raw, "goproxy-path", "is a path, not a URL")
		}
		return Entry{}, refusedEntry(el.raw, "goproxy-keyword", "is neither a URL nor one of the keywords direct and off, which are lower case")
	default:
		return Entry{}, refusedEntry(el.raw, "goproxy-scheme", "has a scheme other than https, http and file")
	}
	entry.URL = mirrorURL(u, text)
	return entry, nil
}

// refusedEntry makes the badEntry of raw. A cause that explains more than the
// parser's complaint, such as a wrong separator, goes before it.
func refusedEntry(raw, check, complaint string) *badEntry {
	if m, ok := findMistake(raw); ok {
		check, complaint = m.check, m.what
	}
	return &badEntry{check, raw, complaint + ", so the go command refuses the whole list and fails every download"}
}

// parseProblem says what url.Parse disliked. Its errors quote pieces of the
// URL, and a piece of a URL with userinfo may be a piece of the password.
func parseProblem(raw string, err error) string {
	if strings.Contains(raw, "@") {
		return "percent-encode special characters of user and password"
	}
	var parseErr *url.Error
	if errors.As(err, &parseErr) {
		err = parseErr.Err
	}
	return err.Error()
}

// cutProblem is a clause about what cutPassword finds.
const cutProblem = `has an "@" behind the host, so a part of the password may stand for the host, which is looked up by its name; percent-encode special characters of user and password`

// cutPassword reports whether a URL that a parser takes may be one whose password
// has an unescaped "/", "?" or "#", and perhaps an "@" before it: the parser takes
// the begin of it for a host or a port.
func cutPassword(rawURL string) bool {
	_, rest, _ := strings.Cut(rawURL, "//")
	end := strings.IndexAny(rest, "/?#")
	return end >= 0 && strings.ContainsAny(rest[:end], "@:") && strings.Contains(rest[end:], "@")
}

// mirrorURL renders the URL of a mirror so that "/"+escaped path can be
// appended to its path, that no "," or "|" is in it, and that the go command
// reads it as the same mirror. The path is cleaned because proxyRepo.getBody
// joins with path.Join; the fragment goes because no request carries it.
func mirrorURL(u *url.URL, text string) string {
	if u.Host == "" && u.Scheme != "file" {
		return text // no request can be made of it; Check says so
	}
	c := *u
	c.Fragment, c.RawFragment = "", ""
	c.Path, c.RawPath = cleanPath(c.Path), cleanPath(c.RawPath)
	if c.Scheme == "file" && c.Path == "" {
		c.Path = "/"
	}
	// String decodes the %2C of userinfo and odd paths; it never does a %7C.
	return strings.TrimSpace(strings.ReplaceAll(c.String(), ",", "%2C"))
}

// cleanPath is path.Clean without trailing slash; "" stays "".
func cleanPath(p string) string {
	if p == "" {
		return ""
	}
	return strings.TrimRight(pathpkg.Clean(p), "/")
}

func (e Entry) hostless() bool {
	u, err := url.Parse(e.URL)
	return e.Kind == Mirror && !e.isFile() && (err != nil || u.Host == "")
}

func (e Entry) isFile() bool { return strings.HasPrefix(e.URL, "file://") }
