package golog

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// How lines of the go command begin. They count only behind a prefix, so they
// may be words that others begin lines with, too.
var (
	beginnings = [][]byte{
		[]byte("go: "), []byte("verifying "), []byte("missing go.sum entry"), []byte("-> unzip "), []byte("go.sum database server "),
		[]byte("# get "), []byte("can't load package: "), []byte("error obtaining VCS status: "), []byte("cannot find package "),
		[]byte("note: module requires Go "), []byte("failed to initialize build cache at "), []byte("build cache is required"), []byte("inconsistent vendoring in "), []byte("case-insensitive import collision: "),
		[]byte("ok  \t"), []byte("ok      "), []byte("?   \t"), []byte("FAIL\t"), []byte(`"Path": "`), []byte(`"Version": "`), []byte(`"Error": "`),
	}
	tool    = regexp.MustCompile(`^go (?:mod|get|build|list|install|run|test|vet|work|generate)(?: [^\s:]+(?::[^\s:]+)*)*: (?:go: )?`)
	loading = regexp.MustCompile(`^(?:build \S+: cannot load |package \S+(?: is not in (?:GOROOT|std)\b|: )|pattern \S+: directory prefix )`)
	outside = regexp.MustCompile(`^(?:current directory|directory \S+) (?:is contained in a module that is not|outside (?:modules listed in go\.work|main module) )`)

	stream = regexp.MustCompile(`^\d[0-9a-f][OE]\+`) // of a GitLab runner, no part of a file's name

	testLine = regexp.MustCompile(`=== (?:RUN|NAME|CONT|PAUSE)|--- (?:FAIL|PASS|SKIP|BENCH): |_test\.go:\d+: `)
)

// clues are what every line of the go command has one of. Most lines of a log have
// none, and need no closer look.
var clues = [][]byte{
	[]byte("go: "), []byte("go "), []byte(".go:"), []byte(".sum:"), []byte("go.mod:"), []byte("go.work:"), []byte("verifying "), []byte("go.sum"), []byte("unzip "), []byte("# get "),
	[]byte("package "), []byte("package: "), []byte("build "), []byte("VCS status"), []byte("module requires"), []byte("vendoring"), []byte("case-insensitive "),
	[]byte("ok  "), []byte("?   "), []byte("FAIL\t"), []byte(`": "`), []byte("@v"), []byte("has been modified ("), []byte("in go.work"), []byte("main module or "),
}

func hasClue(b []byte) bool {
	b = b[:min(len(b), 2*maxPrefix)]
	return slices.ContainsFunc(clues, func(clue []byte) bool { return bytes.Contains(b, clue) })
}

func isTest(b []byte) bool {
	return (bytes.Contains(b, []byte("=== ")) || bytes.Contains(b, []byte("--- ")) || bytes.Contains(b, []byte("_test.go:"))) && testLine.Match(b)
}

// begins reports whether a line, or the rest of one, may be the go command's. It
// is asked at every word of a log, so it is quick and lets too many pass.
func begins(b []byte) bool {
	for _, s := range beginnings {
		if bytes.HasPrefix(b, s) {
			return true
		}
	}
	if len(b) == 0 {
		return false
	}
	switch b[0] {
	case ' ', '\t':
		return false
	case 'g':
		if bytes.HasPrefix(b, []byte("go ")) && tool.Match(b) {
			return true
		}
	case 'b', 'p':
		if (bytes.HasPrefix(b, []byte("build ")) || bytes.HasPrefix(b, []byte("package ")) || bytes.HasPrefix(b, []byte("pattern "))) && loading.Match(b) {
			return true
		}
	case 'c', 'd':
		if outside.Match(b) {
			return true
		}
	}
	word := b
	if i := bytes.IndexAny(b, " \t"); i >= 0 {
		word = b[:i]
	}
	if rooted(b) {
		word = b[:min(len(b), maxPrefix)]
	}
	if (bytes.Contains(word, []byte(".go:")) || bytes.Contains(word, []byte("go.mod:")) || bytes.Contains(word, []byte("go.work:"))) && isPosition(b) && !stream.Match(b) || bytes.Contains(word, []byte(".sum:")) && sumLine.Match(b) {
		return true
	}
	return b[len(b)-1] == ')' && bytes.Contains(b, []byte(" has been modified (")) && modified.Match(b)
}

// rooted reports whether a path begins here that may hold blanks.
func rooted(b []byte) bool {
	return b[0] == '/' || b[0] == '.' || len(b) > 2 && b[1] == ':' && (b[2] == '\\' || b[2] == '/')
}

func isPosition(b []byte) bool {
	m := position.FindStringSubmatch(string(b[:min(len(b), maxLogURL)]))
	return m != nil && !ofTest(m)
}

// ofTest reports whether a position is where a test says something: it has no
// column.
func ofTest(position []string) bool {
	return position[3] == "" && strings.HasSuffix(position[1], "_test.go")
}

// progress is what the go command says of what it does, and remarks that stop
// nothing.
var progress = regexp.MustCompile(`^(?:ok  |\?   |FAIL\t|go: (?:(?:downloading|finding|extracting|added|upgraded|downgraded|removed|adding|trying|accepting|warning:|creating new|copying|to add |` +
	`toolchain upgrade needed|found|no module dependencies|build output|ignoring|switching to|using|selected|rejecting) ?|error loading module requirements$|.*; switching to go|\S+ upgrade \S+ => |upgrading |\S+ \S+ => ))`)

func isProgress(b []byte) bool { return progress.Match(b) }

// isStatement reports whether a line that is of no known kind is likely to be
// the go command's all the same: settings of CI systems read "go: 1.26", too.
func isStatement(head string) bool {
	rest, ok := strings.CutPrefix(head, "go: ")
	return ok && rest != "" && strings.Contains(rest, " ") && !strings.ContainsAny(rest[:1], "\"'[{#0123456789")
}

// chained are lines of a chain of imports or requirements before its last.
var chained = regexp.MustCompile(` (?:requires|imports|tested by)$`)

// What continues a message whatever became of the tab before it: the words of
// the go command, of git and of ssh.
var (
	link   = regexp.MustCompile(`^[^\s:]+(?:@[^\s:]+)?(?: \([^()]*\))?(?:: | (?:requires|imports|tested by)$)`)
	detail = regexp.MustCompile(`^(?:server response:|module declares its path as:|but was required as:|downloaded: +h1:|\S+: +h1:|` +
		`go (?:get|mod|work) |\S*go\.(?:mod|work):\d+: |fatal: |remote: |ssh: |git@\S+: |Host key verification failed|failure.Permission denied \(|ERROR: Repository)`)
)

// takes reports whether a line goes on with the message. The go command begins
// such lines with a tab; terminals and web pages turn that into blanks, or drop
// it.
func (k *logBlock) takes(b []byte) bool {
	text := bytes.TrimLeft(b, " \t")
	switch indent := len(b) - len(text); {
	case len(text) == 0:
		return false
	case b[0] == '\t':
		return true
	case indent == 0:
		return !begins(text) && (detail.Match(text) || k.unfinished() && chained.MatchString(k.end()) && link.Match(text))
	case begins(text) && !link.Match(text), bytes.HasPrefix(text, []byte("go: ")):
		return false
	default:
		if indent != k.indent && !k.unfinished() && !detail.Match(text) {
			return false
		}
		k.indent = indent
		return true
	}
}

func (k *logBlock) end() string {
	if n := len(k.more); n > 0 {
		return k.more[n-1]
	}
	return k.head
}

func (k *logBlock) unfinished() bool {
	return strings.HasSuffix(k.end(), ":") || chained.MatchString(k.end())
}
