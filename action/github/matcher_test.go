package github

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pattern and problemMatcher are the schema of a matcher file.
type pattern struct {
	Regexp   string `json:"regexp"`
	File     *int   `json:"file"`
	Line     *int   `json:"line"`
	Column   *int   `json:"column"`
	Severity *int   `json:"severity"`
	Code     *int   `json:"code"`
	Message  *int   `json:"message"`
	FromPath *int   `json:"fromPath"`
	Loop     bool   `json:"loop"`
}

func (p pattern) groups() map[string]*int {
	return map[string]*int{"file": p.File, "line": p.Line, "column": p.Column, "severity": p.Severity, "code": p.Code, "message": p.Message, "fromPath": p.FromPath}
}

type problemMatcher struct {
	Owner    string    `json:"owner"`
	Severity string    `json:"severity"`
	Pattern  []pattern `json:"pattern"`
}

func readMatchers(t testing.TB) []problemMatcher {
	t.Helper()
	var file struct {
		ProblemMatcher []problemMatcher `json:"problemMatcher"`
	}
	d := json.NewDecoder(bytes.NewReader(matcher))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	if len(file.ProblemMatcher) == 0 {
		t.Fatal("no matcher")
	}
	return file.ProblemMatcher
}

func TestMatcherFollowsTheRunnersSchema(t *testing.T) {
	t.Parallel()
	owners := map[string]bool{}
	for i, m := range readMatchers(t) {
		if owners[m.Owner] || !strings.HasPrefix(m.Owner, "modferry-go") || i == 0 && m.Owner != "modferry-go" {
			t.Errorf("owner %q is taken or not ours", m.Owner)
		}
		owners[m.Owner] = true
		if m.Severity != "error" || len(m.Pattern) == 0 {
			t.Errorf("%s: severity %q and %d patterns", m.Owner, m.Severity, len(m.Pattern))
		}
		set := map[string]bool{}
		for i, p := range m.Pattern {
			re, err := regexp.Compile(p.Regexp)
			if err != nil {
				t.Errorf("%s: %v", m.Owner, err)
				continue
			}
			for name, group := range p.groups() {
				if group == nil {
					continue
				}
				if set[name] {
					t.Errorf("%s: %s is set twice", m.Owner, name)
				}
				set[name] = true
				if *group < 1 || *group > re.NumSubexp() {
					t.Errorf("%s: %s is group %d of %d", m.Owner, name, *group, re.NumSubexp())
				}
			}
			if p.Loop && (i == 0 || i < len(m.Pattern)-1 || p.Message == nil) {
				t.Errorf("%s: loop is only for the last of several patterns, with a message", m.Owner)
			}
		}
		if !set["message"] {
			t.Errorf("%s: no message", m.Owner)
		}
	}
}

// TestMatcherKeepsToTheCommonDialect refuses what JavaScript, .NET and RE2 do
// not all have, or read differently.
func TestMatcherKeepsToTheCommonDialect(t *testing.T) {
	t.Parallel()
	escape := regexp.MustCompile(`\\[^sSt.\\]`)
	group := regexp.MustCompile(`\(\?[^:]`)
	possessive := regexp.MustCompile(`[*+?}]\+`)
	for _, m := range readMatchers(t) {
		for _, p := range m.Pattern {
			for _, foreign := range []*regexp.Regexp{escape, group, possessive} {
				if found := foreign.FindString(p.Regexp); found != "" {
					t.Errorf("%s: %q is not in every dialect", m.Owner, found)
				}
			}
			if !strings.HasPrefix(p.Regexp, "^") {
				t.Errorf("%s: %q may match in the midst of a line", m.Owner, p.Regexp)
			}
		}
	}
}

// problem is what the runner makes of a match.
type problem struct{ File, Line, Column, Message string }

// runnerMatchers match a log as the runner does: each matcher waits for its
// next line, and a match of one resets the others.
type runnerMatchers struct {
	matchers []problemMatcher
	state    [][]*problem // matcher → pattern before the last → what matched so far
}

func newRunnerMatchers(t testing.TB) *runnerMatchers {
	r := &runnerMatchers{matchers: readMatchers(t)}
	for range r.matchers {
		r.state = append(r.state, nil)
	}
	for i := range r.state {
		r.reset(i)
	}
	return r
}

func (r *runnerMatchers) reset(i int) { r.state[i] = make([]*problem, len(r.matchers[i].Pattern)) }

func (r *runnerMatchers) line(line string) *problem {
	// The matchers of a file come last first, each being put before the others.
	for i := len(r.matchers) - 1; i >= 0; i-- {
		if found := r.match(i, line); found != nil && strings.TrimSpace(found.Message) != "" {
			for j := range r.matchers {
				if j != i {
					r.reset(j)
				}
			}
			return found
		}
	}
	return nil
}

func (r *runnerMatchers) match(i int, line string) *problem {
	patterns := r.matchers[i].Pattern
	for k := len(patterns) - 1; k >= 0; k-- {
		var running problem
		if k > 0 {
			if r.state[i][k-1] == nil {
				continue
			}
			running = *r.state[i][k-1]
		}
		groups := regexp.MustCompile(patterns[k].Regexp).FindStringSubmatch(line)
		last := k == len(patterns)-1
		switch {
		case groups == nil && last && k > 0:
			r.state[i][k-1] = nil
		case groups == nil:
			r.state[i][k] = nil
		default:
			for name, group := range patterns[k].groups() {
				if group == nil {
					continue
				}
				switch name {
				case "file":
					running.File = groups[*group]
				case "line":
					running.Line = groups[*group]
				case "column":
					running.Column = groups[*group]
				case "message":
					running.Message = groups[*group]
				}
			}
			if last {
				r.reset(i)
				return &running
			}
			r.state[i][k] = &running
		}
	}
	return nil
}

func problems(t testing.TB, log string) []problem {
	t.Helper()
	r := newRunnerMatchers(t)
	var found []problem
	for line := range strings.Lines(log) {
		if p := r.line(strings.TrimSuffix(line, "\n")); p != nil {
			found = append(found, *p)
		}
	}
	return found
}

// TestMatcherFindsDownloadErrors has outputs of go1.26.8, each with the noise
// around it.
func TestMatcherFindsDownloadErrors(t *testing.T) {
	t.Parallel()
	const dep = "example.test/dep@v1.0.0"
	security := `
SECURITY ERROR
This download does NOT match an earlier download recorded in go.sum.
The bits may have been replaced on the origin server, or an attacker may
have intercepted the download attempt.

For more information, see 'go help module-auth'.
`
	tests := map[string]struct {
		log  string
		want []problem
	}{
		"build, a status": {
			"go: downloading example.test/dep v1.0.0\nmain.go:4:2: " + dep + ": reading http://127.0.0.1:1234/example.test/dep/@v/v1.0.0.zip: 503 Service Unavailable\n\tserver response:\n\tout of order\n\tsecond line\n",
			[]problem{{"main.go", "4", "2", dep + ": reading http://127.0.0.1:1234/example.test/dep/@v/v1.0.0.zip: 503 Service Unavailable"}},
		},
		"build, no connection": {
			"cmd/x/main.go:14:12: " + dep + `: Get "http://127.0.0.1:9/example.test/dep/@v/v1.0.0.zip": dial tcp 127.0.0.1:9: connect: connection refused` + "\n",
			[]problem{{"cmd/x/main.go", "14", "12", dep + `: Get "http://127.0.0.1:9/example.test/dep/@v/v1.0.0.zip": dial tcp 127.0.0.1:9: connect: connection refused`}},
		},
		"test, a broken transfer": {
			"# main.test\nmain.go:4:2: " + dep + `: read "http://127.0.0.1:1234/example.test/dep/@v/v1.0.0.zip": unexpected EOF` + "\nFAIL\tmain.test [setup failed]\nFAIL\n",
			[]problem{{"main.go", "4", "2", dep + `: read "http://127.0.0.1:1234/example.test/dep/@v/v1.0.0.zip": unexpected EOF`}},
		},
		"build, not a zip": {
			"main.go:4:2: zip: not a valid zip file\n",
			[]problem{{"main.go", "4", "2", "zip: not a valid zip file"}},
		},
		"build, GOPROXY=off": {
			"main.go:4:2: module lookup disabled by GOPROXY=off\n",
			[]problem{{"main.go", "4", "2", "module lookup disabled by GOPROXY=off"}},
		},
		"build, no go.sum line": {
			"main.go:4:2: missing go.sum entry for module providing package example.test/dep (imported by main.test); to add:\n\tgo get main.test\n",
			[]problem{{"main.go", "4", "2", "missing go.sum entry for module providing package example.test/dep (imported by main.test)"}},
		},
		"build, not required": {
			"main.go:4:2: no required module provides package example.test/dep; to add it:\n\tgo get example.test/dep\n",
			[]problem{{"main.go", "4", "2", "no required module provides package example.test/dep"}},
		},
		"build, another module's path": {
			"main.go:4:2: example.test/other@v1.0.0: parsing go.mod:\n\tmodule declares its path as: example.test/dep\n\t        but was required as: example.test/other\n",
			[]problem{{"main.go", "4", "2", "example.test/other@v1.0.0: parsing go.mod:"}},
		},
		"build, go.sum's hash": {
			"go: downloading example.test/dep v1.0.0\nverifying " + dep + ": checksum mismatch\n\tdownloaded: h1:KgSZiWxYdeHf/sFIrfLz9IPMjc0nezhhulkdLQZIYt8=\n\tgo.sum:     h1:Em9yuE4EiMI0Nc99vTieIsvYlR2mHj1XfQIplM/Qk+Y=\n" + security,
			[]problem{{"go.sum", "", "", "verifying " + dep + ": checksum mismatch"}},
		},
		"mod download, go.sum's hash of a go.mod": {
			"verifying " + dep + "/go.mod: checksum mismatch\n\tdownloaded: h1:6ZVHfgAAGObtAycES/y8uCOEyb7InxtnyoKLt3O8Vnk=\n\tgo.sum:     h1:nh69NT5MRn+fI+Jf4OHgE8JAoIa28x6xmqkQwuuc3Gk=\n" + security,
			[]problem{{"go.sum", "", "", "verifying " + dep + "/go.mod: checksum mismatch"}},
		},
		"mod download, the database's hash": {
			"go: " + dep + ": verifying module: checksum mismatch\n\tdownloaded: h1:KgSZiWxYdeHf/sFIrfLz9IPMjc0nezhhulkdLQZIYt8=\n\tsum.example.test: h1:Em9yuE4EiMI0Nc99vTieIsvYlR2mHj1XfQIplM/Qk+Y=\n" + security,
			[]problem{{"", "", "", dep + ": verifying module: checksum mismatch"}},
		},
		"build, the database is down": {
			"main.go:4:2: " + dep + ": verifying module: " + dep + `: Get "http://127.0.0.1:9/lookup/example.test/dep@v1.0.0": dial tcp 127.0.0.1:9: connect: connection refused` + "\n",
			[]problem{{"main.go", "4", "2", dep + ": verifying module: " + dep + `: Get "http://127.0.0.1:9/lookup/example.test/dep@v1.0.0": dial tcp 127.0.0.1:9: connect: connection refused`}},
		},
		"mod download, a status": {
			"go: " + dep + ": reading http://127.0.0.1:1234/example.test/dep/@v/v1.0.0.mod: 404 Not Found\n\tserver response: not here\n",
			[]problem{{"", "", "", dep + ": reading http://127.0.0.1:1234/example.test/dep/@v/v1.0.0.mod: 404 Not Found"}},
		},
		"list -m, no go.sum line": {
			"go: " + dep + ": missing go.sum entry for go.mod file; to add it:\n\tgo mod download example.test/dep\n",
			[]problem{{"", "", "", dep + ": missing go.sum entry for go.mod file"}},
		},
		"get, no such version": {
			"go: example.test/dep@<v1.0.0: no matching versions for query \"<v1.0.0\"\n",
			[]problem{{"", "", "", `example.test/dep@<v1.0.0: no matching versions for query "<v1.0.0"`}},
		},
		"get, another version": {
			"go: example.test/dep@v1.7.0: proxy returned info for version v1.0.0 instead of requested version\n",
			[]problem{{"", "", "", "example.test/dep@v1.7.0: proxy returned info for version v1.0.0 instead of requested version"}},
		},
		"install, a status": {
			"go: example.test/other@v1.0.0: example.test/other@v1.0.0: reading http://127.0.0.1:1234/example.test/other/@v/v1.0.0.info: 503 Service Unavailable\n",
			[]problem{{"", "", "", "example.test/other@v1.0.0: example.test/other@v1.0.0: reading http://127.0.0.1:1234/example.test/other/@v/v1.0.0.info: 503 Service Unavailable"}},
		},
		"tidy, a status": {
			"go: finding module for package example.test/dep\ngo: main.test imports\n\texample.test/dep: module example.test/dep: reading http://127.0.0.1:1234/example.test/dep/@v/list: 503 Service Unavailable\n\tserver response:\n\tout of order\n",
			[]problem{{"", "", "", "example.test/dep: module example.test/dep: reading http://127.0.0.1:1234/example.test/dep/@v/list: 503 Service Unavailable"}},
		},
		"vendor, no connection behind several imports": {
			"go: main.test imports\n\tmain.test/a imports\n\texample.test/dep: " + dep + `: Get "http://127.0.0.1:9/example.test/dep/@v/v1.0.0.zip": EOF` + "\n",
			[]problem{{"", "", "", "example.test/dep: " + dep + `: Get "http://127.0.0.1:9/example.test/dep/@v/v1.0.0.zip": EOF`}},
		},
		"toolchain, not there": {
			"go: downloading go1.99.0 (linux/amd64)\ngo: download go1.99.0 for linux/amd64: toolchain not available\n",
			[]problem{{"", "", "", "download go1.99.0 for linux/amd64: toolchain not available"}},
		},
		"toolchain, no connection": {
			`go: download go1.99.0: golang.org/toolchain@v0.0.1-go1.99.0.linux-amd64: Get "http://127.0.0.1:9/golang.org/toolchain/@v/v0.0.1-go1.99.0.linux-amd64.zip": dial tcp 127.0.0.1:9: connect: connection refused` + "\n",
			[]problem{{"", "", "", `download go1.99.0: golang.org/toolchain@v0.0.1-go1.99.0.linux-amd64: Get "http://127.0.0.1:9/golang.org/toolchain/@v/v0.0.1-go1.99.0.linux-amd64.zip": dial tcp 127.0.0.1:9: connect: connection refused`}},
		},
		"toolchain, another zip": {
			"go: download go1.99.0: zip for golang.org/toolchain@v0.0.1-go1.99.0.linux-amd64 has unexpected file example.test/dep@v1.0.0/dep.go\n",
			[]problem{{"", "", "", "download go1.99.0: zip for golang.org/toolchain@v0.0.1-go1.99.0.linux-amd64 has unexpected file example.test/dep@v1.0.0/dep.go"}},
		},
		"build, unresolved conflict in go.sum": {
			"malformed go.sum:\n/home/runner/work/r/r/go.sum:3: wrong number of fields 2\n",
			[]problem{{"/home/runner/work/r/r/go.sum", "3", "", "wrong number of fields 2"}},
		},
		"build, unresolved conflict in go.sum on Windows": {
			"malformed go.sum:\nD:\\a\\r\\r\\go.sum:3: wrong number of fields 2\n",
			[]problem{{`D:\a\r\r\go.sum`, "3", "", "wrong number of fields 2"}},
		},
		"build, origin without a page": {
			"main.go:4:2: unrecognized import path \"example.test/dep\": https fetch: Get \"https://example.test/dep?go-get=1\": dial tcp: lookup example.test: no such host\n",
			[]problem{{"main.go", "4", "2", "unrecognized import path \"example.test/dep\": https fetch: Get \"https://example.test/dep?go-get=1\": dial tcp: lookup example.test: no such host"}},
		},
		"two files": {
			"a.go:1:2: no required module provides package example.test/a; to add it:\n\tgo get example.test/a\nb.go:3:4: module lookup disabled by GOPROXY=off\n",
			[]problem{{"a.go", "1", "2", "no required module provides package example.test/a"}, {"b.go", "3", "4", "module lookup disabled by GOPROXY=off"}},
		},
		"what is no download error": {
			"go: downloading example.test/dep v1.0.0\ngo: added example.test/dep v1.0.0\nmain.go:7:2: undefined: x\n./main.go:9:3: declared and not used: y\n" +
				"--- FAIL: TestGet (0.00s)\n    main_test.go:12: Get \"http://127.0.0.1:9\": dial tcp 127.0.0.1:9: connect: connection refused\n\tError:\tGet \"http://127.0.0.1:9\": EOF\n" +
				"panic: reading x: 404\n\tmain.go:3 +0x1d\nexit status 1\n# get http://127.0.0.1:1234/example.test/dep/@v/v1.0.0.zip\ngo: updates to go.mod needed; to update it:\n\tgo mod tidy\n",
			nil,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, problems(t, test.log)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestInstalledMatcherIsWhereTheRunnerReadsIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target := filepath.Join(t.TempDir(), "target")
	if err := os.WriteFile(target, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(dir, matcherFile)); err != nil {
		t.Skip(err)
	}
	for range 2 { // a second time over what is there
		var b strings.Builder
		if err := matcherStep(&b, dir, "/home/runner/work/_temp/50%\n::error::x").installMatcher(); err != nil {
			t.Fatal(err)
		}
		want := []command{{name: "add-matcher", message: "/home/runner/work/_temp/50%\n::error::x/" + matcherFile, properties: map[string]string{}}}
		if diff := cmp.Diff(want, readCommands(b.String()), cmp.AllowUnexported(command{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	name := filepath.Join(dir, matcherFile)
	got, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(got, matcher) {
		t.Errorf("the file is not the matcher: %v", err)
	}
	mode := fs.FileMode(0o644)
	if runtime.GOOS == "windows" {
		mode = 0o666 // which knows no others
	}
	if info, err := os.Lstat(name); err != nil || info.Mode() != mode {
		t.Errorf("%v, %v; want a file that everybody may read", info, err)
	}
	if kept, err := os.ReadFile(target); err != nil || string(kept) != "kept" {
		t.Errorf("a link was followed: %q, %v", kept, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%d entries, %v; want no left-overs", len(entries), err)
	}
}

// matcherStep is a step whose directory has another name on the host.
func matcherStep(log io.Writer, dir, onHost string) *step {
	return &step{actions: Commands(log), host: &host{temp: dir, mounts: []mount{{here: dir, host: onHost}}}}
}

func TestMatcherThatCannotBeInstalledIsAnError(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for name, dirs := range map[string][2]string{
		"no directory":         {filepath.Join(t.TempDir(), "absent"), "/home/runner/work/_temp"},
		"no path on the host":  {t.TempDir(), ""},
		"a relative host path": {t.TempDir(), "work/_temp"},
	} {
		if err := matcherStep(&b, dirs[0], dirs[1]).installMatcher(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if b.Len() > 0 {
		t.Errorf("a command was issued: %q", b.String())
	}
}
