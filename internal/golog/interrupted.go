package golog

import (
	"bytes"
	"regexp"
	"time"

	"github.com/modferry/modferry/internal/failure"
)

// unanswered is the cause of a download that still ran when its job was stopped.
// The go command has no words for it: the log just ends.
const unanswered = "download-unanswered"

// stopped are the words of CI systems, of docker build and of timeout(1) for a
// job that somebody cancelled, or that took too long.
var stopped = regexp.MustCompile(`The operation was canceled\.|The (?:action|job) .*(?:has timed out after|exceeded the maximum|ran longer than the maximum)|The runner has received a shutdown signal|` + // GitHub, Azure
	`\S+ could not run to completion because the timeout was exceeded|Job failed: (?:execution took longer than|canceled)|script canceled externally|` + // GitLab
	`Cancelling nested steps due to timeout|Build timed out \(|Sending interrupt signal to process|(?:^|\s)Aborted by |` + // Jenkins
	`Received cancellation signal|Too long with no output|No output has been received in the last|[Ee]xceeded (?:the )?(?:build )?time limit|` + // Buildkite, CircleCI, Travis, Bitbucket
	`failed to solve: .*context canceled$|ERROR: context canceled$|(?:^|\] )Terminated$|(?:exit (?:code|status):?|Error) (?:124|143)\b`)

// shortest is how long a download has to be without an answer to be worth a word,
// where the log tells the time: jobs are also cancelled because another one failed.
const shortest = 30 * time.Second

// begun is how the go command tells that it begins to download a module or a
// toolchain. It does not tell the end.
var begun = regexp.MustCompile(`^go: downloading (\S+)(?: (v\S+))?`)

var moment = regexp.MustCompile(`(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)`)

// download is the latest one that began, while no further line tells that the
// go command went on.
type download struct {
	module, version string // module is "" for none
	prefix          string
	line            int64
	at              time.Time // zero when the log does not tell
}

// downloads notes the download that a line of the go command tells of; any other
// one shows that those before it are over. Requests do not: they show no end of a
// body.
func (l *logReader) downloads(prefix string, b []byte) {
	m := begun.FindSubmatch(b)
	switch {
	case m != nil:
		l.latest = download{string(m[1]), string(m[2]), prefix, l.log.Lines, timeOf([]byte(prefix))}
		if at := instant.FindStringIndex(prefix); at != nil { // what follows may tell the stream
			l.latest.prefix = prefix[:at[1]]
		}
	case !bytes.HasPrefix(b, []byte("# get ")):
		l.latest = download{}
	}
}

// others looks in a line of somebody else for the end of the job. Any other text
// where the download was told shows that this is over.
func (l *logReader) others(b []byte) {
	d := l.latest
	if d.module == "" {
		return
	}
	at := stopped.FindIndex(b[:min(len(b), 2*maxPrefix)])
	if at == nil {
		if rest, same := follow(d.prefix, b); l.test || same && len(bytes.TrimSpace(rest)) > 0 {
			l.latest = download{}
		}
		return
	}
	l.latest = download{}
	f := Failure{Class: failure.Cancelled, Cause: unanswered, Module: failure.Plain(d.module), Version: failure.Plain(d.version), Text: failure.Plain(string(b[at[0]:min(len(b), maxLogURL)])), FirstLine: d.line}
	if end := timeOf(b); !d.at.IsZero() && !end.IsZero() {
		if f.Wait = end.Sub(d.at); f.Wait < shortest {
			return
		}
	}
	l.failure(f)
}

// timeOf is the date and time in what stands before the words of a line, zero for
// none.
func timeOf(b []byte) time.Time {
	m := moment.FindSubmatch(b[:min(len(b), maxPrefix)])
	if m == nil {
		return time.Time{}
	}
	t, err := time.Parse(time.DateTime, string(m[1])+" "+string(m[2]))
	if err != nil {
		return time.Time{}
	}
	return t
}
