package failure

import "bytes"

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
