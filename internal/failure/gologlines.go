package failure

import (
	"bufio"
	"bytes"
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

// stripLine takes away what CI systems and terminals put before and into a
// line: time stamps (GitHub, GitLab with its stream marks), the step numbers of
// container builds, error marks, colours.
func stripLine(b []byte) []byte {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	b = b[stamp(b):]
	if len(b) > 0 && b[0] == '#' {
		if n := buildStep(b); n > 0 {
			b = b[n:]
		}
		b = bytes.TrimPrefix(b, []byte("##[error]"))
	}
	if bytes.IndexByte(b, 0x1b) < 0 {
		return b
	}
	clean := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		if b[i] == 0x1b {
			// A sequence is short; the rest of the line need not be copied.
			if n := colour(string(b[i:min(len(b), i+32)])); n > 0 {
				i += n
				continue
			}
		}
		clean = append(clean, b[i])
		i++
	}
	return clean
}

// stamp is the length of a time stamp as "2026-11-20T12:00:00.1234567Z " at the
// start of b, with the "00O " or "00O+" that GitLab runners put behind it; 0
// when there is none.
func stamp(b []byte) int {
	const layout = "0000-00-00T00:00:00"
	if len(b) < len(layout) || b[4] != '-' || b[10] != 'T' {
		return 0
	}
	for i := range len(layout) {
		if digit := b[i] >= '0' && b[i] <= '9'; digit != (layout[i] == '0') || (!digit && b[i] != layout[i]) {
			return 0
		}
	}
	n := len(layout)
	for n < len(b) && (b[n] == '.' || (b[n] >= '0' && b[n] <= '9')) {
		n++
	}
	if n >= len(b) || b[n] != 'Z' {
		return 0
	}
	if n++; n == len(b) {
		return n
	}
	if b[n] != ' ' {
		return 0
	}
	n++
	if m := b[n:]; len(m) >= 4 && isDigit(m[0]) && isHex(m[1]) && (m[2] == 'O' || m[2] == 'E') && (m[3] == ' ' || m[3] == '+') {
		n += 4
	}
	return n
}

// buildStep is the length of "#12 3.456 " at the start of b, 0 when there is
// none.
func buildStep(b []byte) int {
	n := 1
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	if n == 1 || n >= len(b) || b[n] != ' ' {
		return 0
	}
	from := n + 1
	for n = from; n < len(b) && (isDigit(b[n]) || b[n] == '.'); n++ {
	}
	if n == from || n >= len(b) || b[n] != ' ' {
		return 0
	}
	return n + 1
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || (c >= 'a' && c <= 'f') }

// isBuildOutput reports whether a line is an event of go build -json or go test
// -json with a message of the build. Events of tests are not looked at: what
// a test prints is no download of this go command.
func isBuildOutput(b []byte) bool {
	return bytes.Contains(b, []byte(`"Action":"build-output"`))
}

func buildOutput(b []byte) []byte {
	var event struct{ Output string }
	if json.Unmarshal(b, &event) != nil {
		return nil
	}
	return bytes.TrimRight([]byte(event.Output), "\r\n")
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
		if l.path == "" {
			return
		}
		head, rest, _ := bytes.Cut([]byte(text), []byte("\n"))
		block := logBlock{head: string(head), line: l.log.Lines, module: l.path, version: l.version}
		for line := range bytes.SplitSeq(rest, []byte("\n")) {
			block.add(bytes.TrimPrefix(line, []byte("\t")))
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

// number is the value of a run of digits, 0 of one that no int holds.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}
