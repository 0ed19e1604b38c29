package failure

import (
	"bytes"
	"html"
	"regexp"
	"strings"
)

// pageStarts are how web pages begin, in lower case.
var pageStarts = []string{"<!doctype html", "<html", "<head", "<!--", "<body", "<script"}

// IsPage reports whether data that should be something else begins like a web
// page. That tells somebody in between, such as a login page or a captive
// portal (WrongContent), from wrong bytes (HashMismatch).
func IsPage(data []byte) bool {
	head := bytes.TrimPrefix(data[:min(len(data), 512)], []byte("\ufeff"))
	head = bytes.ToLower(bytes.TrimSpace(head))
	for _, start := range pageStarts {
		if bytes.HasPrefix(head, []byte(start)) {
			return true
		}
	}
	return false
}

// pageTitle is the title of a web page.
var pageTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title`)

// MostTitle is how much of a web page PageTitle looks at, in bytes.
const MostTitle = 4 << 10

// PageTitle is the title of a web page, in which forward proxies and gatekeepers say
// who they are and often why they refuse; "" for none. It is plain, but not hidden.
func PageTitle(data []byte) string {
	m := pageTitle.FindSubmatch(data[:min(len(data), MostTitle)])
	if m == nil {
		return ""
	}
	return Plain(strings.Join(strings.Fields(html.UnescapeString(string(m[1]))), " "))
}
