package failure

import (
	"bytes"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/mod/module"
)

// logBlock is one message of the go command: a line, and those below it that
// begin with a tab.
type logBlock struct {
	head            string
	more            []string // without the tab
	line            int64
	module, version string // of go mod download -json, where every Error is a failure
}

func (k *logBlock) started() bool { return k.head != "" }

// add takes a further line, if a message is being read.
func (k *logBlock) add(b []byte) {
	if k.started() && len(k.more) < maxLogBlock {
		k.more = append(k.more, string(b[:min(len(b), maxLogURL)]))
	}
}

// beginsFailure reports whether a line may be the first of a failure. It is
// asked for every line of a log, so it is quick and lets too many pass.
func beginsFailure(b []byte) bool {
	if rest, ok := bytes.CutPrefix(b, []byte("go: ")); ok {
		return !bytes.HasPrefix(rest, []byte("downloading ")) && !bytes.HasPrefix(rest, []byte("finding "))
	}
	if bytes.HasPrefix(b, []byte("verifying ")) || bytes.HasPrefix(b, []byte("missing go.sum entry")) ||
		bytes.HasPrefix(b, []byte("-> unzip ")) || bytes.HasPrefix(b, []byte("go.sum database server ")) {
		return true
	}
	if b[0] == ' ' {
		return false // go test -v indents what tests say
	}
	return bytes.Contains(b, []byte(".go:")) || bytes.Contains(b, []byte(".sum:")) || bytes.HasSuffix(b, []byte(")")) && bytes.Contains(b, []byte(" has been modified ("))
}

// What stands before a cause.
var (
	position  = regexp.MustCompile(`^([^\s:]\S*\.go|[A-Za-z]:\S+\.go):(\d+):(\d+): `)
	sumLine   = regexp.MustCompile(`^(\S+\.sum):(\d+): (wrong number of fields \d+)$`)
	modified  = regexp.MustCompile(`^([^@\s]+) (v\S+): ((?:zip|dir) has been modified) \(.*\)$`)
	atVersion = regexp.MustCompile(`^([^@\s":]+)@([^\s":]+): `)
	wrapper   = regexp.MustCompile(`^(?:invalid version: |module ([^@\s":]+): |download go\S+(?: for \S+)?: |cannot find module providing package \S+: |` +
		`unrecognized import path "([^"]+)": |verifying (?:module|go\.mod|(?:[^@\s":]+@[^\s":]+)): |initializing sumdb\.Client: |https fetch: |` +
		`could not create module cache: |reading \S+ at revision \S+: )`)
	unzip      = regexp.MustCompile(`^(?:\S+ )?(?:-> )?unzip (\S+): `)
	readingURL = regexp.MustCompile(`^reading ((?:https?|file)://\S+): `)
	noAnswer   = regexp.MustCompile(`^Get "([^"]*)": `)
	brokenBody = regexp.MustCompile(`^read "([^"]*)": `)
	verified   = regexp.MustCompile(`^verifying ([^@\s":]+)@([^\s":]+): `)
	foreign    = regexp.MustCompile(`^zip for ([^@\s]+)@(\S+) has unexpected file `)
	redirected = regexp.MustCompile(`^Get "[^"]*": redirected from secure URL (\S+) to insecure URL `)
	status     = regexp.MustCompile(`^\d{3}(?: |$)`)
)

// terminals are the causes that the go command words itself (go1.26:
// cmd/go/internal/{modfetch,modload,vcs,toolchain}, golang.org/x/mod/{sumdb,zip}).
// They count at the start of a cause alone: what follows may quote a server.
var terminals = []struct {
	text  *regexp.Regexp
	class Class
}{
	{regexp.MustCompile(`^(?:checksum mismatch|(?:zip|dir) has been modified)`), HashMismatch},
	{regexp.MustCompile(`^(?:missing go\.sum entry|wrong number of fields \d|updates to go\.sum needed)`), MissingSum},
	{regexp.MustCompile(`^(?:invalid response from proxy "|proxy returned info for version |checksum missing from sumdb response|malformed record data|` +
		`note has no verifiable signatures|reading tree note: |malformed note|(?:go\.sum )?database server misbehavior detected)`), WrongContent},
	{regexp.MustCompile(`^(?:zip for \S+ has unexpected file |malformed file path "|case-insensitive file name collision)`), UnsafeZip},
	{regexp.MustCompile(`^(?:module zip file is too large|total uncompressed size of module contents too large|go\.mod file too large)`), TooLarge},
	{regexp.MustCompile(`^(?:module lookup disabled by GOPROXY=off|network disabled by cmdgonetlimit=0|GOPROXY list is not the empty string|` +
		`invalid proxy URL |GOVCS disallows using )`), Disabled},
	{regexp.MustCompile(`^(?:unknown revision |no matching versions for query |found(?: \(\S+\))?, but does not contain package |` +
		`module \S+@\S+ found(?: \(\S+\))?, but does not contain package |parse \S+: no go-import meta tags|no go-import meta tags|` +
		`toolchain not available|cannot find module providing package )`), NotFound},
	{regexp.MustCompile(`^GOMODCACHE entry is relative`), LocalIO},
	{regexp.MustCompile(`^(?:invalid GOSUMDB: |missing GOSUMDB|checksum database disabled by GOSUMDB=off|go\.mod requires go >= |` +
		`invalid GOTOOLCHAIN |cannot find "go[^"]*" in PATH|exec: "(?:git|hg|svn|fossil|bzr)": executable file not found)`), Unknown},
}

var gitCommand = regexp.MustCompile(`^git .*: (?:exit status \d+|signal: \w+):?$`)

// failure reads the message; false means that it is none of a download.
func (k *logBlock) failure() (LogFailure, bool) {
	f := LogFailure{Module: k.module, Version: k.version, FirstLine: k.line}
	text, sure := k.head, k.module != ""
	fromGo := sure
	switch {
	case strings.HasPrefix(text, "go: "):
		text, fromGo = text[len("go: "):], true
		text = k.endOfChain(text)
	default:
		if m := position.FindStringSubmatch(text); m != nil {
			f.File, f.Line, text = m[1], number(m[2]), text[len(m[0]):]
		} else if m := sumLine.FindStringSubmatch(text); m != nil {
			f.File, f.Line, text = m[1], number(m[2]), m[3]
		} else if m := modified.FindStringSubmatch(text); m != nil {
			f.Module, f.Version, text = m[1], m[2], m[3]
		}
	}

	text, requested, named := unwrap(text, &f)
	sure = sure || named
	if m := foreign.FindStringSubmatch(text); m != nil && f.Module == "" {
		f.Module, f.Version = m[1], m[2]
	}
	class, ok := k.classify(text, requested, sure || fromGo)
	if !ok && !sure {
		return f, false
	}
	f.Class = class
	if class == HashMismatch && f.File == "" {
		f.File = k.sumFile()
	}
	locate(&f, address(text, requested))
	if requested != "" {
		text = "reading " + requested + ": " + text
	}
	f.Text = Plain(strings.Join(append([]string{text}, k.more...), " "))
	f.Module, f.Version, f.Mirror, f.File = Plain(f.Module), Plain(f.Version), Plain(f.Mirror), Plain(f.File)
	return f, true
}

// endOfChain returns the cause at the end of a chain of imports or
// requirements, of which the message holds one a line.
func (k *logBlock) endOfChain(text string) string {
	chained := false
	for len(k.more) > 0 && (strings.HasSuffix(text, " imports") || strings.HasSuffix(text, " requires") || strings.HasSuffix(text, " tested by")) {
		chained = true
		text, k.more = k.more[0], k.more[1:]
	}
	if !chained || atVersion.MatchString(text) {
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
func unwrap(text string, f *LogFailure) (cause, requested string, named bool) {
	for range 16 {
		if m := atVersion.FindStringSubmatch(text); m != nil {
			f.Module, f.Version, named = m[1], strings.TrimSuffix(m[2], "/go.mod"), true
			text = text[len(m[0]):]
			continue
		}
		if m := verified.FindStringSubmatch(text); m != nil {
			f.Module, f.Version = m[1], strings.TrimSuffix(m[2], "/go.mod")
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
			requested, text = m[1], text[len(m[0]):]
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
func (k *logBlock) classify(text, requested string, fromGo bool) (Class, bool) {
	if requested != "" {
		if status.MatchString(text) {
			return FromStatus(number(text[:3])), true
		}
		if strings.HasPrefix(requested, "file://") && (strings.HasSuffix(text, "no such file or directory") || strings.Contains(text, "cannot find the")) {
			return NotFound, true
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
		return Unknown, false
	}
	class := classifyCause(text, "")
	return class, class != Unknown
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

// address is the URL of which a cause speaks, "" when there is none.
func address(text, requested string) string {
	for _, re := range []*regexp.Regexp{redirected, noAnswer, brokenBody} {
		if m := re.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	if rest, ok := strings.CutPrefix(text, `invalid response from proxy "`); ok {
		base, _, _ := strings.Cut(rest, `"`)
		return base
	}
	return requested
}

// locate fills in the mirror, and the module where the message names none,
// from the URL that was asked.
func locate(f *LogFailure, address string) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || len(address) > maxLogURL || u.Query().Get("go-get") != "" {
		return // a page that leads to an origin, or no URL
	}
	u.RawQuery, u.Fragment = "", ""
	path := u.EscapedPath()
	u.Path, u.RawPath = "", ""
	root := u.String()
	if u.Scheme == "file" {
		root = "file://"
	}
	if i := strings.Index(path, "/sumdb/"); i >= 0 {
		f.Mirror = root + path[:i]
		return
	}
	if i := max(strings.Index(path, "/lookup/"), strings.Index(path, "/tile/")); i >= 0 {
		f.Mirror = root + path[:i]
		return
	}
	i := strings.LastIndex(path, "/@v/")
	if i < 0 {
		i = strings.LastIndex(path, "/@latest")
	}
	if i < 0 {
		f.Mirror = root + strings.TrimRight(path, "/")
		return
	}
	base, file := path[:i], path[i:]
	if escaped, err := module.EscapePath(f.Module); err == nil && strings.HasSuffix(base, "/"+escaped) {
		f.Mirror = root + strings.TrimSuffix(base, "/"+escaped)
	} else if at := modulePath(base); at >= 0 {
		f.Mirror = root + base[:at]
		if path, err := module.UnescapePath(base[at+1:]); err == nil && f.Module == "" {
			f.Module = path
		}
	} else {
		f.Mirror = root
	}
	if f.Version == "" {
		f.Version = fileVersion(file)
	}
}

// modulePath is where in "/base/example.test/m" the module begins: at the first
// element with a dot, as that of a host has; -1 when there is none.
func modulePath(path string) int {
	at := 0
	for element := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if strings.Contains(element, ".") {
			return at
		}
		at += len("/") + len(element)
	}
	return -1
}

// fileVersion is the version in "/@v/v1.0.0.zip", "" when there is none.
func fileVersion(file string) string {
	name := strings.TrimPrefix(file, "/@v/")
	for _, ext := range []string{".info", ".mod", ".zip"} {
		if escaped, ok := strings.CutSuffix(name, ext); ok {
			if v, err := module.UnescapeVersion(escaped); err == nil {
				return v
			}
		}
	}
	return ""
}
