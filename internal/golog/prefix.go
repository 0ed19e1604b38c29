package golog

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// CI systems, container builds, service managers and people's clipboards put
// text before the lines of a log, several of them one before the other. None of
// them is known here by name: a prefix is a run of pieces, each of one of a few
// shapes, up to where a line begins as one of the go command's does. What stands
// before such a beginning and is no run of pieces is prose that quotes the go
// command.

// maxPrefix is how far into a line it may begin.
const maxPrefix = 300

// The shapes of a piece. A blank ends it, except where it ends itself.
const (
	clock   = `\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?(?: ?[AP]M)?`
	date    = `\d{4}[-/]\d\d[-/]\d\d`
	zone    = `(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?(?: [A-Z]{3,4}\b)?`
	months  = `(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)`
	calends = `(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?(?:` + months + ` {1,2}\d{1,2}|\d{1,2} ` + months + `),?(?: \d{4})?`
	said    = `(?i:errors?|warning|fatal|info|debug|notice|panic|stderr|stdout|output|remote|failed|failure|log|g?make|docker|default|npm err|` +
		`out|err|(?:app|api|backend|build|builder|check|ci|compile|deploy|deps|download|frontend|generate|install|job|lint|prepare|run|server|service|setup|step|task|test|vet|web|worker)s?|(?:typechecking|loading|build|compile|fetch|download) error)[:!]`
	level = `(?:[a-z]\w* )?(?:ERR|ERROR|ERRO|WARN|WARNING|FATAL|INFO|DEBUG|TRACE|OUT|stdout|stderr)(?: [FP])?`
)

var (
	pieces = regexp.MustCompile(`^(?:` + strings.Join([]string{
		`[ \t]+`,
		`(?:[DIWEF] )?(?:` + date + `[T ]|` + calends + ` )?` + clock + zone + `(?: \d{4})?[ \t]*[:|]?(?:[ \t]+|$)`, // a time stamp
		`[\[(](?:` + date + `[T ])?` + clock + zone + `[\])](?: ?[A-Za-z]?:)?`,                                      // one in brackets
		calends + ` ` + clock + ` [\w.-]+ [\w./@-]+:[ \t]+`,                                                         // syslog
		`(?:[\w.-]+ )?[\w./@-]+\[\d+\]:[ \t]*`,                                                                      // a program and its process or depth
		`#?\d+(?:\.\d+)?(?:ms|s)?(?:[ \t]*[:|])?[ \t]+|\d+:`,                                                        // step, line or seconds
		`\d[0-9a-f][OE][ +]`,                                                            // the stream of a GitLab runner
		`(?:␛|\^\[|\\e|\\033|\\x1b)?\[[0-9;]*[mKG]`,                                     // a colour whose escape got lost
		`(?:[A-Z]{4})?\[[^\[\]]+\][A-Z]?:?(?:[ \t]+\|[ \t])?|\([\w./:-]+\)`,             // a name in brackets
		`::[a-z]+(?: [^:]*)?::`,                                                         // a workflow command
		`[^\s|│┃║]+(?:[ \t]+\*\w+\*)?[ \t]*[|│┃║][ \t]`,                                 // a service and a bar
		`(?:[\w./@+-]*|:[\w:-]+ )(?:[-=]*>+[ \t]+)+(?:#[ \t]+)?`,                        // a name and an arrow, or arrows
		`[\w.-]+ [\w./-]+ (?:\d+|-) (?:\w+|-) (?:-|\[[^\]]*\])[ \t]+`,                   // syslog (RFC 5424) behind its time stamp
		`[\w$]+(?:\.[\w$]+)+ -[ \t]+`,                                                   // a class that logs
		`[\w.\[\]"-]+ \([\w-]+\):[ \t]+`,                                                // a resource and what runs it
		`[A-Za-z]*[-_./@#+:\d][\w@+./:#-]*:[ \t]+`,                                      // a name that is no word of prose
		`[IWEF]\d{4} ` + clock + `(?: +\d+ [\w.-]+\.go:\d+\])?[ \t]+`,                   // glog and klog
		`[a-z][\w.]*=(?:"[^"]*"|[^\s"]*)[ \t]+`,                                         // a pair of key and value
		`<[\w./:-]+>[ \t]+|\{\w+="[^{}]*"\}[ \t]+`,                                      // a name in angle brackets, labels
		`[•‣·×»]|[\x{2190}-\x{2BFF}\x{FE0F}\x{200D}\x{1F000}-\x{1FAFF}]`,                // signs
		`[-*+|][ \t]+|\d+[.)][ \t]+|` + "`{1,3}",                                        // marks of a list, a table, a trace; code
		`[\w.@+~-]*[./][^\s:]*:(?:\d+:)?|[\w.@+~/-]*[/_][^:\t]*\.(?:txt|log):(?:\d+:)?`, // grep
		`(?:[\w.\\/:-]+\.exe|go) : `,                                                    // PowerShell
		`[a-z][a-z0-9.]*-[a-z0-9.-]*\d[a-z0-9.-]* [a-z][a-z0-9-]*[ \t]+`,                // a pod and its container
		`imports [^\s:]+: |target [\w./-]+: `,
		`(?i:step) #?\d+(?:/\d+)?(?: - "[^"]*")?[ \t]*:[ \t]*`,
		`(?:` + said + `|` + level + `)[ \t]+`,
	}, `|`) + `)*$`)

	// A mark of a list or of code stands before the first line of a message alone.
	item = regexp.MustCompile("^(.*?)(?:(?:[-*]|\\d+[.)])[ \\t]+`{0,3}|`{1,3})$")

	// Two free words, as of a pod and its container, count before a message that
	// names a module at a version: prose seldom goes on like that.
	free     = regexp.MustCompile(`(?:^|[ \t\])|:>])([a-z][a-z0-9.-]* [a-z][a-z0-9-]* +)$`)
	sentence = regexp.MustCompile(`\b(?:about|after|an?|and|are|as|at|before|but|by|did|do|does|expect(?:ed|s)?|explains?|fix(?:ed|es)?|for|fro?m|g[eio]ves?|gave|got|had|has|have|if|ignored?|in|is|it|like|means?|mention(?:ed|s)?|not|of|on|or|print(?:ed|s)|quoted?|reads?|saw|say(?:ing|s)?|said|see|seen|show(?:n|s)?|that|the|then|this|to|until|want(?:ed|s)?|was|we|were|when|whether|why|with|wrote|you)\b`)
	strong   = regexp.MustCompile(`^(?:go: |[\w.~/\\][^\s:]*\.go:\d+:\d+: )[^\s@:]+@v\d[^\s:]*: `)

	// A message without "go: " counts behind the name of the program that tells it.
	telling = regexp.MustCompile(`(?:^|[ \t])[\w./-]+: $`)
	bare    = regexp.MustCompile(`^[\w./~-]+\.[\w./~-]+@v\d[^\s:]*: (?:reading |Get "|verifying |invalid version: |unrecognized import path |unexpected |zip: |read "|checksum )`)

	// What needs no look at the text before it: a full time stamp, as behind the
	// names of job and step that gh prints, and the exit of a program that a
	// wrapper tells of.
	instant = regexp.MustCompile(`(?:^|[ \t:])` + date + `T` + clock + `(?:Z|[+-]\d\d:?\d\d)[ \t]`)
	wrapped = regexp.MustCompile(`(?:exit status \d+|exit code:? \d+|stderr): ?$|(?:^|[ \t])err(?:or)?=$`)

	// The words of a program that failed, from its level to the message.
	failing = regexp.MustCompile(`(?:^|[ \t\])|:>])((?i:err|errors?|erro|fatal|failed(?: to \w+)?|panic|warn|warning)(?::| \[[\w-]+\])( [^"` + "`" + `]*: ))$`)

	// Two fields of a table, as of gh without time stamps.
	fields = regexp.MustCompile(`^[^\t ][^\t]*\t[^\t]+\t$`)

	// A line of a Go file before the message is how programs and tests log what
	// they quote; the go command's own has a column, too.
	quoting = regexp.MustCompile(`\.go:\d+:`)
)

// begin is where in a line one of the go command begins, -1 when none does.
func begin(b []byte) int {
	if !hasClue(b) {
		return -1
	}
	for i := 0; i < len(b) && i <= maxPrefix; i++ {
		if (i == 0 || endsPiece(b[i-1])) &&
			(begins(b[i:]) && (isPrefix(string(b[:i])) || strong.Match(b[i:]) && (areFree(string(b[:i])) || isFailing(string(b[:i])))) ||
				i > 0 && telling.Match(b[:i]) && !bytes.HasSuffix(b[:i], []byte(" go: ")) && bare.Match(b[i:]) && (isPrefix(string(b[:i])) || isFailing(string(b[:i])))) &&
			!inProse(b[:i], b[i:]) {
			return i
		}
	}
	return -1
}

// areFree reports whether two free words end a prefix.
func areFree(s string) bool {
	at := free.FindStringSubmatchIndex(s)
	return at != nil && !sentence.MatchString(s[at[2]:]) && isPrefix(s[:at[2]])
}

// isFailing reports whether a prefix ends with the words of a program that failed.
func isFailing(s string) bool {
	at := failing.FindStringSubmatchIndex(s)
	return at != nil && !quoting.MatchString(s) && !sentence.MatchString(s[at[4]:]) && isPrefix(s[:at[2]])
}

// withoutCode takes away what closes the code that ends a line.
func withoutCode(b []byte) []byte {
	text := bytes.TrimRight(b, ". \t")
	code := bytes.TrimRight(text, "`")
	if len(code) == len(text) || !bytes.Contains(code, []byte("`")) {
		return b
	}
	return code
}

// inProse reports whether a message is marked as code in a line that goes on, or
// stands in a row of a table.
func inProse(prefix, b []byte) bool {
	return bytes.HasSuffix(prefix, []byte("`")) && bytes.Contains(b, []byte("`")) ||
		bytes.HasSuffix(prefix, []byte("| ")) && bytes.HasSuffix(b, []byte("|"))
}

// endsPiece reports whether a piece may end with this byte; an m ends a colour.
func endsPiece(c byte) bool { return strings.IndexByte(" \t]|>:+=)\"m`", c) >= 0 }

// isPrefix reports whether the text before a line of the go command is what
// others put there.
func isPrefix(s string) bool {
	if s == "" {
		return true
	}
	if quoting.MatchString(s) {
		return false
	}
	if all := instant.FindAllStringIndex(s, -1); all != nil {
		s = s[all[len(all)-1][1]:]
	}
	return pieces.MatchString(s) || wrapped.MatchString(s) || fields.MatchString(s)
}

// follow takes away from a further line what stood before the first one of its
// message: the same text, with other digits where these tell the time, and as
// many blanks at the end. False means that the line has other text there, and so
// is from somebody else.
func follow(prefix string, b []byte) ([]byte, bool) {
	j := 0
	for i := 0; i < len(prefix); {
		c := prefix[i]
		switch {
		case isBlank(c):
			end := i + run(prefix[i:], isBlank)
			if j == len(b) && end == len(prefix) {
				return nil, true // an empty line, whose blanks were trimmed
			}
			if end == len(prefix) {
				if n := run(string(b[j:min(len(b), j+end-i)]), isBlank); n < end-i && j+n < len(b) {
					return nil, false
				}
				return b[min(len(b), j+end-i):], true
			}
			n := run(string(b[j:min(len(b), j+maxPrefix)]), isBlank)
			if n == 0 && i > 0 {
				return nil, false
			}
			i, j = end, j+n
		case isDigit(c) && !names(prefix[:i]):
			n := run(string(b[j:min(len(b), j+maxPrefix)]), isDigit)
			if n == 0 {
				return nil, false
			}
			i, j = i+run(prefix[i:], isDigit), j+n
		case j < len(b) && b[j] == c:
			i, j = i+1, j+1
		default:
			return nil, false
		}
	}
	return b[j:], true
}

// names reports whether digits behind this text are part of a name, as of the
// step "#12" and of the service "app-1", and not of a time.
func names(before string) bool {
	if before = strings.TrimRight(before, "0123456789"); before == "" {
		return false
	}
	c := before[len(before)-1]
	return c == '#' || c == '-' || c == '_' || c == '/' || c != 'T' && (c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z')
}

func run(s string, is func(byte) bool) int {
	n := 0
	for n < len(s) && is(s[n]) {
		n++
	}
	return n
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// mark is what GitHub and Azure colour a line by; only some lines of a message
// have it.
var mark = regexp.MustCompile(`##\[(?:error|warning|debug|section|command)\]`)

// blanks are those of web pages; note is what Jenkins hides in a line, and Buildkite,
// whose escape got lost.
var (
	blanks = regexp.MustCompile("[\u00a0\u2007\u202f]")
	note   = regexp.MustCompile(`\x1b?\[8mha:[^\s\[\x1b]*\x1b?\[0m|^_bk;t=\d+\a?`)
)

// plainLine takes away what is no text: control sequences of terminals, byte
// order marks, marks of colours and notes.
func plainLine(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte("\ufeff"), nil)
	if bytes.IndexByte(b, 0xc2) >= 0 || bytes.IndexByte(b, 0xe2) >= 0 { // what they begin with
		b = blanks.ReplaceAll(b, []byte(" "))
	}
	if bytes.Contains(b, []byte("[8mha:")) || bytes.HasPrefix(b, []byte("_bk;t=")) {
		b = note.ReplaceAll(b, nil)
	}
	if bytes.Contains(b, []byte("##[")) {
		b = mark.ReplaceAll(b, nil)
	}
	if bytes.IndexByte(b, 0x1b) >= 0 {
		clean := make([]byte, 0, len(b))
		for i := 0; i < len(b); {
			if b[i] == 0x1b {
				if n := escape(b[i:]); n > 0 {
					i += n
					continue
				}
			}
			clean = append(clean, b[i])
			i++
		}
		b = clean
	}
	return b
}

// escape is the length of the control sequence at the start of b: colours and
// the like, and the strings (ECMA-48, 5.6) in which Buildkite hides its time
// stamps and terminals their links; 0 when there is none.
func escape(b []byte) int {
	if n := failure.ControlSequence(string(b[:min(len(b), 32)])); n > 0 {
		return n
	}
	if len(b) < 2 || bytes.IndexByte([]byte("]_P^X"), b[1]) < 0 {
		return 0
	}
	for i := 2; i < len(b); i++ {
		if b[i] == '\a' {
			return i + 1
		} else if b[i] == 0x1b && i+1 < len(b) && b[i+1] == '\\' {
			return i + 2
		}
	}
	return 0
}
