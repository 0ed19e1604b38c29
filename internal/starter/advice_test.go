package starter

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/diskfile"
)

// checkout is one with a module and these files: name, text, name, text, ….
func checkout(t *testing.T, files ...string) *Checkout {
	t.Helper()
	dir := diskfile.Real(t.TempDir())
	if !slices.Contains(files, "go.mod") {
		files = append(files, "go.mod", "module example.test/m\n\ngo 1.26.0\n")
	}
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(dir, filepath.FromSlash(files[i]))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Look(dir, dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const ci = ".github/workflows/ci.yml"

// job is a workflow of one job, with these lines.
func job(lines ...string) string {
	return "on: push\njobs:\n  test:\n    " + strings.Join(lines, "\n    ") + "\n"
}

func TestTheEntryFollowsTheRunner(t *testing.T) {
	t.Parallel()
	const test = "steps: [{run: go test ./...}]"
	for _, tt := range []struct{ name, workflow, want string }{
		{"Linux", job("runs-on: ubuntu-latest", test), containerEntry},
		{"Windows", job("runs-on: windows-latest", test), nativeEntry},
		{"Windows, with its line ends", strings.ReplaceAll(job("runs-on: windows-2022", test), "\n", "\r\n"), nativeEntry},
		{"macOS", job("runs-on: macos-14", test), nativeEntry},
		{"one of its own", job("runs-on: [self-hosted, macOS, ARM64]", test), nativeEntry},
		{"a list", job("runs-on:", "  - self-hosted", "  - windows", test), nativeEntry},
		{"a group", job("runs-on:", "  group: big", "  labels: windows-8core", test), nativeEntry},
		{"a matrix", job("strategy:", "  matrix:", "    os: [ubuntu-latest, windows-latest]", "runs-on: ${{ matrix.os }}", test), nativeEntry},
		{"a matrix of words", job("runs-on: ${{ matrix.os }}-latest", "strategy: {matrix: {os: [ubuntu, macos]}}", test), nativeEntry},
		{"a matrix of Linux", job("strategy: {matrix: {os: [ubuntu-24.04, ubuntu-22.04]}}", "runs-on: ${{ matrix.os }}", test), containerEntry},
		{"another system to build for", job("runs-on: ubuntu-latest", "env: {GOOS: windows}", "steps: [{run: go build ./...}]"), containerEntry},
		{"a remark", job("runs-on: ubuntu-latest # not windows", test), containerEntry},
		{"a job that builds something else", job("runs-on: ubuntu-latest", test) + "  icons:\n    runs-on: macos-latest\n    steps: [{run: make icons}]\n", containerEntry},
		{"flow style", "jobs: {test: {runs-on: windows-latest, steps: [{run: go test ./...}]}}\n", nativeEntry},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := checkout(t, ci, tt.workflow).Advice()
			if a == nil {
				t.Fatal("no advice")
			}
			if want := "  - uses: " + tt.want + " "; !strings.Contains(a.Text, want) {
				t.Errorf("advises\n%s, not %s", a.Text, want)
			}
		})
	}
}

func TestWhatBuildsWithGo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file, text string
		want             bool
	}{
		{"go test", ci, job("steps: [{run: go test ./...}]"), true},
		{"in a directory", ci, job("steps: [{run: go -C api vet ./...}]"), true},
		{"make behind setup-go", ci, job("steps: [{uses: 'actions/setup-go@v6'}, {run: make test}]"), true},
		{"a file whose name is no plain one", ".github/workflows/my ci.yaml", job("steps: [{run: go test}]"), true},
		{"another language", ci, job("steps: [{run: cargo test}]"), false},
		{"a comment", ci, job("steps:", "  - run: make # go test"), false},
		{"the name of a step", ci, job("steps:", "  - name: go test", "    run: make"), false},
		{"no workflow", ".github/workflows/notes.txt", "go test", false},
		{"GitLab", gitlabFile, "test:\n  script:\n    - go test ./...\n", true},
		{"GitLab's image", gitlabFile, "image: docker.io/library/golang:1.26\ntest: {script: make}\n", true},
		{"GitLab without Go", gitlabFile, "test:\n  script: [make]\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := checkout(t, tt.file, tt.text).Advice()
			if got := a != nil; got != tt.want {
				t.Fatalf("advice %+v, expected %v", a, tt.want)
			}
			shown := tt.file
			if strings.Contains(shown, " ") {
				shown = strconv.Quote(shown) // a terminal gets no name that is more than that
			}
			if a != nil && !strings.Contains(a.Say, " "+shown+" ") {
				t.Errorf("says %q, expected it to name %s", a.Say, shown)
			}
		})
	}
}

// Where modferry is there, nothing more is put there.
func TestModferryIsThere(t *testing.T) {
	t.Parallel()
	const done = "modferry is in .github/workflows/ci.yml already: there is nothing to do."
	setup := func(more ...string) string {
		return job(append([]string{"runs-on: ubuntu-latest", "steps:", "  - uses: actions/setup-go@v7", "    with: {cache: false}"}, more...)...)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"the container action", setup("  - uses: modferry/modferry@v1", "  - run: go test ./..."), ""},
		{"by a commit", setup("  - uses: 'modferry/modferry@0123456789abcdef' # v1.2.3"), ""},
		{"at another forge", setup("  - uses: https://git.example.test/tools/modferry@v1"), ""},
		{"the native entry", strings.Replace(setup("  - uses: modferry/modferry/action/native@v1"), "ubuntu", "windows", 1), ""},
		{"the program", setup("  - run: modferry exec -- go test ./..."), ""},
		{"the container action on Windows", strings.Replace(setup("  - uses: modferry/modferry@v1"), "ubuntu", "windows", 1), "write uses: " + nativeEntry},
		{"setup-go's cache", strings.Replace(setup("  - uses: modferry/modferry@v1"), "cache: false", "go-version: stable", 1), "write cache: false"},
		{"go mod download", setup("  - uses: modferry/modferry@v1", "  - run: go mod download"), "drop go mod download"},
		{"a second cache", setup("  - uses: modferry/modferry@v1", "  - uses: actions/cache@v5", "    with: {path: ~/go/pkg/mod}"), "drop go/pkg/mod"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := checkout(t, ci, tt.text).Advice()
			switch {
			case a == nil || a.Text != "":
				t.Fatalf("advice %+v", a)
			case tt.want == "" && (a.Say != done || len(a.Changes) > 0):
				t.Errorf("says %q %q, expected %q", a.Say, a.Changes, done)
			case tt.want != "" && (len(a.Changes) != 1 || !strings.HasPrefix(a.Changes[0], ci+": "+tt.want)):
				t.Errorf("says %q, expected %q", a.Changes, tt.want)
			}
		})
	}
}

func TestGitLabHasModferry(t *testing.T) {
	t.Parallel()
	c := checkout(t)
	c.CI = GitLab
	const want = "modferry is in .gitlab-ci.yml already: there is nothing to do."
	if a := checkout(t, gitlabFile, c.Text()).Advice(); a == nil || a.Say != want || a.Text != "" || len(a.Changes) > 0 {
		t.Errorf("advice %+v, expected %q", a, want)
	}
}

// Workflows without modferry are told from those with it.
func TestSeveralWorkflows(t *testing.T) {
	t.Parallel()
	c := checkout(t, ci, job("steps: [{uses: modferry/modferry@v1}, {run: go test}]"),
		".github/workflows/release.yml", job("steps: [{run: go build}]"))
	a := c.Advice()
	if want := "modferry is in .github/workflows/ci.yml already. Jobs of .github/workflows/release.yml build with Go without it."; a == nil || !strings.Contains(a.Say, want) {
		t.Errorf("advice %+v, expected %q", a, want)
	}
	// One system's workflows say nothing about the other's.
	if c.CI = GitLab; c.Advice() != nil {
		t.Errorf("advice %+v for GitLab", c.Advice())
	}
}

// Modules that look private are named once.
func TestPrivateModulesOfAWorkflowThatIsThere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		job("steps: [{run: go test}]"):                                       "env:\n  GOPRIVATE: \"git.acme.corp\"\nsteps:\n",
		"env: {GOPRIVATE: git.acme.corp}\n" + job("steps: [{run: go test}]"): "steps:\n",
	} {
		c := checkout(t, ci, text)
		c.Private = []string{"git.acme.corp"}
		if a := c.Advice(); !strings.HasPrefix(a.Text, want) {
			t.Errorf("advises\n%s, expected it to begin with\n%s", a.Text, want)
		}
	}
}

// setup-go installs one Go, which may not fetch another one: all modules must be
// content with it.
func TestTheJobGetsAGoForEveryModule(t *testing.T) {
	t.Parallel()
	module := func(path string, lines ...string) string {
		return "module example.test/" + path + "\n\n" + strings.Join(lines, "\n") + "\n"
	}
	for _, tt := range []struct {
		name  string
		files []string
		wants []string
	}{
		{"the newest of several", []string{"go.mod", module("m", "go 1.9"), "api/go.mod", module("api", "go 1.25"), "web/go.mod", module("web", "go 1.26.2")},
			[]string{"go.mod asks for Go 1.9, which the job gets", "modules of their own, which the workflow leaves out: api, web"}},
		{"the toolchain line", []string{".github/x", "", "go.mod", module("m", "go 1.25.0", "toolchain go1.26.3")},
			[]string{"go.mod asks for Go 1.25.0 and names the toolchain go1.26.3, which the job gets"}},
		{"the toolchain line, where a container image has Go", []string{".gitlab-ci.yml", "", "go.mod", module("m", "go 1.25.0", "toolchain go1.26.3")},
			[]string{"go.mod asks for Go 1.25.0, which the job gets"}},
		{"no go line", []string{"go.mod", module("m")}, []string{"nothing asks for a version of Go: the job gets the newest"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := checkout(t, tt.files...).Remarks(); !slices.Equal(got, tt.wants) {
				t.Errorf("%q, want %q", got, tt.wants)
			}
		})
	}
	t.Run("the newest of several without one at the top", func(t *testing.T) {
		t.Parallel()
		c := checkout(t, "go.mod", module("m", "go 1.9"), "api/go.mod", module("api", "go 1.9"), "web/go.mod", module("web", "go 1.26.2"))
		_ = os.Remove(filepath.Join(c.Root, "go.mod"))
		c, err := Look(c.Root, c.Root)
		if err != nil {
			t.Fatal(err)
		}
		if text := c.Text(); !strings.Contains(text, "go-version-file: web/go.mod,") {
			t.Error(text)
		}
	})
}
