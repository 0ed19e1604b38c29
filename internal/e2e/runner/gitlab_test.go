//go:build linux

package runner

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// gitLabShell is the command of a job's container: the shell that there is gets
// the job's script on its standard input (gitlab-runner, shells/bash.go:
// BashDetectShellScript).
const gitLabShell = `if [ -x /usr/local/bin/bash ]; then
	exec /usr/local/bin/bash 
elif [ -x /usr/bin/bash ]; then
	exec /usr/bin/bash 
elif [ -x /bin/bash ]; then
	exec /bin/bash 
elif [ -x /usr/local/bin/sh ]; then
	exec /usr/local/bin/sh 
elif [ -x /usr/bin/sh ]; then
	exec /usr/bin/sh 
elif [ -x /bin/sh ]; then
	exec /bin/sh 
elif [ -x /busybox/sh ]; then
	exec /busybox/sh 
else
	echo shell not found
	exit 1
fi

`

// gitLabProject is where jobs have the project.
const gitLabProject = "/builds/group/app"

// gitLabJob is a job as GitLab's runner starts it with Docker.
type gitLabJob struct {
	image   string
	user    string // of the container, "" for the image's
	network string // "" for the host's
	env     map[string]string
	project string   // its directory on the host
	script  []string // before_script and script
}

// gitLab runs a job: the image's entry point stays, the working directory is not
// the image's, the script comes on standard input.
func (s *imageStore) gitLab(t *testing.T, j gitLabJob) output {
	t.Helper()
	args := []string{"run", "--rm", "-i", "--pull=never", "--workdir", gitLabProject, "-v", j.project + ":" + gitLabProject}
	if j.user != "" {
		args = append(args, "--user", j.user)
	}
	if j.network != "" {
		args = append(args, "--network", j.network)
	}
	variables := map[string]string{
		"CI": "true", "GITLAB_CI": "true", "CI_PROJECT_DIR": gitLabProject, "CI_JOB_NAME": "modferry",
		"CI_JOB_URL": "https://gitlab.example.test/group/app/-/jobs/47",
	}
	maps.Copy(variables, j.env)
	var commands strings.Builder
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		fmt.Fprintf(&commands, "export %s=%s\n", name, quoted(variables[name]))
	}
	fmt.Fprintf(&commands, "cd %s\n", gitLabProject)
	for _, line := range j.script {
		fmt.Fprintf(&commands, "echo %s\n%s\n", quoted("$ "+line), line)
	}
	cmd := exec.Command("podman", append(args, j.image, "sh", "-c", gitLabShell)...)
	cmd.Env = s.environ()
	cmd.Stdin = strings.NewReader("#!/usr/bin/env sh\n\nset -eo pipefail\nset +o noclobber\n: | eval " + quoted(commands.String()) + "\nexit 0\n")
	return runCommand(t, cmd)
}

// quoted is text as one word of a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// templateScripts are the lines of our template: those of the job that prepares,
// and those before the script of a job that extends the hidden one.
func templateScripts(t *testing.T) (prepare, before []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(repository, "action", "gitlab", "templates", "modferry.yml"))
	if err != nil {
		t.Fatal(err)
	}
	_, jobs, _ := strings.Cut(string(data), "\n---\n")
	for name, value := range map[string]string{
		"job": "modferry", "stage": ".pre", "image": "x", "working-directory": ".", "flags": "", "scope": "build", "mirrors": "configured",
		"fallback": "policy", "key-files": "[go.sum]", "cache-prefix": "modferry", "cache-max-size": "1GiB", "cache-max-age": "168h",
		"artifacts": "[a]", "expire-in": "1 week", "retries": "1",
	} {
		jobs = strings.ReplaceAll(jobs, "$[[ inputs."+name+" ]]", value)
	}
	var parsed map[string]struct {
		Script []string `yaml:"script"`
		Before []string `yaml:"before_script"`
	}
	if err := yaml.Unmarshal([]byte(jobs), &parsed); err != nil || strings.Contains(jobs, "$[[") {
		t.Fatalf("the template: %v\n%s", err, jobs)
	}
	return parsed["modferry"].Script, parsed[".modferry"].Before
}

// newGitLabProject is the directory of a project as a runner's helper leaves it:
// everybody may write.
func (w *world) newGitLabProject() string {
	w.t.Helper()
	dir := newDir(w.t)
	w.checkout(dir)
	open := exec.Command("chmod", "-R", "a+rwX", dir)
	if out, err := open.CombinedOutput(); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// The template's own lines in the image, as whatever user, and after them those
// of a job that builds, in an image with Go and without any network.
func TestTheImageIsAnImageForJobsOfGitLab(t *testing.T) {
	t.Parallel()
	s := images.engine(t).(*imageStore)
	prepare, before := templateScripts(t)
	for name, test := range map[string]struct {
		user     string
		env      map[string]string
		script   []string // before the template's
		modcache string   // below the project's directory, "" for elsewhere
	}{
		"root":                                     {},
		"one whom the image does not know":         {user: "1001:127", env: map[string]string{"HOME": "/"}, modcache: ".modferry/mod"}, // Docker's choice
		"one whose home does not exist":            {user: "1001", env: map[string]string{"HOME": "/nonexistent"}, modcache: ".modferry/mod"},
		"one without a home":                       {user: "1001", script: []string{"unset HOME"}, modcache: ".modferry/mod"},
		"one who says where the module cache goes": {user: "1001", script: []string{"unset HOME"}, env: map[string]string{"GOMODCACHE": "/tmp/mod"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ghatest.Options{})
			project := w.newGitLabProject()
			env := map[string]string{"GOPROXY": w.mirror.URL, "GOSUMDB": w.sumdb.Key + " " + w.sumURL}
			maps.Copy(env, test.env)
			out := s.gitLab(t, gitLabJob{image: actionImage, user: test.user, env: env, project: project, script: append(test.script, prepare...)})
			if out.code != 0 || !strings.Contains(out.stdout, "ok: 8 modules") || !strings.Contains(out.stdout, "saved to the cache dir:"+gitLabProject+"/.modferry/cache") {
				t.Fatalf("exit code %d\n%s%s", out.code, tail(out.stdout), tail(out.stderr))
			}
			if moved := strings.Contains(out.stderr, gitLabProject+"/.modferry/mod"); moved != (test.modcache != "") {
				t.Errorf("the module cache was moved: %v\n%s", moved, out.stderr)
			}
			if _, err := os.Stat(filepath.Join(project, ".modferry", "mod")); (err == nil) != (test.modcache != "") {
				t.Errorf("module cache in the project: %v", err)
			}
			for _, name := range []string{"gl-code-quality-report.json", "junit.xml", "metrics.txt", "annotations.json", "modferry.env", "report.html", "result.json"} {
				if data, err := os.ReadFile(filepath.Join(project, ".modferry", "reports", name)); err != nil || len(data) == 0 {
					t.Errorf("report %s: %d bytes, %v", name, len(data), err)
				}
			}

			// Another container gets the artifacts and the cache, and nothing else.
			if err := os.RemoveAll(filepath.Join(project, ".modferry", "mod")); err != nil {
				t.Fatal(err)
			}
			out = s.gitLab(t, gitLabJob{image: goImage, network: "none", project: project,
				env:    map[string]string{"GOPROXY": w.mirror.URL, "GOSUMDB": "off", "GOFLAGS": "-mod=readonly"},
				script: append(slices.Clone(before), "export GOPROXY=off", "go build ./...", "go env GOMODCACHE")})
			if out.code != 0 || !strings.Contains(out.stdout, "from the cache") || !strings.Contains(out.stdout, "\n/go/pkg/mod\n") {
				t.Errorf("exit code %d\n%s%s", out.code, tail(out.stdout), tail(out.stderr))
			}
		})
	}
}

// The exit code of modferry is that of the job, which GitLab's rules about trying
// again go by, and the reports are there.
func TestTheExitCodeIsThatOfTheJobOnGitLab(t *testing.T) {
	t.Parallel()
	s := images.engine(t).(*imageStore)
	w := newWorld(t, ghatest.Options{})
	prepare, _ := templateScripts(t)
	project := w.newGitLabProject()
	for _, test := range []struct {
		proxy   string
		code    int
		outcome string
	}{
		{w.dead.URL, 1, "incomplete"},
		{"ftp://goproxy.example.test", 2, "settings"},
	} {
		out := s.gitLab(t, gitLabJob{image: actionImage, project: project, script: prepare,
			env: map[string]string{"GOPROXY": test.proxy, "GOSUMDB": "off", "MODFERRY_RETRIES": "0", "MODFERRY_CACHE": "off"}})
		if out.code != test.code {
			t.Errorf("%s: exit code %d, expected %d\n%s%s", test.proxy, out.code, test.code, tail(out.stdout), tail(out.stderr))
		}
		var result struct{ Outcome string }
		data, err := os.ReadFile(filepath.Join(project, ".modferry", "reports", "result.json"))
		if err != nil || json.Unmarshal(data, &result) != nil || result.Outcome != test.outcome {
			t.Errorf("%s: the result is %q, %v", test.proxy, result.Outcome, err)
		}
	}
}
