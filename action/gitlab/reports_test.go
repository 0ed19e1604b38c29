package gitlab

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv/assign"
	"github.com/modferry/modferry/internal/report"
)

// missingResult is a result with a module that could not be obtained.
func missingResult(message string) *report.Result {
	return &report.Result{
		Schema: report.Schema, Outcome: report.Incomplete, Message: "1 file is missing",
		Mirrors: []report.Mirror{{URL: "https://goproxy.example.test", State: report.Failing, Class: failure.Refused, Reason: message}},
		Modules: []report.Module{{
			Path: "example.test/m", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromFailed, Class: failure.NotFound,
			Message: message, File: "go.sum", Line: 7,
			Attempts: []report.Attempt{{Mirror: "https://goproxy.example.test", Class: failure.NotFound, Detail: message}},
		}},
		Totals: report.Totals{Modules: 1, BySource: map[string]int{report.FromFailed: 1}},
	}
}

// exports are variables in pairs of name and value.
func exports(pairs ...string) []assign.Variable {
	var out []assign.Variable
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, assign.Variable{Name: pairs[i], Value: pairs[i+1]})
	}
	return out
}

// reportFiles are the reports by name.
func reportFiles(t *testing.T, g *Job, r Reports) (map[string]string, []string) {
	t.Helper()
	files, remarks := g.render(r)
	out := map[string]string{}
	for _, f := range files {
		if f.data != nil {
			out[f.name] = string(f.data)
		}
	}
	return out, remarks
}

func TestReportsAreThoseThatTheTemplateNames(t *testing.T) {
	t.Parallel()
	g := gitLabJob(t)
	files, remarks := reportFiles(t, g, Reports{
		Result: missingResult("no route to host"), Root: filepath.Join(g.project, "services", "api"), Dir: filepath.Join(g.project, ".modferry", "reports"),
		Exports: exports("GOPROXY", "https://goproxy.example.test|direct", "GOPRIVATE", "corp.example.test/*", "GOMODCACHE", "/builds/mod"),
	})
	if len(remarks) > 0 {
		t.Errorf("remarks: %q", remarks)
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	if len(names) != 7 {
		t.Errorf("the files are %v", names)
	}
	for _, name := range []string{"annotations.json", "modferry.env"} {
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(files[name]), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), files[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	var list []struct {
		Location struct {
			Path  string
			Lines struct{ Begin int }
		}
	}
	if err := json.Unmarshal([]byte(files[fileCodeQuality]), &list); err != nil || len(list) != 1 ||
		list[0].Location.Path != "services/api/go.sum" || list[0].Location.Lines.Begin != 7 {
		t.Errorf("Code Quality has %s, %v", files[fileCodeQuality], err)
	}
	if !strings.Contains(files[fileJUnit], ">services/api/go.sum:7") {
		t.Errorf("JUnit has no position in the repository:\n%s", files[fileJUnit])
	}
}

func TestOutsideGitLabReportsStandOnTheirOwn(t *testing.T) {
	t.Parallel()
	files, remarks := reportFiles(t, nil, Reports{Result: missingResult("x"), Root: t.TempDir(), Dir: t.TempDir(), Exports: exports("GOPROXY", "direct")})
	if len(files) != 5 || files[fileAnnotations]+files[fileDotenv] != "" || len(remarks) > 0 || !strings.Contains(files[fileJUnit], ">go.sum:7") {
		t.Errorf("%d files, remarks %q", len(files), remarks)
	}
}

func TestWithoutAPlaceForArtifactsThereAreNoLinks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		url, dir, remark string
	}{
		"a directory elsewhere": {"https://gitlab.example.test/-/jobs/1", "/tmp/reports", "not in the project's directory"},
		"no address":            {"", "", "CI_JOB_URL is not the address"},
		"a script":              {"javascript:alert(1)", "", "CI_JOB_URL is not the address"},
		"credentials":           {"https://me:secret@gitlab.example.test/-/jobs/1", "", "CI_JOB_URL is not the address"},
	} {
		g := gitLabJob(t, "CI_JOB_URL", test.url)
		if test.dir == "" {
			test.dir = filepath.Join(g.project, "r")
		}
		files, remarks := reportFiles(t, g, Reports{Result: missingResult("x"), Dir: test.dir})
		if files[fileAnnotations] != "" || len(remarks) != 1 || !strings.Contains(remarks[0], test.remark) || strings.Contains(remarks[0], "secret") {
			t.Errorf("%s: %q, %q", name, files[fileAnnotations], remarks)
		}
	}
}

func TestLinksLeadToTheArtifact(t *testing.T) {
	t.Parallel()
	g := gitLabJob(t)
	files, _ := reportFiles(t, g, Reports{Result: missingResult("x"), Dir: filepath.Join(g.project, "a dir", "50%#")})
	if !strings.Contains(files[fileAnnotations], "/-/jobs/47/artifacts/file/a%20dir/50%25%23/report.html") {
		t.Error(files[fileAnnotations])
	}
}

func TestVariablesThatLaterJobsCannotGetAreTold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		value, remark string // "" when it is handed over
	}{
		"a chain":            {"https://a.test,https://b.test/go|direct", ""},
		"a password":         {"https://me:hunter2-secret@a.test|direct", "masked variable"},
		"a token":            {"https://hunter2-secret@a.test", "masked variable"},
		"a reference":        {"https://a.test/$CI_JOB_TOKEN", "reference"},
		"a second line":      {"https://a.test\nPATH=/tmp", "control character"},
		"a carriage return":  {"https://a.test\rPATH=/tmp", "control character"},
		"blanks at the end":  {"https://a.test ", "blank"},
		"more than it takes": {"https://a.test/" + strings.Repeat("x", 5<<10), "which is what GitLab takes"},
	} {
		text, left := dotenv(exports("GOSUMDB", "off", "GOPROXY", test.value, "GOPRIVATE", "corp.test"))
		want := "GOSUMDB=off\nGOPRIVATE=corp.test\n"
		if test.remark == "" {
			want = "GOSUMDB=off\nGOPROXY=" + test.value + "\nGOPRIVATE=corp.test\n"
		}
		if string(text) != want || (len(left) == 0) != (test.remark == "") {
			t.Errorf("%s: %q, %q", name, text, left)
		}
		for _, l := range left {
			if !strings.HasPrefix(l, "GOPROXY is not passed to later jobs: ") || !strings.Contains(l, test.remark) || strings.Contains(l, "hunter2") {
				t.Errorf("%s: %q", name, l)
			}
		}
	}
	if text, left := dotenv(exports("GOMODCACHE", "/mod", "GOFLAGS", "-modcacherw")); text != nil || left != nil {
		t.Errorf("of what is for this machine: %q, %q", text, left)
	}
}

// What servers say reaches no report as a mark of GitLab's log, as a secret, or
// as anything but text.
func TestReportsOfHostileTextAreHarmless(t *testing.T) {
	t.Parallel()
	g := gitLabJob(t)
	evil := "a\r\x1b[0Ksection_start:1:evil[collapsed=true]\r\x1b[0K<script>alert(1)</script>\n/close\n::error::x https://u:hunter2-secret@h/ glpat-abcdefghij0123456789 ]]>"
	files, _ := reportFiles(t, g, Reports{Result: missingResult(evil), Root: g.project, Dir: filepath.Join(g.project, "r"), Exports: exports("GOPROXY", "direct")})
	delete(files, fileResult) // a result is redacted where it is made
	for name, text := range files {
		if strings.ContainsAny(text, "\x1b\r") || strings.Contains(text, "hunter2") || strings.Contains(text, "glpat-abc") {
			t.Errorf("%s: %q", name, text)
		}
		if strings.HasSuffix(name, ".html") && strings.Contains(text, "<script>alert") {
			t.Errorf("%s has a script of somebody else's", name)
		}
	}
}

// The metrics are lines that GitLab's parser of metrics reports reads.
func TestMetricsAreLinesOfNameAndValue(t *testing.T) {
	t.Parallel()
	g := gitLabJob(t)
	files, _ := reportFiles(t, g, Reports{Result: missingResult("x"), Root: g.project, Dir: filepath.Join(g.project, "r")})
	sample := regexp.MustCompile(`^[a-z_]+(\{.*\})? [0-9.e+-]+$`)
	for line := range bytes.Lines([]byte(files[fileMetrics])) {
		if line = bytes.TrimSuffix(line, []byte("\n")); !bytes.HasPrefix(line, []byte("# ")) && !sample.Match(line) {
			t.Errorf("line %q", line)
		}
	}
}
