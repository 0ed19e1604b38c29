package golog

import (
	"bytes"
	"cmp"
	"regexp"
	"strings"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
)

// logBlock is one message of the go command: a line, and the indented ones
// below it.
type logBlock struct {
	prefix          string // what others put before its lines
	unmarked        string // the same without a mark of a list or of code, if it is marked
	marked          bool
	head            string
	more            []string // without the indentation
	indent          int      // of the latest of more, in blanks
	line, last      int64    // where it begins and where it was last gone on with
	module, version string   // of go mod download -json, where every failure.Error is a failure
}

// newBlock begins a message. A program that tells of another one's failure puts
// its own words before the first line alone, as a list has its mark there.
func newBlock(prefix, head string, line int64) logBlock {
	k := logBlock{prefix: prefix, head: head, line: line, last: line}
	if wrapped.MatchString(prefix) || isFailing(prefix) && !isPrefix(prefix) {
		k.prefix = ""
	} else if m := item.FindStringSubmatch(prefix); m != nil {
		k.marked, k.unmarked = true, m[1]
	}
	return k
}

func (k *logBlock) text(sep string) string {
	return strings.Join(append([]string{k.head}, k.more...), sep)
}

func (k *logBlock) add(b []byte) {
	if len(k.more) < maxLogBlock {
		b = bytes.TrimLeft(b, " \t")
		k.more = append(k.more, string(b[:min(len(b), maxLogURL)]))
	}
}

// What stands before a cause.
var (
	position  = regexp.MustCompile(`^((?:[A-Za-z]:)?[\w.~/\\][^\s:]*\.go):(\d+):(?:(\d+):)? |^((?:[A-Za-z]:[/\\]|\.{0,2}/)[\w ./\\~@+()-]*\.go|[\w./\\~:-]*go\.(?:mod|work)):(\d+):\d+: `)
	sumLine   = regexp.MustCompile(`^((?:[A-Za-z]:)?[\w.~/\\][^\s:]*\.sum):(\d+): (?:malformed go\.sum: )?(wrong number of fields \d+)$`)
	modified  = regexp.MustCompile(`^([^@\s:\[\x60]+) (v\S+): ((?:zip|dir) has been modified) \(.*\)$`)
	atVersion = regexp.MustCompile(`^([^@\s":]+)(?:@([^\s":]+)(?: \(replaced by (.+?)\))?| \(replaced by (.+?)\)): `)
	wrapper   = regexp.MustCompile(`^(?:invalid version: |module ([^@\s":]+): |download go\S+: |build \S+: cannot load \S+: |can't load package: |package [^\s:]+: |cannot find module providing package \S+: |` +
		`unrecognized import path "([^"]+)"(?:: | \()|verifying (?:module|go\.mod|(?:[^@\s":]+@[^\s":]+)): |initializing sumdb\.Client: |https fetch: |` +
		`could not create module cache: |writing (?:stat|go\.mod) cache: |updating go\.(?:mod|sum): |reading \S+ at revision \S+: )`)
	unzip       = regexp.MustCompile(`^(?:\S+ )?(?:-> )?unzip (\S+): `)
	readingURL  = regexp.MustCompile(`^(?:(?:reading|parsing) ((?:https?|file)://\S+)|unexpected status \((https?://[^\s)]+)\)): `)
	noAnswer    = regexp.MustCompile(`^Get "?([^"\s]*)"?: `)
	brokenBody  = regexp.MustCompile(`^read "?((?:https?|file)://[^"\s]*)"?: `)
	ofToolchain = regexp.MustCompile(`^download go\S+ for \S+: `)
	verified    = regexp.MustCompile(`^verifying ([^@\s":]+)@([^\s":]+): `)
	foreign     = regexp.MustCompile(`^zip for ([^@\s]+)@(\S+) has unexpected file `)
	redirected  = regexp.MustCompile(`^Get "?[^"\s]*"?: redirected from secure URL (\S+) to insecure URL `)
	missingFile = regexp.MustCompile(`(?:no such file or directory|cannot find the (?:file|path) specified\.?)$`)
	status      = regexp.MustCompile(`^\d{3}(?: |$)`)
)

// terminals are the causes that the go command words itself (go1.26:
// cmd/go/internal/{modfetch,modload,vcs,toolchain}, golang.org/x/mod/{sumdb,zip}).
// They count at the start of a cause alone: what follows may quote a server.
var terminals = []struct {
	text  *regexp.Regexp
	class failure.Class
}{
	{regexp.MustCompile(`^(?:checksum mismatch|(?:zip|dir) has been modified)`), failure.HashMismatch},
	{regexp.MustCompile(`^(?:missing go\.sum entry|updates to go\.sum needed)`), failure.MissingSum},
	{regexp.MustCompile(`^(?:invalid response from proxy "|invalid character '.{1,6}' (?:looking for|after|in) |proxy returned info for version |checksum missing from sumdb response|malformed record data|` +
		`note has no verifiable signatures|reading tree note: |malformed note|(?:go\.sum )?database server misbehavior detected)`), failure.WrongContent},
	{regexp.MustCompile(`^(?:zip for \S+ has unexpected file |malformed file path "|case-insensitive file name collision)`), failure.UnsafeZip},
	{regexp.MustCompile(`^(?:module zip file is too large|total uncompressed size of module contents too large|go\.mod file too large)`), failure.TooLarge},
	{regexp.MustCompile(`^(?:module lookup disabled by GOPROXY=off|network disabled by cmdgonetlimit=0|invalid proxy URL |GOVCS disallows using )`), failure.Disabled},
	{regexp.MustCompile(`^(?:unknown revision |no matching versions for query |parse \S+: no go-import meta tags|no go-import meta tags|` +
		`cannot find module providing package )`), failure.NotFound},
}

var gitCommand = regexp.MustCompile(`^git .*: (?:exit status \d+|signal: \w+):?$`)

// failure reads the message; false means that it is none of a download.
func (k *logBlock) failure() (Failure, bool) {
	f := Failure{Module: k.module, Version: k.version, FirstLine: k.line}
	text, sure := k.head, k.module != ""
	fromGo := sure
	if m := tool.FindString(text); m != "" {
		text = "go: " + text[len(m):]
	}
	switch {
	case strings.HasPrefix(text, "go: "):
		text, fromGo = text[len("go: "):], true
		text = k.endOfChain(text)
	default:
		if m := position.FindStringSubmatch(text); m != nil && !ofTest(m) {
			f.File, f.Line, text = m[1]+m[4], number(m[2]+m[5]), text[len(m[0]):]
		} else if m := sumLine.FindStringSubmatch(text); m != nil {
			f.File, f.Line, text = m[1], number(m[2]), m[3]
		} else if m := modified.FindStringSubmatch(text); m != nil {
			f.Module, f.Version, text = m[1], m[2], m[3]
		}
	}

	said := text
	text, requested, named := unwrap(text, &f)
	sure = sure || named
	if m := foreign.FindStringSubmatch(text); m != nil && f.Module == "" {
		f.Module, f.Version = m[1], m[2]
	}
	whole := strings.Join(append([]string{text}, k.more...), "\n")
	class, ok := failure.Unknown, true
	c := causeNamed(f.Cause)
	if c == nil {
		c = causeOf(whole)
	}
	if c != nil {
		f.Cause, class = c.name, cmp.Or(c.class, failure.Unknown)
	} else if class, ok = k.classify(text, requested, sure || fromGo); !ok && !sure {
		return f, false
	}
	f.Class = class
	if class == failure.HashMismatch && f.File == "" {
		f.File = k.sumFile()
	}
	at := address(text, requested)
	locate(&f, at)
	f.Party = party(said, text, at)
	if requested != "" {
		whole = "reading " + requested + ": " + whole
	}
	f.Text = failure.Plain(whole)
	f.Module, f.Version, f.Mirror, f.File = failure.Plain(f.Module), failure.Plain(f.Version), failure.Plain(f.Mirror), failure.Plain(f.File)
	return f, true
}

func isDirectory(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "/") || strings.Contains(name, `:\`)
}

// endOfChain returns the cause at the end of a chain of imports or
// requirements, of which the message holds one a line.
func (k *logBlock) endOfChain(text string) string {
	inChain := false
	for len(k.more) > 0 && chained.MatchString(text) {
		inChain = true
		text, k.more = k.more[0], k.more[1:]
	}
	if !inChain || atVersion.MatchString(text) {
		return text
	}
	if _, cause, ok := strings.Cut(text, ": "); ok { // the imported package
		return cause
	}
	return text
}

// unwrap takes away what stands before the cause, notes the module that it
// names, and reports whether it named one at a version; a URL is that of
// "reading URL: ".
func unwrap(text string, f *Failure) (cause, requested string, named bool) {
	for range 16 {
		if m := atVersion.FindStringSubmatch(text); m != nil {
			f.Module, f.Version, named = m[1], strings.TrimSuffix(m[2], "/go.mod"), true
			if text = text[len(m[0]):]; isDirectory(m[3]+m[4]) && missingFile.MatchString(text) {
				f.Cause = "replace-directory-missing"
			}
			continue
		}
		if m := verified.FindStringSubmatch(text); m != nil {
			f.Module, f.Version = m[1], strings.TrimSuffix(m[2], "/go.mod")
		}
		if rest := text[len(ofToolchain.FindString(text)):]; rest != text && rest != "toolchain not available" {
			text = rest
			continue
		}
		if m := wrapper.FindStringSubmatch(text); m != nil {
			if f.Module == "" {
				f.Module = m[1] + m[2]
			}
			named = named || m[2] != ""
			text = text[len(m[0]):]
			continue
		}
		if m := unzip.FindStringSubmatch(text); m != nil {
			if v, ok := cachedZip(m[1]); ok {
				f.Module, f.Version, named = v.Path, v.Version, true
			}
			text = text[len(m[0]):]
			continue
		}
		if m := readingURL.FindStringSubmatch(text); m != nil && requested == "" {
			requested, text = m[1]+m[2], text[len(m[0]):]
			continue
		}
		break
	}
	return text, requested, named
}

// cachedZip is the module version whose zip a path of the module cache is.
func cachedZip(name string) (v module.Version, ok bool) {
	_, rest, _ := strings.Cut(strings.ReplaceAll(name, `\`, "/"), "/cache/download/")
	path, file, _ := strings.Cut(rest, "/@v/")
	path, err := module.UnescapePath(path)
	v = module.Version{Path: path, Version: fileVersion("/@v/" + file)}
	return v, err == nil && v.Version != ""
}

// classify returns the class of a cause. Causes that anything could print count
// only where the message is known to be one of the go command's.
func (k *logBlock) classify(text, requested string, fromGo bool) (failure.Class, bool) {
	if requested != "" {
		if status.MatchString(text) {
			return failure.FromStatus(number(text[:3])), true
		}
		if strings.HasPrefix(requested, "file://") && (strings.HasSuffix(text, "no such file or directory") || strings.Contains(text, "cannot find the")) {
			return failure.NotFound, true
		}
	}
	for _, t := range terminals {
		if t.text.MatchString(text) {
			return t.class, true
		}
	}
	if gitCommand.MatchString(text) {
		return classifyGit(k.more), true
	}
	if m := noAnswer.FindStringSubmatch(text); m != nil {
		return classifyCause(text[len(m[0]):], m[1]), true
	}
	if m := brokenBody.FindStringSubmatch(text); m != nil {
		return classifyCause(text[len(m[0]):], ""), true
	}
	if !fromGo && requested == "" {
		return failure.Unknown, false
	}
	class := classifyCause(text, "")
	return class, class != failure.Unknown
}

// sumFile is the file whose hash a mismatch contradicts, "" when it is the
// database: the second line names it.
func (k *logBlock) sumFile() string {
	if len(k.more) < 2 {
		return ""
	}
	if name, _, ok := strings.Cut(k.more[1], ":"); ok && strings.HasSuffix(name, ".sum") {
		return name
	}
	return ""
}
