package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report/text"
)

// Every check has a pair of files in testdata/checks: CHECK.txtar is what it
// finds fault with, CHECK.want what modferry doctor says. The comment of the
// archive has variables of the environment, one a line, and "args:" where the
// arguments are not "doctor --no-probe"; its files are laid over the checkout
// (checkout/…) or stand beside it. Written so, a value may name
//
//	$WORK        the directory of the pair
//	$MIRROR      a healthy mirror
//	$DEAD        a mirror that refuses connections
//	$INTERCEPTED a mirror whose certificate is from a CA that nobody trusts
//
// Where the environment says nothing else, the go command is go1.26.0 with
// default settings but one healthy-looking mirror that nobody asks.

// elsewhere are the checks that fetch and the action find, not the doctor: the tests
// that show it, and what checks.md says of them in place of an example.
var elsewhere = map[string]struct{ shown, text string }{
	"cache-poisoned": {"internal/fetch/poisoned_test.go", `
The go command would have built with these bytes. They are removed and brought
again. Find out who writes into this module cache: a job that others may run, or
a cache between jobs that pull requests fill.`},
	"zip-not-extractable": {"internal/fetch/run_test.go", `
The zip is the one that go.sum names, so another mirror does not help: it breaks
the rules for module zips, or a name in it is longer than this file system
allows. A build that uses the module fails. Require another version, or for a
long name, put GOMODCACHE into a directory with a shorter path.`},
	"info-missing": {"internal/fetch/run_test.go", `
Builds work without them. What fails is go list -m -json without a network: if
you need it, run modferry again when the mirror has them.`},
	"import-ambiguous": {"internal/fetch/importcases_test.go", `
The build stops with “ambiguous import”. Most often the package has moved into a
module of its own: require a version of the older module that no longer has it,
with go get, and run go mod tidy.`},
	"scope-build": {"internal/fetch/importcases_test.go", `
Nothing is lacking afterwards, but more is downloaded than builds read. It ends
when the Go files are there, as with COPY . . before the step in a Dockerfile, or
when go mod tidy leaves one version of each module.`},
	"relay-unverified": {"internal/relay/sumdb_test.go", `
Neither go.sum nor a checksum database names them: GOSUMDB is off, or GONOSUMDB
or GOPRIVATE matches. Narrow these settings, or add --strict (MODFERRY_STRICT),
which refuses such files.`},
	"import-strange": {"internal/fetch/export_unix_test.go", `
They are links, devices, or names that no proxy has, and they are not imported.
Give import the directory that modferry export wrote, and nothing else.`},
	"mirror-certificates": {"internal/fetch/rules_test.go", `
They stand in the configuration file. A go command that contacts this mirror by
itself fails: run the steps that download more with modferry exec -- CMD.`},
	"credentials-refused": {"internal/fetch/refusals_test.go", `
They were sent and answered with 401 or 403. Put a valid login and password or
token into netrc, or into the secret that fills it. A password with ${ in it is a
variable that nothing has replaced with its value.`},
	"relay-missing": {"action/github/native_test.go", `
Builds go on: later go commands ask the mirrors directly, without retries, and
what they download is not in the report. The finding says what happened: a step
may have ended all processes of the job, or the machine ran out of memory.`},
	"modcache-unseen": {"action/github/host_test.go", `
GOMODCACHE names a directory of the machine that the container of the step does
not have, so modferry uses one that later steps see, and exports it. To choose it,
set the input modcache to a path below the runner's temporary directory.`},
	"directory-unreadable": {"internal/worklist/find_test.go", `
Modules in it are not looked for. Make it readable for the user of the step, or
name the modules with --modules (MODFERRY_MODULES, input modules).`}, // root can read all
}

const doctorPairs = "../../testdata/checks"

func TestDoctorPairs(t *testing.T) {
	t.Parallel()
	var names []string
	for _, r := range finding.Rules() {
		if elsewhere[r.Check].shown == "" {
			names = append(names, r.Check)
		}
	}
	files, err := filepath.Glob(filepath.Join(doctorPairs, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, f := range files {
		have = append(have, strings.TrimSuffix(filepath.Base(f), ".txtar"))
	}
	slices.Sort(names)
	slices.Sort(have)
	if diff := cmp.Diff(names, have); diff != "" {
		t.Errorf("the pairs in %s are not those of the checks (-checks +pairs)\n%s", doctorPairs, diff)
	}
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the pairs have the paths, file modes and error texts of Unix")
	}
	f := mirrortest.Generate(t, 3, 1<<10)
	variables := map[string]string{
		"MIRROR":      mirrortest.Start(t, mirrortest.Options{Fixtures: f}).URL,
		"DEAD":        "http://" + mirrortest.Refused(t),
		"INTERCEPTED": mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2, Cert: mirrortest.UnknownAuth}).URL,
	}
	for _, r := range finding.Rules() {
		if elsewhere[r.Check].shown != "" {
			continue
		}
		t.Run(r.Check, func(t *testing.T) {
			t.Parallel()
			name := filepath.Join(doctorPairs, r.Check)
			pair, err := txtar.ParseFile(name + ".txtar")
			if err != nil {
				t.Fatal(err)
			}
			got := consult(t, f, pair, variables)
			if !strings.Contains(got, " "+r.Code+" "+r.Check+": ") {
				t.Errorf("the doctor does not find %s %s:\n%s", r.Code, r.Check, got)
			}
			golden(t, name+".want", []byte(got))
		})
	}
}

// consult lays a pair out, runs its command and returns what it prints, without
// what differs from run to run.
func consult(t *testing.T, f *mirrortest.Fixtures, pair *txtar.Archive, variables map[string]string) string {
	t.Helper()
	work, err := filepath.EvalSymlinks(t.TempDir()) // as the doctor names programs; macOS has a link there
	if err != nil {
		t.Fatal(err)
	}
	replace := []string{"$WORK", work}
	for name, value := range variables {
		replace = append(replace, "$"+name, value)
	}
	expand := strings.NewReplacer(replace...)
	checkout := filepath.Join(work, "checkout")
	f.WriteCheckout(t, checkout, mirrortest.Checkout{})
	put := func(name, data string) {
		name = filepath.Join(work, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("goroot/VERSION", "go1.26.0\ntime 2026-02-10T00:00:00Z\n")
	put("goroot/go.env", "GOPROXY=https://goproxy.example.test\nGOSUMDB="+goenv.DefaultSumDB+"\nGOTOOLCHAIN=auto\n")
	put("bin/go", "")
	for _, file := range pair.Files {
		put(file.Name, expand.Replace(string(file.Data)))
	}

	environment := map[string]string{
		"GOROOT": filepath.Join(work, "goroot"), "GOENV": "off", "HOME": filepath.Join(work, "home"), "GOWORK": "off",
		"GOMODCACHE": filepath.Join(work, "modcache"), "PATH": filepath.Join(work, "bin"),
	}
	args := []string{"doctor", "--no-probe"}
	for line := range strings.Lines(string(pair.Comment)) {
		line = strings.TrimSuffix(line, "\n")
		if list, ok := strings.CutPrefix(line, "args: "); ok {
			args = strings.Fields(expand.Replace(list))
		} else if name, ok := strings.CutPrefix(line, "open to all: "); ok {
			if err := os.Chmod(filepath.Join(work, name), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if name, value, ok := strings.Cut(line, "="); ok {
			environment[name] = expand.Replace(value)
		}
	}
	if !slices.Contains(args, "-C") {
		args = append(args, "-C", checkout)
	}
	p := process{
		stdin: strings.NewReader(""), stderr: new(bytes.Buffer),
		getenv:  func(name string) string { return environment[name] },
		environ: func() []string { return nil },
	}
	// Through the JSON, so that where the pair lies breaks no line elsewhere.
	var stdout bytes.Buffer
	p.stdout = &stdout
	run(t.Context(), append(args, "--quiet", "--json", "-"), p)
	data := stdout.String()
	for name, value := range variables {
		data = strings.ReplaceAll(data, value, "$"+name)
		data = strings.ReplaceAll(data, value[strings.Index(value, "://")+3:], "$"+name)
	}
	data = strings.ReplaceAll(data, goenv.DefaultProxy, "$GOPROXY_OF_GO")
	res := decode(t, []byte(strings.ReplaceAll(data, work, "$WORK")))
	if strings.HasPrefix(res.Started, "0001-") {
		t.Errorf("the run began at %s", res.Started)
	}
	res.Totals.MS = 0
	var b bytes.Buffer
	if err := text.Diagnosis(&b, res, text.Options{Width: 110}); err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(b.String(), "\n\nMirrors\n")
	text, _, _ = strings.Cut(text, "\n\nSettings\n")
	return strings.TrimSuffix(text, "\n") + "\n"
}

// golden compares with a file, or rewrites it under -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; -update rewrites it)\n%s", name, diff)
	}
}

// checksDoc is made from the rules and the pairs, so that it shows what the
// doctor really says.
const checksDoc = "../../docs/checks.md"

func TestDocsHaveEveryCheck(t *testing.T) {
	// Not in parallel: with -update it reads what the other test writes.
	t.Cleanup(func() {
		if !t.Failed() {
			golden(t, checksDoc, renderChecks(t))
		}
	})
}

func renderChecks(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(checksHead)
	group := ""
	for _, r := range finding.Rules() {
		if r.Group != group {
			group = r.Group
			fmt.Fprintf(&b, "\n## %s\n", group)
		}
		fmt.Fprintf(&b, "\n<a id=%q></a>\n\n### %s %s\n\n%s\n", strings.ToLower(r.Code), r.Code, r.Check, r.Title)
		if e := elsewhere[r.Check]; e.shown != "" {
			if _, err := os.Stat("../../" + e.shown); err != nil {
				t.Error(err)
			}
			b.WriteString("`modferry fetch` or the action finds this, not `modferry doctor`.\n" + e.text + "\n")
			continue
		}
		name := filepath.Join(doctorPairs, r.Check)
		input, err := os.ReadFile(name + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		said, err := os.ReadFile(name + ".want")
		if err != nil {
			t.Fatal(err)
		}
		for block := range strings.SplitSeq(string(said), "\n\n") {
			if strings.Contains(block, " "+r.Code+" ") {
				fmt.Fprintf(&b, "\n```text\n%s\n```\n\n```text\n%s\n```\n", strings.TrimSpace(string(input)), strings.TrimSpace(withoutSee.ReplaceAllString(block, "")))
				break
			}
		}
	}
	return b.Bytes()
}

// withoutSee is the line that leads to the very page.
var withoutSee = regexp.MustCompile(`\n +see: .*`)

const checksHead = `# What modferry checks

<!-- Made by go test ./cmd/modferry -run 'Doctor|Docs' -update from internal/finding/rules.go and testdata/checks. -->

` + "`modferry doctor`" + ` and every other command that reads the configuration identify each finding by a code whose meaning
never changes. MF1xx are settings, MF2xx the checkout, MF3xx mirrors and the machine. An *error* makes builds fail, or
cannot be what was meant (` + "`doctor`" + ` exits with 2). A *warning* works, but not in the way its author thinks. *Info* is
worth knowing.

For each check there is an example: the variables and files that lead to the finding, and what ` + "`modferry doctor`" + ` says.
Tests compare these statements with the real go command; common misconceptions about it are in
[Folklore, checked](folklore.md).
`
