package golog

import (
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/mod/module"
)

// address is the URL of which a cause speaks, "" when there is none.
func address(text, requested string) string {
	for _, re := range []*regexp.Regexp{redirected, noAnswer, brokenBody} {
		if m := re.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	if rest, ok := strings.CutPrefix(text, `invalid response from proxy "`); ok {
		base, _, _ := strings.Cut(rest, `"`)
		return base
	}
	return requested
}

// ofDatabaseURL is where in a URL what is asked of a checksum database begins.
var ofDatabaseURL = regexp.MustCompile(`/sumdb/[^/]+/|/(?:lookup|tile)/|/latest$`)

// locate fills in the mirror, and the module where the message names none,
// from the URL that was asked.
func locate(f *Failure, address string) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || len(address) > maxLogURL || u.Query().Get("go-get") != "" {
		return // a page that leads to an origin, or no URL
	}
	u.RawQuery, u.Fragment = "", ""
	path := u.EscapedPath()
	u.Path, u.RawPath = "", ""
	root := u.String()
	if u.Scheme == "file" {
		root = "file://"
	}
	if isDatabaseURL(address) {
		f.Mirror = root + path[:ofDatabaseURL.FindStringIndex(path)[0]]
		return
	}
	i := strings.LastIndex(path, "/@v/")
	if i < 0 {
		i = strings.LastIndex(path, "/@latest")
	}
	if i < 0 {
		f.Mirror = root + strings.TrimRight(path, "/")
		return
	}
	base, file := path[:i], path[i:]
	if escaped, err := module.EscapePath(f.Module); err == nil && strings.HasSuffix(base, "/"+escaped) {
		f.Mirror = root + strings.TrimSuffix(base, "/"+escaped)
	} else if at := modulePath(base); at >= 0 {
		f.Mirror = root + base[:at]
		if path, err := module.UnescapePath(base[at+1:]); err == nil && f.Module == "" {
			f.Module = path
		}
	} else {
		f.Mirror = root
	}
	if f.Version == "" {
		f.Version = fileVersion(file)
	}
}

// modulePath is where in "/base/example.test/m" the module begins: at the first
// element with a dot, as that of a host has; -1 when there is none.
func modulePath(path string) int {
	at := 0
	for element := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if strings.Contains(element, ".") {
			return at
		}
		at += len("/") + len(element)
	}
	return -1
}

func fileVersion(file string) string {
	name := strings.TrimPrefix(file, "/@v/")
	for _, ext := range []string{".info", ".mod", ".zip"} {
		if escaped, ok := strings.CutSuffix(name, ext); ok {
			if v, err := module.UnescapeVersion(escaped); err == nil {
				return v
			}
		}
	}
	return ""
}
