package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// nativeJob plays the runner for jobs that use action/native: it starts main and post
// as the runner does (node with pipes, file commands, inputs as variables), and later
// steps as further processes. The runner waits five seconds for the pipes of a step to
// close, so nothing that stays may hold them.
type nativeJob struct {
	t      *testing.T
	node   string
	action string            // a checkout of the action, as in _actions
	root   string            // of the directories of the job
	env    map[string]string // of every step
	before map[string]string // of a step before main
	uses   int

	container *container // in which the steps run, nil for none
}

// use is a use of the action in the job.
type use struct {
	inputs map[string]string
	state  map[string]string
}

// stage is what came of a stage.
type stage struct {
	code    int
	log     string
	summary string
	took    time.Duration

	processor time.Duration
}

const pipesClose = 5 * time.Second // ProcessInvoker.cs

func newNativeJob(t *testing.T, f *mirrortest.Fixtures, s *mirrortest.Server) *nativeJob {
	t.Helper()
	node, err := exec.LookPath("node")
	need(t, err == nil, "node is not on the search path; apt-get install nodejs")
	j := &nativeJob{t: t, node: node, root: t.TempDir()}
	j.action = filepath.Join(j.root, "work", "_actions", "modferry", "v1")
	copyTree(t, filepath.Join(j.action, "action", "native"), filepath.Join("..", "..", "action", "native"))
	// With -trimpath, a job finds again what was compiled for another one.
	j.env = map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": j.dir("home"), "CI": "true", "GITHUB_ACTIONS": "true",
		"GITHUB_WORKSPACE": j.dir("work/app/app"), "RUNNER_TEMP": j.dir("work/_temp"), "RUNNER_TOOL_CACHE": j.dir("tools"),
		"RUNNER_TRACKING_ID": "github_test", "GOENV": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw -buildvcs=false -trimpath",
		"GOCACHE": goCache, "GOMODCACHE": j.dir("home/go/pkg/mod"), "CGO_ENABLED": "0", "MODFERRY_CACHE": "dir:" + j.dir("cache"),
		"MODFERRY_PROBE_TIMEOUT": "1m",
	}
	noTelemetry(t, j.env["HOME"])
	if s != nil {
		j.env["GOPROXY"], j.env["GOSUMDB"] = s.URL, "off"
	}
	if f != nil {
		f.WriteCheckout(t, j.env["GITHUB_WORKSPACE"], mirrortest.Checkout{})
	}
	t.Cleanup(func() { // what a broken test left running ends with its directory
		os.RemoveAll(j.env["RUNNER_TEMP"])
	})
	return j
}

func (j *nativeJob) dir(name string) string {
	j.t.Helper()
	dir := filepath.Join(j.root, filepath.FromSlash(name))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		j.t.Fatal(err)
	}
	return dir
}

// uses makes a use of the action with the program that was built for these tests.
func (j *nativeJob) use(inputs map[string]string) *use {
	u := &use{inputs: map[string]string{"binary": binary}, state: map[string]string{}}
	data, err := os.ReadFile(filepath.Join(j.action, "action", "native", "action.yml"))
	if err != nil {
		j.t.Fatal(err)
	}
	var manifest struct {
		Inputs map[string]struct{ Default string }
	}
	if err := yaml.Unmarshal(data, &manifest); err != nil {
		j.t.Fatal(err)
	}
	for name, input := range manifest.Inputs {
		if !strings.Contains(input.Default, "${{") && name != "binary" {
			u.inputs[name] = input.Default
		}
	}
	u.inputs["job-status"] = "success"
	maps.Copy(u.inputs, inputs)
	return u
}

// release makes the action that of a release whose program is the one of these tests,
// and serves it below /v1.9.9/.
func (j *nativeJob) release(o mirrortest.Options) *mirrortest.Server {
	j.t.Helper()
	data, err := os.ReadFile(binary)
	if err != nil {
		j.t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	name := asset()
	text, err := json.Marshal(map[string]any{"version": "1.9.9", "files": map[string]string{name: hex.EncodeToString(sum[:])}})
	if err == nil {
		err = os.WriteFile(filepath.Join(j.action, "action", "native", "checksums.json"), text, 0o644)
	}
	if err != nil {
		j.t.Fatal(err)
	}
	o.Handler = files{"/v1.9.9/" + name: data}
	return mirrortest.Start(j.t, o)
}

// command is a stage of a use, and the files that the runner gives it.
func (j *nativeJob) command(u *use, script string, more map[string]string) (*exec.Cmd, map[string]string) {
	j.t.Helper()
	j.uses++
	commands := map[string]string{}
	env := maps.Clone(j.env)
	for _, name := range []string{"ENV", "OUTPUT", "STATE", "STEP_SUMMARY", "PATH"} {
		file := filepath.Join(j.dir("work/_temp/_runner_file_commands"), fmt.Sprintf("%s_%d", strings.ToLower(name), j.uses))
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			j.t.Fatal(err)
		}
		commands[name], env["GITHUB_"+name] = file, file
	}
	for name, value := range u.inputs {
		env["INPUT_"+strings.ToUpper(name)] = value
	}
	for name, value := range u.state {
		env["STATE_"+name] = value
	}
	maps.Copy(env, more)
	cmd := j.process(env, j.node, filepath.Join(j.action, "action", "native", script))
	cmd.WaitDelay = pipesClose
	return cmd, commands
}

// process is one of a step.
func (j *nativeJob) process(env map[string]string, args ...string) *exec.Cmd {
	j.t.Helper()
	if j.container != nil {
		return j.container.command(j.t, env, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = env["GITHUB_WORKSPACE"], list(env)
	return cmd
}

// run runs a stage to its end, and takes over what it hands to the runner.
func (j *nativeJob) run(u *use, script string, more map[string]string, during func(*os.Process, *bytes.Buffer)) stage {
	j.t.Helper()
	cmd, commands := j.command(u, script, more)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if during != nil {
		cmd.Stdout = &watched{buffer: &log, see: func() { during(cmd.Process, &log) }}
	}
	began := time.Now()
	err := j.ran(cmd)
	st := stage{code: cmd.ProcessState.ExitCode(), log: log.String(), took: time.Since(began)}
	st.processor = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		j.t.Errorf("%s: %v: something holds its pipes\n%s", script, err, st.log)
	}
	for name, value := range entries(j.t, commands["ENV"]) {
		j.env[name] = value
	}
	for name, value := range entries(j.t, commands["STATE"]) {
		u.state[name] = value
	}
	if path, _ := os.ReadFile(commands["PATH"]); len(path) > 0 {
		j.env["PATH"] = strings.TrimSpace(string(path)) + string(os.PathListSeparator) + j.env["PATH"]
	}
	summary, _ := os.ReadFile(commands["STEP_SUMMARY"])
	st.summary = string(summary)
	j.t.Logf("%s: exit code %d after %v\n%s", script, st.code, st.took, st.log)
	return st
}

// ran runs the process of a step, with what the hooks of a pod do around it.
func (j *nativeJob) ran(cmd *exec.Cmd) error {
	if c := j.container; c != nil && c.pod != "" {
		temp := filepath.Join(j.root, "work", "_temp")
		c.copied(j.t, temp, c.pod)
		defer c.copied(j.t, c.pod, temp)
	}
	return cmd.Run()
}

func (j *nativeJob) main(u *use) stage {
	if j.before == nil {
		j.before = maps.Clone(j.env)
	}
	return j.run(u, "main.js", nil, nil)
}
func (j *nativeJob) post(u *use) stage { return j.run(u, "post.js", nil, nil) }

// step is a later step of the job.
func (j *nativeJob) step(args ...string) (string, error) {
	j.t.Helper()
	var out bytes.Buffer
	cmd := j.process(j.env, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	limit := time.AfterFunc(10*time.Minute, func() { cmd.Process.Kill() })
	defer limit.Stop()
	err := j.ran(cmd)
	return out.String(), err
}

// good is a later step that succeeds.
func (j *nativeJob) good(args ...string) {
	j.t.Helper()
	if out, err := j.step(args...); err != nil {
		j.t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// without is the same job without modferry, with a module cache of its own.
func (j *nativeJob) without() *nativeJob {
	j.t.Helper()
	plain := *j
	plain.env = maps.Clone(j.before)
	plain.env["GOMODCACHE"], plain.env["GOBIN"] = j.dir("without/mod"), j.dir("without/bin")
	return &plain
}

// alike is a later step that ends as it does without modferry.
func (j *nativeJob) alike(args ...string) {
	j.t.Helper()
	out, err := j.step(args...)
	plainly, plain := j.without().step(args...)
	j.t.Logf("%s: %v; without modferry: %v", strings.Join(args, " "), err, plain)
	if (err == nil) != (plain == nil) {
		j.t.Errorf("%s\nwithout modferry:\n%s", out, plainly)
	}
}

// relay is the process of the relay, which ready.json names; 0 for none.
func (j *nativeJob) relay(u *use) int {
	j.t.Helper()
	var ready struct{ PID int }
	data, err := os.ReadFile(filepath.Join(j.container.outside(u.state["relay"]), "ready.json"))
	if err == nil {
		err = json.Unmarshal(data, &ready)
	}
	if err != nil {
		j.t.Fatal(err)
	}
	return ready.PID
}

// entries are those of a file of the runner.
func entries(t *testing.T, file string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	lines := strings.Split(string(data), "\n")
	for i := 0; i < len(lines); i++ {
		name, mark, ok := strings.Cut(lines[i], "<<")
		if !ok {
			continue
		}
		end := slices.Index(lines[i:], mark)
		if end < 0 {
			t.Fatalf("the entry %s of %s has no end", name, file)
		}
		all[name] = strings.Join(lines[i+1:i+end], "\n")
		i += end
	}
	return all
}

func list(env map[string]string) []string {
	var out []string
	for name, value := range env {
		out = append(out, name+"="+value)
	}
	return out
}

// watched tells of everything that is written.
type watched struct {
	buffer *bytes.Buffer
	see    func()
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.buffer.Write(p)
	w.see()
	return n, err
}

// journalled waits until the journal of the relay tells of something.
func journalled(t *testing.T, u *use, what string) {
	t.Helper()
	for {
		data, _ := os.ReadFile(filepath.Join(u.state["relay"], "journal.json"))
		if bytes.Contains(data, []byte(what)) {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatal("the journal does not tell of " + what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func kill(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Error(err)
	}
}

// gone waits until a process has ended, which takes a moment when it is killed.
func gone(t *testing.T, pid int) {
	t.Helper()
	for limit := time.After(2 * time.Minute); syscall.Kill(pid, 0) == nil && !zombie(pid); {
		select {
		case <-limit:
			t.Fatalf("process %d is still there", pid)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// zombie reports whether a process has ended and nobody has asked for its code. Its first
// thread may have ended before the others, which hold what was open.
func zombie(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	return err != nil || bytes.Contains(data, []byte(") Z ")) && len(threads) <= 1
}
