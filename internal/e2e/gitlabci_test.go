package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// The first job brings the modules and keeps them; the others have them from
// GitLab's cache and ask nobody, in a job that extends ours and in one that
// takes parts of it.
func TestAPipelineOfGitLabBuildsOfflineFromWhatItsFirstJobPrepared(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, "")
	p.jobs = `
build:
  stage: build
  extends: .modferry
  variables: {GOMODCACHE: ` + filepath.Join(p.modules, "build") + `}
  script:
    - test -z "$(git status --porcelain .modferry)"
    - export GOPROXY=off
    - go build ./...
    - go vet ./...
vet:
  stage: build
  variables: {GOMODCACHE: ` + filepath.Join(p.modules, "vet") + `}
  cache:
    - !reference [.modferry, cache]
    - key: go-build
      paths: [.go-build]
  before_script:
    - !reference [.modferry, before_script]
    - echo "the chain is $GOPROXY"
  script:
    - GOPROXY=off go list -deps ./...
`
	p.commit(p.template(true), "local: templates/modferry.yml")
	log := p.mustRun("modferry")
	for _, want := range []string{"all downloaded and verified", "saved to the cache", "cache created in"} {
		if !strings.Contains(log, want) {
			t.Errorf("the first job does not say %q:\n%s", want, tail([]byte(log)))
		}
	}
	if got, want := string(p.file("modferry", ".modferry/reports/modferry.env")), "GOPROXY="+p.mirror.URL+"\n"; !strings.HasPrefix(got, want) {
		t.Errorf("later jobs get %q, want %q", got, want)
	}
	ours, err := os.ReadFile(binary)
	if err != nil || !bytes.Equal(ours, p.file("modferry", ".modferry/bin/modferry")) {
		t.Errorf("the program handed over is another one: %v", err)
	}

	p.mirror.Forget()
	log = p.mustRun("build", "vet")
	if n := len(p.mirror.Requests()); n > 0 {
		t.Errorf("later jobs asked the mirror %d times\n%s", n, tail([]byte(log)))
	}
	if n := strings.Count(log, "from the cache"); n < 2 || !strings.Contains(log, "exact hit") || !strings.Contains(log, "the chain is "+p.mirror.URL) {
		t.Errorf("the cache, or the variables, did not arrive:\n%s", tail([]byte(log)))
	}

	// Once more: what is kept is not kept twice.
	log = p.mustRun("modferry")
	if !strings.Contains(log, "the cache already has everything") {
		t.Errorf("the second pipeline saves again:\n%s", tail([]byte(log)))
	}
}

// A mirror that fails for one module: the job fails with 1, which the template
// has tried again, and the reports name the module and its file in the
// repository.
func TestAFailingMirrorIsReportedAtItsLineToGitLab(t *testing.T) {
	t.Parallel()
	const lost = "github.com/spf13/pflag"
	p := newPipeline(t, "tools/cli")
	p.inputs = map[string]string{"working-directory": "tools/cli", "key-files": "[tools/cli/go.sum]", "flags": "--retries 0"}
	p.mirror.Fault(mirrortest.Always("/"+lost+"/*.zip", mirrortest.Status(503)))
	p.commit(p.template(true), "local: templates/modferry.yml")
	ok, log := p.run("modferry")
	if ok || !strings.Contains(log, "incomplete: ") || !strings.Contains(log, " FAIL 1 ") {
		t.Fatalf("the job did not end with 1\n%s", tail([]byte(log)))
	}
	file, line := "tools/cli/go.mod", lineOf(t, filepath.Join(p.dir, "tools/cli/go.mod"), lost+" ")

	var issues []struct {
		Check    string `json:"check_name"`
		Severity string
		Location struct {
			Path  string
			Lines struct{ Begin int }
		}
	}
	if err := json.Unmarshal(p.file("modferry", ".modferry/reports/gl-code-quality-report.json"), &issues); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, i := range issues {
		if i.Check == "modferry/server_error" {
			found++
			// The mirror is at fault and no line is; Code Quality wants one.
			if i.Location.Path != file || i.Location.Lines.Begin != 1 || i.Severity != "critical" {
				t.Errorf("Code Quality has %+v, expected %s:1", i, file)
			}
		}
	}
	if found != 1 {
		t.Errorf("Code Quality has %d entries about the mirror, expected 1: %+v", found, issues)
	}

	var tests struct {
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Text string `xml:",chardata"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(p.file("modferry", ".modferry/reports/junit.xml"), &tests); err != nil {
		t.Fatal(err)
	}
	var failed, mirrors []string
	for _, s := range tests.Suites {
		for _, c := range s.Cases {
			if s.Name == "mirrors" {
				mirrors = append(mirrors, c.Name)
			}
			if s.Name == "modules" && c.Failure != nil {
				at, _, _ := strings.Cut(c.Failure.Text, "\n")
				failed = append(failed, c.Name+" "+at)
			}
		}
	}
	if len(failed) != 1 || !strings.HasPrefix(failed[0], lost+"@") || !strings.HasSuffix(failed[0], fmt.Sprintf(" %s:%d", file, line)) {
		t.Errorf("JUnit has the failed modules %q", failed)
	}
	if !slices.Equal(mirrors, []string{p.mirror.URL}) {
		t.Errorf("JUnit has the mirrors %q", mirrors)
	}
	if res, err := report.Decode(bytes.NewReader(p.file("modferry", ".modferry/reports/result.json"))); err != nil || res.Outcome != report.Incomplete {
		t.Errorf("the result is %v, %v", res, err)
	}
}

// Wrong bytes fail the job with 3, which the template never has tried again.
func TestWrongBytesAreABlockerOnGitLab(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, "")
	p.mirror.Fault(mirrortest.Always("/github.com/spf13/pflag/*.zip", mirrortest.Edit(func(body []byte) []byte {
		return bytes.Replace(body, []byte("LICENSE"), []byte("License"), -1)
	})))
	p.commit(p.template(true), "local: templates/modferry.yml")
	ok, log := p.run("modferry")
	if ok || !strings.Contains(log, "integrity failure: ") || !strings.Contains(log, " FAIL 3 ") {
		t.Errorf("the job did not end with 3\n%s", tail([]byte(log)))
	}
	if !bytes.Contains(p.file("modferry", ".modferry/reports/gl-code-quality-report.json"), []byte(`"severity": "blocker"`)) {
		t.Error("Code Quality has no blocker")
	}
}

// The template as it is fits GitLab's schema in each way of including it.
func TestTheTemplateCanBeIncludedByGitLab(t *testing.T) {
	t.Parallel()
	for name, include := range map[string]string{
		"local":     "local: templates/modferry.yml",
		"component": "component: $CI_SERVER_FQDN/group/app/modferry@$CI_COMMIT_SHA",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPipeline(t, "")
			p.inputs = map[string]string{"retries": "2", "artifacts": "[.modferry/bin, .modferry/reports, .modferry/cache]", "scope": "build"}
			p.jobs = "build: {stage: build, extends: .modferry, script: [go build ./...]}\n"
			p.commit(p.template(false), include)
			list := p.mustRun("--list-all")
			preview := p.mustRun("--preview")
			for _, want := range []string{"modferry", "build"} {
				if !strings.Contains(list, want) {
					t.Errorf("there is no job %s:\n%s", want, list)
				}
			}
			for _, want := range []string{"image: modferry:test", "max: 2", "- .modferry/cache", "prefix: modferry", "--scope build"} {
				if !strings.Contains(strings.ReplaceAll(preview, "name: modferry:test", "image: modferry:test"), want) {
					t.Errorf("the pipeline does not have %q:\n%s", want, tail([]byte(preview)))
				}
			}
		})
	}
}

// lineOf is the number of the first line of a file that has text.
func lineOf(t *testing.T, name, text string) int {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for n := 1; s.Scan(); n++ {
		if strings.Contains(s.Text(), text) {
			return n
		}
	}
	t.Fatalf("%s has no line with %s", name, text)
	return 0
}
