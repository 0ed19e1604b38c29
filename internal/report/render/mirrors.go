package render

import (
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// Database says whether the checksum database was reached, and how.
func Database(s *report.SumDB) string {
	reason := failure.Plain(s.Reason)
	if reason == "" {
		reason = s.Class.Title()
	}
	switch {
	case s.Reachable && s.Via != "":
		return "reached through " + failure.Plain(s.Via)
	case s.Reachable:
		return "reached directly"
	case reason != "":
		return "not reached (" + reason + ")"
	}
	return "not reached"
}

func stateTone(state string) Tone {
	switch state {
	case report.Healthy:
		return Good
	case report.Slow, report.Degraded:
		return Fair
	case report.Failing:
		return Bad
	}
	return Quiet
}

// protocol is "2" for "HTTP/2.0".
func protocol(proto string) string {
	return Word(strings.TrimSuffix(strings.TrimPrefix(proto, "HTTP/"), ".0"))
}

// Word is a text that is one short word unless somebody means ill.
func Word(s string) string { return Cut(failure.Neutral(s), 12) }

func servesSumDB(serves *bool) string {
	switch {
	case serves == nil:
		return ""
	case *serves:
		return "yes"
	}
	return "no"
}

// remark is what a mirror's row says at its end: what is wrong, and whose
// mirror it is.
func remark(m report.Mirror) string {
	var parts []string
	reason := withoutURL(failure.Plain(m.Reason), failure.Plain(m.URL))
	title := m.Class.Title()
	if title != "" && !strings.Contains(reason, title) {
		parts = append(parts, title)
	}
	if reason != "" {
		parts = append(parts, reason)
	}
	text := strings.Join(parts, ": ")
	if m.Label != "" {
		label := "operated by " + failure.Neutral(m.Label)
		if text == "" {
			return label
		}
		text += "; " + label
	}
	return text
}

// withoutURL takes "get URL: " off the front of a failure's text when URL is
// the mirror's, which stands beside it.
func withoutURL(text, mirror string) string {
	at := strings.Index(text, mirror)
	if mirror == "" || at < 0 || strings.Count(text[:at], " ") > 1 {
		return text
	}
	_, rest, ok := strings.Cut(text[at+len(mirror):], ": ")
	if !ok {
		return text
	}
	return rest
}

// Few is how many modules of a kind are listed when not all are wanted.
const Few = 5
