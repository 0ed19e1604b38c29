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
// The bytes are valid until f returns.
func eachLine(r io.Reader, f func([]byte)) error {
	in := bufio.NewReaderSize(r, maxLogLine)
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			f(bytes.TrimRight(line, "\r\n"))
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
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
		if l.path == "" {
			return
		}
		head, rest, _ := bytes.Cut([]byte(text), []byte("\n"))
		block := logBlock{head: string(head), line: l.log.Lines, module: l.path, version: l.version}
		for line := range bytes.SplitSeq(rest, []byte("\n")) {
			block.add(line)
		}
		if f, ok := block.failure(); ok {
			l.failure(f)
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
