package failure

import (
	"bytes"
	"cmp"
	"io"
	"strings"
	"time"
)

// The bounds of what ReadLog keeps, where LogOptions names none.
const (
	logFailures = 1000
	logRequests = 10_000
)

// LogOptions bound what ReadLog keeps. The zero value is ready to use.
type LogOptions struct {
	MaxFailures int // distinct failures; 0 means 1000
	MaxRequests int // requests of -x; 0 means 10000
}

// Log is what ReadLog found in the output of the go command.
type Log struct {
	Failures  []LogFailure // in order of first appearance
	Requests  []LogRequest // in order of their start
	Lines     int64        // of the log
	Truncated bool         // there were more failures or requests than the options allow
}

// LogFailure is one download failure, which the log may hold several times:
// those of the same class, module, version and mirror are one. All text is
// redacted and neutral.
type LogFailure struct {
	Class     Class
	Module    string // "" when the log does not say
	Version   string
	Mirror    string // the base URL that was asked, "" when none was or the log does not say
	File      string // the file the message names, as "main.go" or "go.sum"
	Line      int    // its line there, 0 when the message has none
	Text      string // the cause in the words of the go command, with what a server or git said
	Count     int
	FirstLine int64 // of the log, from 1
}

// LogRequest is one request of the go command, as -x shows it: "# get URL" when
// it begins and "# get URL: 200 OK (0.123s)" at the header of the response. The
// go command shows neither the hops of a redirect nor the end of a body.
type LogRequest struct {
	URL     string // redacted
	Class   Class  // "" for a 200 and for a request without an end
	Status  int    // 0 when there was no response
	Text    string // the status or the error; "" without an end
	Time    time.Duration
	Line    int64 // of the log, of the beginning
	EndLine int64 // 0 when the log has no end of it
}

// ReadLog finds the download failures and the requests in a log of the go
// command, which may be a whole CI log: everything else is ignored. It reads r
// as a stream and keeps a bounded part; lines beyond 64 KiB are cut. The error
// is that of r, and comes with what was read until then.
func ReadLog(r io.Reader, o LogOptions) (*Log, error) {
	l := &logReader{
		log:         &Log{},
		maxFailures: cmp.Or(o.MaxFailures, logFailures),
		maxRequests: cmp.Or(o.MaxRequests, logRequests),
		groups:      map[logGroup]int{},
		seen:        map[string]int{},
		open:        map[string][]int{},
	}
	err := eachLine(r, func(line []byte) {
		l.log.Lines++
		l.line(stripLine(line))
	})
	l.flush()
	return l.log, err
}

// logGroup is what failures have in common that are one.
type logGroup struct {
	class                         Class
	module, version, mirror, text string // text only without a module
}

// logReader is the state of ReadLog between two lines.
type logReader struct {
	log                      *Log
	maxFailures, maxRequests int
	groups                   map[logGroup]int // indexes of log.Failures
	seen                     map[string]int   // indexes of log.Failures by the message, -1 for what is none: repeats are cheap
	open                     map[string][]int // requests without an end, by URL

	block         logBlock
	path, version string // of the object of go mod download -json that is being read
}

// line takes one line, of which nothing is kept.
func (l *logReader) line(b []byte) {
	switch {
	case len(b) == 0:
		l.flush()
	case b[0] == '\t':
		if rest, ok := bytes.CutPrefix(b, []byte("\t\"")); ok && !l.block.started() {
			l.member(rest)
			return
		}
		l.block.add(b[1:])
	case b[0] == '{':
		if !isBuildOutput(b) {
			l.flush()
			l.path, l.version = "", ""
			return
		}
		if text := buildOutput(b); len(text) == 0 || text[0] == '{' {
			l.flush() // events do not nest
		} else {
			l.line(text)
		}
	case bytes.HasPrefix(b, []byte("# get ")):
		l.flush()
		l.request(string(b[len("# get "):]))
	default:
		l.flush()
		if beginsFailure(b) {
			l.block = logBlock{head: string(b), line: l.log.Lines}
		}
	}
}

// flush ends the message that was being read.
func (l *logReader) flush() {
	if !l.block.started() {
		return
	}
	block := l.block
	l.block = logBlock{}
	raw := strings.Join(append([]string{block.head}, block.more...), "\n")
	if i, ok := l.seen[raw]; ok {
		if i >= 0 {
			l.log.Failures[i].Count++
		}
		return
	}
	i := -1
	if f, ok := block.failure(); ok {
		if i = l.failure(f); i < 0 {
			return
		}
	}
	if len(raw) <= maxLogURL && len(l.seen) < l.maxFailures {
		l.seen[raw] = i
	}
}

// failure adds a failure or counts a repeat of one, and returns its index; -1
// when there is no room for it.
func (l *logReader) failure(f LogFailure) int {
	key := logGroup{class: f.Class, module: f.Module, version: f.Version, mirror: f.Mirror}
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
	if len(l.log.Failures) >= l.maxFailures {
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
	if len(l.log.Requests) >= l.maxRequests {
		l.log.Truncated = true
		return
	}
	r := LogRequest{URL: Plain(url), Line: l.log.Lines}
	if ended {
		l.end(&r, url, end)
	} else {
		l.open[url] = append(l.open[url], len(l.log.Requests))
	}
	l.log.Requests = append(l.log.Requests, r)
}

func (l *logReader) end(r *LogRequest, url, text string) {
	r.EndLine = l.log.Lines
	if m := requestEnd.FindStringSubmatch(text); m != nil {
		r.Status = number(m[2])
		r.Class = FromStatus(r.Status)
		r.Time, _ = time.ParseDuration(m[3]) // matched, so at worst out of range: then it is 0
		text = m[1]
	} else {
		cause := text
		if m := noAnswer.FindString(text); m != "" {
			cause = text[len(m):]
		}
		r.Class = classifyCause(cause, url)
	}
	r.Text = Plain(text)
}
