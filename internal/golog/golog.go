// Package golog reads logs of go commands: it finds the failed downloads in
// them, and the other errors that ended a command, and gives each its failure
// class. A log may be that of a whole job, with what a CI system or a container
// build puts before its lines.
//
// A log is text from outside: what is kept of it is bounded, and its words decide
// about nothing but the report.
package golog

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"time"

	"github.com/modferry/modferry/internal/failure"
)

// The bounds of what Read keeps.
const (
	maxOpen     = 8   // messages that are read at a time
	maxApart    = 200 // lines between two of one message
	maxUnknown  = 5
	maxFailures = 1000 // distinct ones
	maxRequests = 10_000
)

// Log is what Read found in the output of the go command.
type Log struct {
	Failures   []Failure // in order of first appearance
	Requests   []Request // in order of their start
	Unknown    []Line    // the first messages of the go command that are of no known kind
	Lines      int64     // of the log
	Recognised int64     // lines that are the go command's
	Truncated  bool      // there were more failures or requests than are kept
}

// Line is a line of a log, redacted and neutral.
type Line struct {
	Line int64 // of the log, from 1
	Text string
}

// Failure is one failure of the go command, which the log may hold several
// times: those of the same cause, module, version and mirror are one. All text
// is redacted and neutral.
type Failure struct {
	Class     failure.Class // failure.Unknown where Cause is no failed download
	Cause     string        // name of a cause that is told apart from its class, "" when there is none
	Party     Party         // who failed or refused
	Module    string        // "" when the log does not say
	Version   string
	Mirror    string // the base URL that was asked, "" when none was or the log does not say
	File      string // the file the message names, as "main.go" or "go.sum"
	Line      int    // its line there, 0 when the message has none
	Text      string // the cause in the words of the go command, with what a server or git said
	Count     int
	FirstLine int64         // of the log, from 1
	Wait      time.Duration // from a download's begin to the end of its job; 0 when the log does not say, and for other failures
}

// Request is one request of the go command, as -x shows it: "# get URL" when
// it begins and "# get URL: 200 OK (0.123s)" at the header of the response. The
// go command shows neither the hops of a redirect nor the end of a body.
type Request struct {
	URL     string        // redacted
	Class   failure.Class // "" for a 200 and for a request without an end
	Status  int           // 0 when there was no response
	Text    string        // the status or the error; "" without an end
	Time    time.Duration
	Line    int64 // of the log, of the beginning
	EndLine int64 // 0 when the log has no end of it
}

// Read finds the download failures and the requests in a log of the go
// command, which may be a whole CI log: everything else is ignored. It reads r
// as a stream and keeps a bounded part; lines beyond 64 KiB are cut. The error
// is that of r, and comes with what was read until then.
func Read(r io.Reader) (*Log, error) {
	l := &logReader{log: &Log{}, groups: map[logGroup]int{}, seen: map[string]int{}, open: map[string][]int{}}
	err := eachLine(readUTF8(r), func(line []byte) {
		l.log.Lines++
		for part := range bytes.SplitSeq(line, []byte("\r")) {
			l.line(plainLine(part))
		}
	})
	l.flush()
	slices.SortStableFunc(l.log.Failures, func(a, b Failure) int { return cmp.Compare(a.FirstLine, b.FirstLine) })
	return l.log, err
}

// logGroup is what failures have in common that are one.
type logGroup struct {
	class                                failure.Class
	cause, module, version, mirror, text string // text only without a module
}

type logReader struct {
	log    *Log
	groups map[logGroup]int // indexes of log.Failures
	seen   map[string]int   // indexes of log.Failures by the message, -1 for what is none: repeats are cheap
	open   map[string][]int // requests without an end, by URL

	blocks        []logBlock // messages that may go on, in order; jobs that run side by side write in turn
	path, version string     // of the object of go mod download -json that is being read
	test          bool       // what is indented is a test's
	latest        download
}

// line takes one line, of which nothing is kept.
func (l *logReader) line(b []byte) {
	if values := quoted(b); values != nil {
		for _, b := range values {
			l.text(b, false)
		}
		return
	}
	text, isEvent, counts := carried(b)
	if counts {
		b = text
	} else if isEvent && l.object(b[bytes.Index(b, []byte(`{"`)):]) {
		return
	}
	l.text(b, isEvent && !counts)
}

// text takes a line without what carried it; one that is an event of no account
// can only go on with a message.
func (l *logReader) text(b []byte, isEvent bool) {
	if run(string(b[:min(len(b), 8)]), isDigit) == len(b) && len(b) > 0 {
		return // the number of the next line, as web pages copy it
	}
	l.tests(b)
	if l.continues(b) || isEvent {
		return
	}
	b = withoutCode(b)
	at := begin(b)
	if at < 0 || l.test && bytes.HasSuffix(b[:at], []byte("    ")) {
		if bytes.HasSuffix(b, []byte("{")) {
			l.path, l.version = "", ""
		}
		l.others(b)
		return
	}
	prefix, b := string(b[:at]), b[at:]
	if b[0] == '"' {
		l.member(b[1:])
		return
	}
	l.log.Recognised++
	l.downloads(prefix, b)
	switch {
	case isProgress(b):
	case bytes.HasPrefix(b, []byte("# get ")):
		l.request(string(b[len("# get "):]))
	default:
		if len(l.blocks) == maxOpen {
			l.finish(0)
		}
		l.blocks = append(l.blocks, newBlock(prefix, string(b), l.log.Lines))
	}
}

// continues gives a line to the message that it belongs to, and ends those that
// it shows to be over. False means that it belongs to none.
func (l *logReader) continues(b []byte) bool {
	for i := 0; i < len(l.blocks); i++ {
		k := &l.blocks[i]
		rest, same := follow(k.prefix, b)
		if !same && k.marked {
			rest, same = follow(k.unmarked, b)
		}
		if same && k.takes(rest) {
			k.add(rest)
			k.last = l.log.Lines
			return true
		}
		if same || l.log.Lines-k.last > maxApart {
			l.finish(i)
			i--
		}
	}
	return false
}

func (l *logReader) tests(b []byte) {
	head := b[:min(len(b), maxPrefix)]
	if isTest(head) {
		l.test = true
	} else if l.test && !bytes.Contains(head, []byte("    ")) && !bytes.Contains(head, []byte("\t")) {
		l.test = false
	}
}

func (l *logReader) flush() {
	for len(l.blocks) > 0 {
		l.finish(0)
	}
}

func (l *logReader) finish(i int) {
	block := l.blocks[i]
	l.blocks = slices.Delete(l.blocks, i, i+1)
	raw := block.text("\n")
	if i, ok := l.seen[raw]; ok {
		if i >= 0 {
			l.log.Failures[i].Count++
		}
		return
	}
	at := -1
	if f, ok := block.failure(); ok {
		if at = l.failure(f); at < 0 {
			return
		}
	} else if isStatement(block.head) && len(l.log.Unknown) < maxUnknown {
		l.log.Unknown = append(l.log.Unknown, Line{block.line, failure.Plain(block.text(" "))})
	}
	if len(raw) <= maxLogURL && len(l.seen) < maxFailures {
		l.seen[raw] = at
	}
}

// failure adds a failure or counts a repeat of one, and returns its index; -1
// when there is no room for it.
func (l *logReader) failure(f Failure) int {
	key := logGroup{class: f.Class, cause: f.Cause, module: f.Module, version: f.Version, mirror: f.Mirror}
	if f.Module == "" {
		key.text = f.Text
	}
	if i, ok := l.groups[key]; ok {
		first := &l.log.Failures[i]
		first.Count++
		if first.File == "" {
			first.File, first.Line = f.File, f.Line
		}
		return i
	}
	if len(l.log.Failures) >= maxFailures {
		l.log.Truncated = true
		return -1
	}
	f.Count = 1
	l.groups[key] = len(l.log.Failures)
	l.log.Failures = append(l.log.Failures, f)
	return len(l.log.Failures) - 1
}

// request takes what follows "# get ".
func (l *logReader) request(s string) {
	url, end, ended := cutRequest(s)
	if len(url) > maxLogURL {
		return
	}
	if waiting := l.open[url]; ended && len(waiting) > 0 {
		l.end(&l.log.Requests[waiting[0]], url, end)
		if l.open[url] = waiting[1:]; len(waiting) == 1 {
			delete(l.open, url)
		}
		return
	}
	if len(l.log.Requests) >= maxRequests {
		l.log.Truncated = true
		return
	}
	r := Request{URL: failure.Plain(url), Line: l.log.Lines}
	if ended {
		l.end(&r, url, end)
	} else {
		l.open[url] = append(l.open[url], len(l.log.Requests))
	}
	l.log.Requests = append(l.log.Requests, r)
}

func (l *logReader) end(r *Request, url, text string) {
	r.EndLine = l.log.Lines
	if m := requestEnd.FindStringSubmatch(text); m != nil {
		r.Status = number(m[2])
		r.Class = failure.FromStatus(r.Status)
		r.Time, _ = time.ParseDuration(m[3]) // matched, so at worst out of range: then it is 0
		text = m[1]
	} else {
		cause := text
		if m := noAnswer.FindString(text); m != "" {
			cause = text[len(m):]
		}
		r.Class = classifyCause(cause, url)
	}
	r.Text = failure.Plain(text)
}
