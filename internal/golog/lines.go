package golog

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
)

const (
	maxLogLine  = 64 << 10 // what is looked at of a line
	maxLogURL   = 2 << 10
	maxLogBlock = 24 // lines of one message; the go command shows at most eight of a server's
)

// eachLine calls f with every line of r, without its end, cut to maxLogLine.
// The bytes are valid until f returns. A carriage return ends a line where there
// is no line feed: elsewhere it stands for what a terminal wrote over.
func eachLine(r io.Reader, f func([]byte)) error {
	in := bufio.NewReaderSize(r, maxLogLine)
	end := byte('\n')
	if head, _ := in.Peek(maxLogLine); bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0 { // an error is met again below
		end = '\r'
	}
	for {
		line, err := in.ReadSlice(end)
		if len(line) > 0 {
			f(bytes.TrimRight(line, "\r\n"))
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice(end)
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// carried is the line that a line of JSON carries. It is one behind a prefix, but
// not behind the indentation of what a server sent.
func carried(b []byte) (text []byte, isEvent, counts bool) {
	i := bytes.Index(b, []byte(`{"`))
	if i < 0 || i > maxPrefix || bytes.HasSuffix(b[:i], []byte("\t")) || bytes.HasSuffix(b[:i], []byte("  ")) || !isPrefix(string(b[:i])) {
		return nil, false, false
	}
	text, counts = event(b[i:])
	return text, true, counts
}

// event is the line that an object of JSON carries: a message of the build in
// the output of go build -json and go test -json, or what a log driver wrote
// down. False means that it carries none that counts: what a test prints is no
// download of this go command.
func event(b []byte) ([]byte, bool) {
	if !bytes.Contains(b, []byte(`"Output":"`)) && !bytes.Contains(b, []byte(`"log":"`)) && !carrier.Match(b) {
		return nil, false
	}
	var e struct {
		Action, Output    string
		Log, Message, Msg string
	}
	if json.Unmarshal(b, &e) != nil || e.Action != "" && e.Action != "build-output" {
		return nil, false
	}
	text := bytes.TrimRight([]byte(cmp.Or(e.Output, e.Log, e.Message, e.Msg)), "\r\n")
	return text, len(text) > 0
}

var carrier = regexp.MustCompile(`"(?i:message|msg)": ?"`)

// quoted are the lines that the values of a line of key=value pairs hold, as
// loggers write them: level=error msg="go: …"; nil where it is no such line.
func quoted(b []byte) (lines [][]byte) {
	if !bytes.Contains(b, []byte(`="`)) && !bytes.Contains(b, []byte(`": "`)) {
		return nil
	}
	for _, at := range quotedValue.FindAllSubmatchIndex(b, -1) {
		value, err := strconv.Unquote(string(b[at[2]:at[3]]))
		if err != nil || len(lines) == 0 && !isPrefix(string(b[:at[0]])) {
			return nil
		}
		for line := range strings.Lines(value) {
			lines = append(lines, plainLine([]byte(strings.TrimRight(line, "\r\n"))))
		}
	}
	return lines
}

var quotedValue = regexp.MustCompile(`(?:\b(?:msg|message|error|err|log|line|output|stderr)=|^[ \t]*"(?:stderr|stdout|output)": ?)("(?:[^"\\]|\\.)*")`)

// object takes an object of go mod download -json that stands on one line.
func (l *logReader) object(b []byte) bool {
	var o struct{ Path, Version, Error string }
	if json.Unmarshal(b, &o) != nil || o.Path == "" || o.Error == "" {
		return false
	}
	l.log.Recognised++
	l.failed(o.Path, o.Version, o.Error)
	return true
}

// failed takes the failure of a module in go mod download -json.
func (l *logReader) failed(path, version, text string) {
	head, rest, _ := strings.Cut(text, "\n")
	block := logBlock{head: head, line: l.log.Lines, module: path, version: version}
	for line := range strings.SplitSeq(rest, "\n") {
		block.add([]byte(line))
	}
	if f, ok := block.failure(); ok {
		l.failure(f)
	}
}

// member takes a member of an object of go mod download -json, what follows the
// first quote: `Path": "example.test/m",`.
func (l *logReader) member(b []byte) {
	name, value, ok := bytes.Cut(b, []byte(`": `))
	if !ok {
		return
	}
	var text string
	if json.Unmarshal(bytes.TrimSuffix(value, []byte(",")), &text) != nil {
		return
	}
	switch string(name) {
	case "Path":
		l.path, l.version = text, ""
	case "Version":
		l.version = text
	case "Error":
		if l.path != "" {
			l.failed(l.path, l.version, text)
		}
	}
}

// requestEnd is how a request ended that got a response.
var requestEnd = regexp.MustCompile(`^((\d{3})[^\n]*) \((\d+\.\d+s)\)$`)

// cutRequest parts what follows "# get " into the URL and how the request
// ended. URLs hold no blank.
func cutRequest(s string) (url, end string, ended bool) {
	i := strings.IndexByte(s, ' ')
	if i <= 0 || s[i-1] != ':' {
		return s, "", false
	}
	return s[:i-1], s[i+1:], true
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}
