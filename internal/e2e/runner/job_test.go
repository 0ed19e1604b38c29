//go:build linux

package runner

import (
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// job is a job of a workflow that uses the action in one step.
type job struct {
	t        *testing.T
	layout   layout
	engine   engine
	paths    paths
	manifest *manifest

	service map[string]string // variables of the services that actions may use
	event   map[string]string // variables in place of the usual ones, as GITHUB_EVENT_NAME
	env     map[string]string // of every step: the workflow's, then what GITHUB_ENV added
	with    map[string]string // inputs of the action
	token   string            // github.token
	secrets []string          // must not be shown
	state   map[string]string
	masks   []string
	matcher []string // paths of matcher files as the runner reads them
	path    []string // directories that GITHUB_PATH added, as later steps see them
}

// newJob is a job on a machine with nothing on it. Its workspace is what fill
// makes of it.
func newJob(t *testing.T, l layout, e engine, fill func(dir string)) *job {
	t.Helper()
	needRoot(t)
	j := &job{t: t, layout: l, engine: e, paths: pathsOf(l, newDir(t)), manifest: readManifest(t)}
	fill(j.paths.workspace)
	j.begin()
	return j
}

// begin is what a runner does before the first step; a further call begins
// another job on the same machine, with the workspace as it is.
func (j *job) begin() {
	j.t.Helper()
	for _, dir := range []string{
		j.paths.workspace, j.paths.tools, j.paths.files, filepath.Join(j.paths.home, ".config", "go", "telemetry"),
		filepath.Join(j.paths.temp, "_github_workflow"), filepath.Join(j.paths.temp, "_github_home"),
	} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			j.t.Fatal(err)
		}
	}
	for _, dir := range []string{filepath.Join(j.paths.temp, "_github_workflow"), j.paths.files} {
		if err := os.WriteFile(filepath.Join(dir, "event.json"), []byte("{}"), 0o644); err != nil {
			j.t.Fatal(err)
		}
	}
	// Telemetry may have a process that outlives the go command.
	mode := filepath.Join(j.paths.home, ".config", "go", "telemetry", "mode")
	if err := os.WriteFile(mode, []byte("off 2024-01-01\n"), 0o644); err != nil {
		j.t.Fatal(err)
	}
	if err := chown(filepath.Dir(j.paths.work)); err != nil {
		j.t.Fatal(err)
	}
	j.env = map[string]string{
		// What steps like setup-go leave in a job, and people write into it.
		"GOROOT": goRoot, "GOPATH": filepath.Join(j.paths.home, "go"), "GOTOOLCHAIN": "local", "CGO_ENABLED": "0",
	}
	j.service = map[string]string{}
	j.event = map[string]string{}
	j.with = map[string]string{}
	j.state = map[string]string{}
	j.masks, j.matcher = nil, nil
	j.token = "ghs_" + rand.Text()
	j.secrets = []string{j.token}
}

// end is what the runner does after the last step, as its user: it empties the
// temporary directory. It returns what it could not remove.
func (j *job) end() []string {
	j.t.Helper()
	entries, err := os.ReadDir(j.paths.temp)
	if err != nil {
		j.t.Fatal(err)
	}
	argv := []string{"/bin/rm", "-rf"}
	for _, e := range entries {
		argv = append(argv, filepath.Join(j.paths.temp, e.Name()))
	}
	box{Dir: "/", Argv: argv, Env: []string{"PATH=/bin"}, UID: runnerUID, GID: runnerGID}.run(j.t)
	var left []string
	filepath.WalkDir(j.paths.temp, func(name string, _ os.DirEntry, err error) error {
		if name != j.paths.temp {
			left = append(left, name)
		}
		return err
	})
	return left
}

// main runs the action's step.
func (j *job) main() *step {
	j.t.Helper()
	return j.stage(j.manifest.Runs.Entrypoint)
}

// post runs what the action has registered for the end of the job.
func (j *job) post() *step {
	j.t.Helper()
	return j.stage(j.manifest.Runs.PostEntrypoint)
}

// The command files by variable, and their names' beginnings.
var commandFiles = map[string]string{
	"GITHUB_ENV": "set_env_", "GITHUB_OUTPUT": "set_output_", "GITHUB_STATE": "save_state_",
	"GITHUB_PATH": "add_path_", "GITHUB_STEP_SUMMARY": "step_summary_",
}

// stage runs an entry point of the action as the runner does, and takes in what
// it leaves behind.
func (j *job) stage(entrypoint string) *step {
	j.t.Helper()
	mounts := j.paths.ofAction(j.layout)
	env := j.actionEnv()
	files := map[string]string{}
	id := rand.Text()
	guid := strings.ToLower(fmt.Sprintf("%s-%s-%s-%s-%s", id[:8], id[8:12], id[12:16], id[16:20], id[20:26]))
	for variable, prefix := range commandFiles {
		files[variable] = filepath.Join(j.paths.files, prefix+guid)
		env[variable] = files[variable]
		if err := os.WriteFile(files[variable], nil, 0o644); err != nil {
			j.t.Fatal(err)
		}
		if err := os.Chown(files[variable], runnerUID, runnerGID); err != nil {
			j.t.Fatal(err)
		}
	}
	for name, value := range env {
		env[name] = translate(value, mounts)
	}
	if j.layout.act {
		env["RUNNER_TEMP"], env["RUNNER_TOOL_CACHE"], env["HOME"] = "/tmp", "/opt/hostedtoolcache", "/root"
	}
	dir := "/github/workspace"
	if j.layout.act {
		dir = j.paths.workspace
	}
	var args []string
	for _, a := range j.manifest.Runs.Args {
		args = append(args, evaluate(j.t, a, j.contexts()))
	}
	s := &step{output: j.engine.run(j.t, container{entrypoint: entrypoint, args: args, env: env, mounts: mounts, dir: dir})}
	j.read(s, files)
	return s
}

// contexts are the expressions that action.yml may have.
func (j *job) contexts() map[string]string {
	temp := j.paths.temp
	if j.layout.act {
		temp = "/tmp"
	}
	return map[string]string{
		"github.token": j.token, "github.workspace": j.paths.workspace, "runner.temp": temp,
		"strategy.job-index": "0", "strategy.job-total": "1",
	}
}

// actionEnv are the variables of a stage before translation, the later ones over
// the earlier ones.
func (j *job) actionEnv() map[string]string {
	env := maps.Clone(j.env)
	for name, value := range j.state {
		if !j.layout.act { // which forgets it for container actions
			env["STATE_"+name] = value
		}
	}
	maps.Copy(env, j.manifest.inputs(j.t, j.with, j.contexts()))
	for name, value := range j.manifest.Runs.Env {
		if _, ok := env[name]; !ok {
			env[name] = evaluate(j.t, value, j.contexts())
		}
	}
	env["HOME"] = filepath.Join(j.paths.temp, "_github_home")
	maps.Copy(env, j.jobEnv())
	maps.Copy(env, j.service)
	return env
}

// jobEnv are the variables that every step has, before translation.
func (j *job) jobEnv() map[string]string {
	event := filepath.Join(j.paths.temp, "_github_workflow", "event.json")
	if j.layout.act {
		event = filepath.Join(j.paths.files, "event.json")
	}
	env := map[string]string{
		"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_ACTION": "__octo_modferry", "GITHUB_ACTOR": "octocat",
		"GITHUB_API_URL": "http://api.example.test", "GITHUB_SERVER_URL": "https://github.com",
		"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": event, "GITHUB_JOB": "test", "GITHUB_REF": "refs/heads/main",
		"GITHUB_REPOSITORY": repo, "GITHUB_RUN_ID": "1", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_RUN_NUMBER": "1",
		"GITHUB_SHA": strings.Repeat("0123", 10), "GITHUB_WORKFLOW": "ci", "GITHUB_WORKSPACE": j.paths.workspace,
		"RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "RUNNER_NAME": "runner-1", "RUNNER_ENVIRONMENT": "github-hosted",
		"RUNNER_TEMP": j.paths.temp, "RUNNER_TOOL_CACHE": j.paths.tools, "RUNNER_WORKSPACE": filepath.Dir(j.paths.workspace),
	}
	if j.layout.selfHosted {
		env["RUNNER_ENVIRONMENT"] = "self-hosted"
	}
	if j.layout.act {
		env["ACT"] = "true"
		if j.layout.gitea {
			env["ACT"], env["GITEA_ACTIONS"] = "", "true"
		}
		delete(env, "RUNNER_WORKSPACE")
	}
	if j.layout.kubernetes {
		env["KUBERNETES_SERVICE_HOST"] = "10.0.0.1"
	}
	maps.Copy(env, j.event)
	return env
}

// goStep is a run: step after the action: the go command, as the runner's user,
// with what the job exported. Without network it has not even loopback.
func (j *job) goStep(network bool, dir string, args ...string) output {
	j.t.Helper()
	mounts := j.paths.ofJob(j.layout)
	b := box{
		Dir:  translate(filepath.Join(j.paths.workspace, dir), mounts),
		Argv: append([]string{filepath.Join(goRoot, "bin", "go")}, args...),
		UID:  runnerUID, GID: runnerGID, NoNetwork: !network,
	}
	env := maps.Clone(j.env)
	maps.Copy(env, j.jobEnv())
	for name, value := range env {
		env[name] = translate(value, mounts)
	}
	env["PATH"], env["HOME"], env["GOCACHE"] = filepath.Join(goRoot, "bin")+":/bin:/usr/bin", j.paths.home, goCache
	if mounts != nil {
		// The image of the job's container has Go, and a home of its own.
		b.Root = newDir(j.t)
		if err := os.MkdirAll(filepath.Join(b.Root, "tmp"), 0o777); err != nil {
			j.t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(b.Root, "tmp"), 0o777); err != nil {
			j.t.Fatal(err)
		}
		b.Mounts = parentsFirst(append(mounts, mount{goRoot, goRoot}, mount{goCache, goCache}, mount{j.paths.home, "/home/me"}, mount{"/dev", "/dev"}))
		env["HOME"], env["GOPATH"] = "/home/me", "/home/me/go"
	}
	for name, value := range env {
		b.Env = append(b.Env, name+"="+value)
	}
	return b.run(j.t)
}

// goSucceeds is goStep of a command that must succeed.
func (j *job) goSucceeds(network bool, dir string, args ...string) output {
	j.t.Helper()
	out := j.goStep(network, dir, args...)
	if out.code != 0 {
		j.t.Fatalf("go %s: exit code %d\n%s%s", strings.Join(args, " "), out.code, tail(out.stdout), tail(out.stderr))
	}
	return out
}

// parentsFirst sorts mounts so that none hides another.
func parentsFirst(mounts []mount) []mount {
	slices.SortStableFunc(mounts, func(a, b mount) int { return len(a.Inside) - len(b.Inside) })
	return mounts
}
