package github

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/secret"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// runner plays GitHub's runner for a step on the host: directories, file
// commands, inputs.
type runner struct {
	t    *testing.T
	root string
	env  map[string]string
	log  bytes.Buffer
}

func newRunner(t *testing.T, f *mirrortest.Fixtures, inputs map[string]string) *runner {
	t.Helper()
	r := &runner{t: t, root: t.TempDir(), env: map[string]string{}}
	r.env["GITHUB_ACTIONS"], r.env["CI"] = "true", "true"
	r.env["GITHUB_WORKSPACE"] = r.dir("work/app/app")
	r.env["RUNNER_TEMP"] = r.dir("work/_temp")
	r.env["HOME"], r.env["USERPROFILE"] = r.dir("home"), r.dir("home")
	r.env["GOSUMDB"] = "off"
	r.env["GOENV"] = "off"
	r.env["MODFERRY_PROBE_TIMEOUT"] = "1m" // a healthy mirror is one on a busy machine, too
	for _, name := range []string{"ENV", "OUTPUT", "STATE", "STEP_SUMMARY"} {
		file := filepath.Join(r.dir("work/_temp/_runner_file_commands"), strings.ToLower(name))
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		r.env["GITHUB_"+name] = file
	}
	for name, value := range inputs {
		r.env[variable(name)] = value
	}
	f.WriteCheckout(t, r.env["GITHUB_WORKSPACE"], mirrortest.Checkout{})
	return r
}

func (r *runner) dir(name string) string {
	r.t.Helper()
	dir := filepath.Join(r.root, filepath.FromSlash(name))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		r.t.Fatal(err)
	}
	return dir
}

func (r *runner) process() Process {
	secrets := new(secret.Set)
	return Process{Getenv: func(name string) string { return r.env[name] }, Stdout: outlet.New(&r.log, secrets, false), Tool: "modferry test", Secrets: secrets}
}

// file is what a file command wrote.
func (r *runner) file(name string) string {
	r.t.Helper()
	data, err := os.ReadFile(r.env["GITHUB_"+name])
	if err != nil {
		r.t.Fatal(err)
	}
	return string(data)
}

// value is the value that a file command gave a name.
func (r *runner) value(file, name string) string {
	r.t.Helper()
	lines := strings.Split(r.file(file), "\n")
	for i, line := range lines {
		if delimiter, ok := strings.CutPrefix(line, name+"<<"); ok {
			for k := i + 1; k < len(lines); k++ {
				if lines[k] == delimiter {
					return strings.Join(lines[i+1:k], "\n")
				}
			}
		}
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return value
		}
	}
	return ""
}

func TestAStepExportsWhatLaterStepsNeed(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 4, 2000)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	service := ghatest.Start(t, ghatest.Options{})
	r := newRunner(t, f, map[string]string{"proxy": mirror.URL, "private": "git.corp.test", "report": "out/modferry.json"})
	for k, v := range service.Env() {
		r.env[k] = v
	}
	if code := Main(t.Context(), r.process()); code != 0 {
		t.Fatalf("exit code %d\n%s", code, r.log.String())
	}
	modcache := filepath.Join(r.env["RUNNER_TEMP"], "modferry", "mod")
	for name, want := range map[string]string{"GOPROXY": mirror.URL, "GOMODCACHE": modcache, "GOPRIVATE": "git.corp.test", "GOSUMDB": "", "GOFLAGS": ""} {
		if got := r.value("ENV", name); got != want {
			t.Errorf("exported %s=%q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"outcome": "ok", "cache-hit": "miss", "fetched": "8", "restored": "0", "failed": "0", "modules": "4", "files": "8",
		"gomodcache": modcache, "report": filepath.Join(r.env["GITHUB_WORKSPACE"], "out", "modferry.json"),
	} {
		if got := r.value("OUTPUT", name); got != want {
			t.Errorf("output %s=%q, want %q", name, got, want)
		}
	}
	if !strings.Contains(r.file("STEP_SUMMARY"), "modferry: ok") {
		t.Errorf("summary %q", r.file("STEP_SUMMARY"))
	}
	if !strings.Contains(r.log.String(), "::add-mask::"+service.Token()) || !strings.Contains(r.log.String(), "::add-matcher::") {
		t.Errorf("log %s", r.log.String())
	}

	// The post stage saves, and the next job's step restores.
	r.env["STATE_result"] = r.value("STATE", "result")
	if code := Post(t.Context(), r.process()); code != 0 {
		t.Fatalf("exit code %d\n%s", code, r.log.String())
	}
	if n := len(service.Entries()); n != 2 {
		t.Fatalf("%d entries in the cache service, want an index and a layer\n%s", n, r.log.String())
	}
	next := newRunner(t, f, map[string]string{"proxy": mirror.URL})
	for k, v := range service.Env() {
		next.env[k] = v
	}
	if code := Main(t.Context(), next.process()); code != 0 {
		t.Fatalf("exit code %d\n%s", code, next.log.String())
	}
	if got := next.value("OUTPUT", "restored"); got != "8" || next.value("OUTPUT", "cache-hit") != "exact" {
		t.Errorf("restored %s files\n%s", got, next.log.String())
	}
}

func TestAStepThatFailsSaysSoWhereItIsSeen(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 2000)
	dead := "http://" + mirrortest.Refused(t)
	lied := f.All()[1]
	lie := mirrortest.Corrupt(t, mirrortest.Module{Path: lied.Path, Version: lied.Version.Version}, mirrortest.OtherContent)
	lying := mirrortest.Start(t, mirrortest.Options{Fixtures: f.With(lie)}).URL
	tests := []struct {
		name   string
		inputs map[string]string
		code   int
		log    string
	}{
		{"incomplete", map[string]string{"proxy": dead, "retries": "0", "probe-timeout": "10s"}, 1, "::error title=http"},
		{"incomplete, which may be", map[string]string{"proxy": dead, "retries": "0", "fail-on": "integrity"}, 0, "::notice::incomplete"},
		{"wrong bytes", map[string]string{"proxy": lying, "fail-on": "integrity"}, 3, "::error file=go.sum,line="},
		{"a setting", map[string]string{"proxy": dead, "extract": "al"}, 2,
			`::error title=modferry cannot run::input extract: found "al", expected none, needed or all; write extract: all`},
		{"an input of the action", map[string]string{"summary": "ja"}, 2,
			`::error title=modferry cannot run::input summary: found "ja", expected true or false`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, f, tt.inputs)
			r.env["MODFERRY_CACHE"] = "off"
			if code := Main(t.Context(), r.process()); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !strings.Contains(r.log.String(), tt.log) {
				t.Errorf("log\n%s\nwant %s", r.log.String(), tt.log)
			}
			if tt.code == 2 && r.file("ENV") != "" {
				t.Errorf("exported all the same: %s", r.file("ENV"))
			}
		})
	}
}

// The step does not fail, since the next one may be go mod tidy; it does not
// look like success either.
func TestAStepOfACheckoutThatIsNotReadySaysSo(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 100)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	r := newRunner(t, f, map[string]string{"proxy": s.URL})
	sum := filepath.Join(r.env["GITHUB_WORKSPACE"], "go.sum")
	data, err := os.ReadFile(sum)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "\n")
	if err := os.WriteFile(sum, []byte(rest), 0o644); err != nil {
		t.Fatal(err)
	}
	if code := Main(t.Context(), r.process()); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got := r.value("OUTPUT", "outcome"); got != "not-ready" {
		t.Errorf("outcome %q", got)
	}
	const says = "not ready: the go command will fail: go.mod:"
	if !strings.Contains(r.log.String(), says) || !strings.Contains(r.log.String(), "::error") {
		t.Errorf("the log is\n%s", r.log.String())
	}
	if !strings.Contains(r.file("STEP_SUMMARY"), "not ready") {
		t.Errorf("the summary is\n%s", r.file("STEP_SUMMARY"))
	}
}

func TestPostWithoutMainSavesNothing(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10)
	r := newRunner(t, f, nil)
	if code := Post(t.Context(), r.process()); code != 0 || !strings.Contains(r.log.String(), "nothing saved") {
		t.Errorf("exit code %d, log %s", code, r.log.String())
	}
}

func TestPasswordsOfMirrorsAreMasked(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s, err := newStep(Process{Stdout: &log, Getenv: func(name string) string {
		return map[string]string{"GITHUB_WORKSPACE": "/w", "RUNNER_TEMP": "/t"}[name]
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.maskCredentials("https://u:p%40ss@a.test|https://token@b.test,direct")
	for _, want := range []string{"::add-mask::p@ss", "::add-mask::p%2540ss", "::add-mask::token"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log %q lacks %s", log.String(), want)
		}
	}
}

func TestPostSaysThatNothingWasSavedAndFailsNobody(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 2000)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	service := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{ghatest.Always(ghatest.Reserve, ghatest.Twirp(409, "already_exists", "taken"))}})
	r := newRunner(t, f, map[string]string{"proxy": mirror.URL})
	for k, v := range service.Env() {
		r.env[k] = v
	}
	if code := Main(t.Context(), r.process()); code != 0 {
		t.Fatalf("exit code %d\n%s", code, r.log.String())
	}
	r.env["STATE_result"] = r.value("STATE", "result")
	r.log.Reset()
	if code := Post(t.Context(), r.process()); code != 0 || !strings.Contains(r.log.String(), "\nnothing saved: cache gha: ") || strings.Contains(r.log.String(), "ok:") {
		t.Errorf("exit code %d, log\n%s", code, r.log.String())
	}
	if summary := r.file("STEP_SUMMARY"); !strings.Contains(summary, "Nothing saved to the cache gha: ") {
		t.Errorf("summary\n%s", summary)
	}
}

func TestNothingThatAStepWritesShowsWhatAServerEchoes(t *testing.T) {
	t.Parallel()
	const planted = "PLANTED.9Q"
	f := mirrortest.Generate(t, 1, 2000)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	mirror.Fault(mirrortest.Always("*.zip", mirrortest.Body("application/zip", []byte(planted+" \x1b[2K\n::add-mask::q"))))
	r := newRunner(t, f, map[string]string{"proxy": mirror.URL + "?access_token=" + planted, "report": "modferry.json", "verbose": "true"})
	if code := Main(t.Context(), r.process()); code != 1 {
		t.Fatalf("exit code %d\n%s", code, r.log.String())
	}
	saved, err := os.ReadFile(filepath.Join(r.env["GITHUB_WORKSPACE"], "modferry.json"))
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"log": r.log.String(), "summary": r.file("STEP_SUMMARY"), "outputs": r.file("OUTPUT"), "result": string(saved)} {
		for line := range strings.Lines(text) {
			if strings.Contains(line, "PLANTED") && !strings.HasPrefix(line, "::add-mask::") {
				t.Errorf("the %s shows %q", where, line)
			}
			if strings.Contains(line, "\x1b") || strings.HasPrefix(strings.TrimSpace(line), "::add-mask::q") {
				t.Errorf("the %s has %q", where, line)
			}
		}
	}
}
