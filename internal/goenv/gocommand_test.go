package goenv

import (
	"encoding/json"
	"errors"
	"go/version"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// These tests compare the package with the real go command, where one is on
// PATH. Nothing leaves the machine: GODEBUG=cmdgonetlimit=0 makes the go
// command refuse every request right after -x has printed its URL, so the
// traces show what it would have asked, and in which order.

// goCommand is the go command on PATH with an empty module to run it in.
type goCommand struct {
	program, dir, home, modcache string
}

func newGoCommand(t *testing.T) *goCommand {
	t.Helper()
	program, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command on PATH")
	}
	g := &goCommand{program: program, dir: t.TempDir(), home: t.TempDir(), modcache: t.TempDir()}
	if err := os.WriteFile(filepath.Join(g.dir, "go.mod"), []byte("module main.test\n\ngo 1.21\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	return g
}

// run runs the go command with exactly env and reports whether it succeeded.
func (g *goCommand) run(t *testing.T, env map[string]string, args ...string) (stdout, stderr string, ok bool) {
	t.Helper()
	cmd := exec.Command(g.program, args...)
	cmd.Dir = g.dir
	cmd.Env = []string{}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), err == nil
}

// trace runs go mod download -x for one module with the settings and returns
// the URLs it wanted to ask and its error text.
func (g *goCommand) trace(t *testing.T, module string, settings map[string]string) (urls []string, stderr string) {
	t.Helper()
	env := map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": g.home, "USERPROFILE": g.home, "TMP": g.home, "GOMODCACHE": g.modcache,
		"GOENV": "off", "GOTOOLCHAIN": "local", "GOAUTH": "off", "GOFLAGS": "-modcacherw",
		"GODEBUG": "cmdgonetlimit=0", "GOSUMDB": "off", "GOPROXY": "off",
	}
	for name, value := range settings {
		env[name] = value
	}
	_, stderr, ok := g.run(t, env, "mod", "download", "-x", module)
	if ok {
		t.Fatalf("go mod download succeeded without a network:\n%s", stderr)
	}
	for line := range strings.Lines(stderr) {
		line = strings.TrimSuffix(line, "\n")
		asked, isGet := strings.CutPrefix(line, "# get ")
		if !isGet || strings.HasSuffix(asked, ": network disabled by cmdgonetlimit=0") {
			continue
		}
		asked, _, _ = strings.Cut(strings.TrimSuffix(asked, ": insecure credentials"), "#") // -x shows a fragment, no request carries it
		urls = append(urls, asked)
	}
	return urls, stderr
}

// wouldAsk is the trace that follows from a chain when every request fails.
func wouldAsk(t *testing.T, chain Chain, module, version string) (urls []string) {
	t.Helper()
	for _, entry := range chain {
		switch {
		case entry.Kind == Off:
			return urls
		case entry.Kind == Direct:
			return append(urls, "https://"+module+"?go-get=1")
		case entry.isFile(): // a missing file passes on, without a trace
			continue
		}
		u, err := url.Parse(entry.URL)
		if err != nil {
			t.Fatal(err)
		}
		suffix := "/" + module + "/@v/" + version + ".info"
		u.Path += suffix
		if u.RawPath != "" {
			u.RawPath += suffix
		}
		urls = append(urls, u.Redacted())
		if entry.Sep != Pipe {
			return urls
		}
	}
	return urls
}

func TestParseProxyReadsListsAsTheGoCommandDoes(t *testing.T) {
	t.Parallel()
	g := newGoCommand(t)
	lists := []string{
		"https://a.test,direct", "https://a.test|https://b.test|direct", "a.test|b.test:8080/x|off",
		"https://a.test/|https://b.test//|HTTPS://C.test/x/./y//z/|direct",
		" https://a.test | https://b.test\n|\tdirect ", "|,https://a.test,|,https://b.test,,", "https://a.test|,https://b.test",
		"direct,https://a.test", "off,https://a.test", "https://a.test|direct|Nonsense", "https://a.test|off,ftp://x",
		"Direct", "OFF", "none", "noproxy", "goproxy", ",", "|", " ", ", |",
		"direct+https://h.test", "https://a.test|ftp://h.test", "https://a.test;https://b.test", "https://a.test/x;direct",
		"https://a.test https://b.test", "https://a.test/ direct", "https://a.test，direct", "https://a.test+https://b.test",
		`"https://a.test"`, `"https://a.test,direct"`, "https://a.test:port", "https://[::1", "https://%zz", "https://a.test/%zz",
		"https:/h.test|https://b.test", "https://|direct", "https:h.test", "h.test:/x", "/srv/proxy", "./proxy|direct", "C:\\proxy",
		"file:///nonexistent|https://a.test", "file:///nonexistent/,https://a.test", "file://host.test/x", "file:/x", "file:x", "file:///x?y", "file://", "file:///x#y",
		"https://u:p@a.test|https://tok@b.test/x|http://u:p@c.test|u:p@d.test|direct", "https://u%2Cv:p%7Cq@a.test|direct", "https://u:p/q@a.test",
		"https://a.test/x%2Cy|https://b.test/%7C|https://c.test/a%2Fb/|direct", "https://a.test?k=v|https://b.test/x/?k=v#frag|https://c.test/#frag|direct",
		"http://a.test|http://127.0.0.1:1|localhost:1|direct", "https://é.test/ü|direct", "::1|direct", "127.0.0.1:8080|direct", "a.test:8080|direct", "...|direct",
	}
	lists = append(lists, randomLists(150)...)
	for _, list := range lists {
		if runtime.GOOS == "windows" { // whose absolute paths have a drive
			list = onDrive.ReplaceAllString(list, "file:///C:/$1")
		}
		urls, stderr := g.trace(t, "example.test/m@v1.0.0", map[string]string{"GOPROXY": list})
		chain, err := ParseProxy(list)
		if err != nil && strings.Contains(err.Error(), cutProblem) {
			continue // stricter, on purpose
		}
		refused := strings.Contains(stderr, "invalid proxy URL") || strings.Contains(stderr, "invalid file:// proxy URL") ||
			strings.Contains(stderr, "contains no entries") || strings.Contains(stderr, ": parse ")
		if refused != (err != nil) {
			t.Errorf("GOPROXY=%q: the go command says\n%s\nbut ParseProxy says %v", list, stderr, err)
			continue
		}
		if err != nil {
			continue
		}
		if diff := cmp.Diff(withHost(urls), withHost(wouldAsk(t, chain, "example.test/m", "v1.0.0"))); diff != "" {
			t.Errorf("GOPROXY=%q: the go command asks others than ParseProxy says (-go +goenv):\n%s", list, diff)
		}
	}
}

// onDrive finds file:// URLs without a drive.
var onDrive = regexp.MustCompile(`file://(/|[^a-z]|$)`)

// withHost leaves out the URLs without a host, of which no request can be
// made: ParseProxy keeps them as written.
func withHost(urls []string) []string {
	return slices.DeleteFunc(slices.Clone(urls), func(s string) bool { return hostless([]string{s}) })
}

// randomLists puts lists together from pieces; the same ones in every run.
func randomLists(n int) []string {
	pieces := []string{
		",", "|", ",", "|", " ", "\n", "direct", "off", "Direct", "https://", "http://", "file://", "file:///x", "a.test", "b.test", ":8080", "/", "//", "/x", "/./..", "u:p@", "tok@",
		"?q=1", "#f", "%2C", "%2F", "%zz", ":", "+", ";", "，", "\"", "é", "[::1]", "\\", "$X", ".", "localhost", "HTTPS://", "w",
	}
	random := rand.New(rand.NewPCG(1, 2))
	lists := make([]string, n)
	for i := range lists {
		for range 2 + random.IntN(9) {
			lists[i] += pieces[random.IntN(len(pieces))]
		}
		if lists[i] == "" {
			lists[i] = ","
		}
	}
	return lists
}

func TestAChainIsRenderedAsTheGoCommandReadsIt(t *testing.T) {
	t.Parallel()
	g := newGoCommand(t)
	for _, list := range []string{
		"https://a.test//|u:p%2Cq@b.test/x/,https://c.test|direct,ignored", "https://a.test/%7C|https://b.test/?q=%2C#f|off", "file:///x|b.test",
	} {
		chain, err := ParseProxy(list)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := g.trace(t, "example.test/m@v1.0.0", map[string]string{"GOPROXY": list})
		got, _ := g.trace(t, "example.test/m@v1.0.0", map[string]string{"GOPROXY": chain.String()})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q rendered as %q is another chain for the go command:\n%s", list, chain.Redacted(), diff)
		}
	}
}

func TestMatchPatternsMatchesAsTheGoCommandDoes(t *testing.T) {
	t.Parallel()
	g := newGoCommand(t)
	for _, patterns := range []string{
		"git.x.test", "git.x.test/", "git.x.test/*", "git.x.test/**", "git.x.test/team", "*.x.test", "*", "none",
		".x.test", "git.x.test/...", "https://git.x.test", "git.x.test:443", "GIT.X.TEST", " git.x.test", "git.x.test ", "git.x.test\r",
		"a.test|git.x.test", "a.test;git.x.test", "a.test,git.x.test", "a.test, git.x.test", ",,git.x.test", "[", "[,git.x.test", "git.[x-z].test/t?am",
	} {
		for _, module := range []string{"git.x.test/team/m", "api.git.x.test/team"} {
			urls, stderr := g.trace(t, module+"@v1.0.0", map[string]string{"GOPROXY": "https://mirror.test", "GONOPROXY": patterns})
			if len(urls) == 0 {
				t.Fatalf("GONOPROXY=%q: no request:\n%s", patterns, stderr)
			}
			matched := !strings.Contains(urls[0], "mirror.test")
			if got := MatchPatterns(patterns, module); got != matched {
				t.Errorf("MatchPatterns(%q, %q) = %v, the go command's answer is %v", patterns, module, got, matched)
			}
		}
	}
}

func TestParseSumDBReadsGOSUMDBAsTheGoCommandDoes(t *testing.T) {
	t.Parallel()
	g := newGoCommand(t)
	mirror := fileMirror(t)
	key := testKey(t, "db.test/path")
	for _, value := range []string{
		DefaultSumDB, DefaultSumDBAlias, key, key + " https://u.test/x/", key + " u.test/x", key + " u.test", key + " //u.test", DefaultSumDB + " http://u.test",
		DefaultSumDBAlias + " https://u.test", "db.test", "https://db.test", "OFF", " off", " ", key + "x", "db.test+word", key + " a b", key + " :", key + " ftp://u.test",
		key + " u.test:8080", key + " /x", key + " https://", strings.ToUpper(DefaultSumDB), testKey(t, "db.test/"), testKey(t, "db.test?x"),
	} {
		urls, stderr := g.trace(t, "example.test/m@v1.0.0", map[string]string{"GOPROXY": mirror, "GOSUMDB": value})
		// What the network limit stopped is a lookup that would have gone out.
		asked := len(urls) > 0 && strings.Contains(stderr, "network disabled")
		db, err := ParseSumDB(value)
		if asked != (err == nil) {
			if hostless(urls) && err != nil {
				continue // the limit comes before "no Host in request URL"
			}
			t.Errorf("GOSUMDB=%q: the go command says\n%s\nbut ParseSumDB says %v", value, stderr, err)
			continue
		}
		if err == nil && !strings.HasPrefix(urls[0], db.URL+"/") {
			t.Errorf("GOSUMDB=%q: the go command asks %s, ParseSumDB says %s", value, urls[0], db.URL)
		}
	}
}

// hostless reports whether the first URL names no host.
func hostless(urls []string) bool {
	if len(urls) == 0 {
		return false
	}
	u, err := url.Parse(urls[0])
	return err == nil && u.Host == ""
}

// fileMirror makes a file:// mirror with the .info and .mod of
// example.test/m@v1.0.0, enough to get as far as the checksum database.
func fileMirror(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	versions := filepath.Join(dir, "example.test", "m", "@v")
	if err := os.MkdirAll(versions, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"v1.0.0.info": `{"Version":"v1.0.0"}`, "v1.0.0.mod": "module example.test/m\n"} {
		if err := os.WriteFile(filepath.Join(versions, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return "file:///" + strings.TrimPrefix(filepath.ToSlash(dir), "/")
}

func TestLoadResolvesAsGoEnvDoes(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the variables and paths below are those of Unix")
	}
	cases := []struct {
		name string
		file string            // user env file, "" for none
		env  map[string]string // HOME and GOENV are added unless set
	}{
		{name: "nothing is set"},
		{name: "the environment wins", file: "GOPROXY=https://file.test\n", env: map[string]string{"GOPROXY": "https://env.test"}},
		{name: "an empty variable counts as unset", file: "GOPROXY=https://file.test\n", env: map[string]string{"GOPROXY": ""}},
		{name: "the file wins over go.env", file: "GOPROXY=https://file.test\nGOSUMDB=off\n"},
		{name: "an empty line in the file hides go.env", file: "GOPROXY=\nGOSUMDB=\n"},
		{name: "the last of equal keys counts", file: "GOPROXY=a.test\nGOPROXY=b.test\n"},
		{name: "malformed lines are ignored", file: " GOPROXY=a.test\nexport GOSUMDB=off\nGOPRIVATE = x\ngoflags=-x\n# c\n=\nGOAUTH\n"},
		{name: "a carriage return is part of the value", file: "GOPRIVATE=a.test\r\nGOSUMDB=off\r\n"},
		{name: "quotes and variables stay", file: "GOPRIVATE=\"a.test\"\nGOINSECURE=$HOME\n"},
		{name: "a byte order mark hides the first line", file: "\ufeffGOPRIVATE=a.test\nGOAUTH=off\n"},
		{name: "the last line needs no line end", file: "GOPRIVATE=a.test"},
		{name: "GOPRIVATE is the default of the others", file: "GOPRIVATE=a.test\nGONOSUMDB=b.test\n"},
		{name: "none keeps GOPRIVATE out", env: map[string]string{"GOPRIVATE": "a.test", "GONOPROXY": "none"}},
		{name: "an empty GONOPROXY is GOPRIVATE", file: "GOPRIVATE=a.test\nGONOPROXY=\n"},
		{name: "the first GOPATH holds the module cache", env: map[string]string{"GOPATH": "/first:/second"}},
		{name: "an empty first GOPATH gives no module cache", env: map[string]string{"GOPATH": ":/second"}},
		{name: "the file sets the directories", file: "GOPATH=/p\nGOMODCACHE=/c\n"},
		{name: "without a home there is no GOPATH", env: map[string]string{"HOME": ""}},
		{name: "the env file is switched off", file: "GOPROXY=a.test\n", env: map[string]string{"GOENV": "off"}},
		{name: "the env file is missing", env: map[string]string{"GOENV": "/nonexistent/env"}},
		{name: "modes come from everywhere", file: "GO111MODULE=on\nGOFLAGS=-modcacherw\n", env: map[string]string{"GOAUTH": "netrc;git /x"}},
		{name: "GOENV in the file has no effect", file: "GOENV=/other\n"},
		{name: "a relative configuration directory is none", env: map[string]string{"XDG_CONFIG_HOME": "relative", "GOENV": ""}},
	}
	g := newGoCommand(t)
	var compared []string
	for _, name := range names {
		if name != "GOWORK" { // go env shows the file found, not the setting
			compared = append(compared, name)
		}
	}
	for _, c := range cases {
		env := map[string]string{"PATH": os.Getenv("PATH"), "HOME": g.home, "GOTOOLCHAIN": "local"}
		env["GOENV"] = filepath.Join(t.TempDir(), "env")
		if c.file != "" {
			if err := os.WriteFile(env["GOENV"], []byte(c.file), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		for name, value := range c.env {
			env[name] = value
		}
		stdout, stderr, ok := g.run(t, env, append([]string{"env", "-json"}, compared...)...)
		if !ok {
			t.Fatalf("%s: go env: %s", c.name, stderr)
		}
		var want map[string]string
		if err := json.Unmarshal([]byte(stdout), &want); err != nil {
			t.Fatal(err)
		}
		got, _, _ := Load(Host{
			Getenv:   func(name string) string { return env[name] },
			ReadFile: os.ReadFile, LookPath: exec.LookPath, EvalSymlinks: filepath.EvalSymlinks, GOOS: runtime.GOOS,
		}, nil)
		for _, name := range compared {
			if got.Get(name) == keywordOff && name == "GOENV" {
				continue // go env shows off as an empty GOENV
			}
			if got.Get(name) != want[name] {
				t.Errorf("%s: %s is %q for the go command, %q for Load", c.name, name, want[name], got.Get(name))
			}
		}
	}
}

// Older releases lack some of the flags, newer ones may have more.
func TestTheGoCommandKnowsTheKnownFlags(t *testing.T) {
	t.Parallel()
	g := newGoCommand(t)
	out, _, _ := g.run(t, map[string]string{"HOME": g.home, "GOTOOLCHAIN": "local"}, "env", "GOVERSION")
	if version.Lang(strings.TrimSpace(out)) != knownFlagsOf {
		t.Skipf("the flags are those of %s, not %s", knownFlagsOf, out)
	}
	var words []string
	for _, name := range knownFlags {
		words = append(words, "-"+name)
	}
	_, stderr, ok := g.run(t, map[string]string{"HOME": g.home, "GOTOOLCHAIN": "local", "GOFLAGS": strings.Join(words, " ")}, "version")
	if !ok && strings.Contains(stderr, "unknown flag") {
		t.Error(stderr)
	}
}
