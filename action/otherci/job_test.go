package otherci

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/modferry/modferry/internal/outlet"
)

// variables of jobs by their CI system; DIR is the checkout.
var variables = map[string]map[string]string{
	"Jenkins":             {"JENKINS_URL": "https://ci.example.test/", "WORKSPACE": "DIR"},
	"Buildkite":           {"BUILDKITE": "true", "BUILDKITE_BUILD_CHECKOUT_PATH": "DIR"},
	"CircleCI":            {"CIRCLECI": "true", "CIRCLE_WORKING_DIRECTORY": "DIR"},
	"Azure Pipelines":     {"TF_BUILD": "True", "BUILD_SOURCESDIRECTORY": "DIR"},
	"Bitbucket Pipelines": {"BITBUCKET_BUILD_NUMBER": "7", "BITBUCKET_CLONE_DIR": "DIR"},
	"Woodpecker":          {"CI": "woodpecker", "CI_WORKSPACE": "DIR"},
	"Drone":               {"DRONE": "true", "DRONE_WORKSPACE": "DIR"},
}

// jobOf is a job of a system with a checkout and a directory for temporary files of
// its own.
func jobOf(t *testing.T, system string) (j *Job, checkout, temp string) {
	t.Helper()
	checkout, temp = t.TempDir(), t.TempDir()
	j = Detect(func(name string) string {
		switch value := variables[system][name]; {
		case name == "AGENT_TEMPDIRECTORY":
			return temp
		case value == "DIR":
			return checkout
		default:
			return value
		}
	})
	if j == nil || j.job.Name != system || j.Checkout() != checkout {
		t.Fatalf("found %+v, expected a job of %s", j, system)
	}
	return j, checkout, temp
}

func TestFold(t *testing.T) {
	t.Parallel()
	const page, details = "ok: all 6 files\n", "\n--- details\n  more\n"
	for system := range variables {
		want := page
		switch system {
		case "Buildkite":
			want = "ok: all 6 files\n--- details of modferry fetch\n- -- details\n  more\n+++ the job goes on\n"
		case "Azure Pipelines":
			want = "ok: all 6 files\n##[group]details of modferry fetch\n- -- details\n  more\n##[endgroup]\n"
		}
		j, _, _ := jobOf(t, system)
		if got := folded(t, j, page, details); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", system, got, want)
		}
	}
	j, _, _ := jobOf(t, "Buildkite")
	if got := folded(t, j, page, ""); got != page {
		t.Errorf("a report without details became\n%s", got)
	}
	if got := folded(t, nil, page, details); got != page {
		t.Errorf("outside of CI, the report is\n%s", got)
	}
}

func folded(t *testing.T, j *Job, page, details string) string {
	t.Helper()
	var b bytes.Buffer
	w := outlet.New(&b, nil, false)
	if err := j.Fold(w, "fetch", page, details); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDetectLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	for _, env := range []map[string]string{
		nil, {"CI": "true"}, {"GITHUB_ACTIONS": "true", "JENKINS_URL": "https://ci.example.test"}, {"GITLAB_CI": "true", "CI_PROJECT_DIR": "/b"},
	} {
		j := Detect(func(name string) string { return env[name] })
		if j != nil || j.Checkout() != "" || !j.Live() || j.Hide() != nil || j.Publish(nil, nil, "") != nil {
			t.Errorf("%v is a job of another CI system", env)
		}
	}
}

func TestALiveLineNeedsALogThatIsATerminal(t *testing.T) {
	t.Parallel()
	for system := range variables {
		if j, _, _ := jobOf(t, system); j.Live() != (system == "Buildkite") {
			t.Errorf("%s: %v", system, j.Live())
		}
	}
}

func TestHide(t *testing.T) {
	t.Parallel()
	j, checkout, _ := jobOf(t, "Drone")
	ignore := filepath.Join(checkout, ".modferry", ".gitignore")
	if err := j.Hide(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(ignore)); err == nil {
		t.Error("there is a directory that nobody asked for")
	}
	if err := os.MkdirAll(filepath.Join(checkout, ".modferry", "cache"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := j.Hide(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(ignore); err != nil || string(text) != "*\n" {
		t.Errorf("git is told %q, %v", text, err)
	}
}
