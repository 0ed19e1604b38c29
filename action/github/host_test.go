package github

import (
	"runtime"
	"slices"
	"strings"
	"testing"
)

// hosted is the environment of a container action on GitHub's own runner.
func hosted(more map[string]string) func(string) string {
	env := map[string]string{
		"GITHUB_WORKSPACE": "/github/workspace", "RUNNER_TEMP": "/github/runner_temp", "HOME": "/github/home",
		"RUNNER_WORKSPACE": "/home/runner/work/app", "GITHUB_REPOSITORY": "acme/app", "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache",
	}
	for k, v := range more {
		env[k] = v
	}
	return func(name string) string { return env[name] }
}

// act is the environment of a container action under a runner that sets a
// variable.
func act(variable string, more ...string) map[string]string {
	env := map[string]string{variable: "true", "GITHUB_WORKSPACE": "/w/app", "RUNNER_TEMP": "/tmp", "GITHUB_ENV": "/var/run/act/workflow/envs.txt"}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

func TestWhereLaterStepsFindTheModuleCache(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("container actions run on Linux")
	}
	mounted := []string{"/github/workspace", "/github/runner_temp", "/github/home"}
	tests := []struct {
		name     string
		env      map[string]string
		hostTemp string
		dirs     []string
		input    string
		here     string
		outside  string
		remark   bool
		err      string
		own      bool // the directories are the container's own
	}{
		{"GitHub's runner", nil, "host=/home/runner/work/_temp", mounted, "",
			"/github/runner_temp/modferry/mod", "/home/runner/work/_temp/modferry/mod", false, "", false},
		{"the host's directory is not told", nil, "host=", mounted, "",
			"/github/runner_temp/modferry/mod", "/home/runner/work/_temp/modferry/mod", false, "", false},
		{"a job container, whose name for it nothing maps", nil, "host=/__w/_temp", mounted, "",
			"/github/runner_temp/modferry/mod", "/home/runner/work/_temp/modferry/mod", false, "", false},
		{"a runner before 2.331", map[string]string{"RUNNER_TEMP": "/home/runner/work/_temp"}, "host=/home/runner/work/_temp",
			[]string{"/github/workspace", "/github/home"}, "",
			"/github/home/modferry/mod", "/home/runner/work/_temp/_github_home/modferry/mod", false, "", false},
		{"act", act("ACT"), "host=/tmp", []string{"/w/app", "/opt/hostedtoolcache", "/var/run/act"}, "",
			"/opt/hostedtoolcache/modferry/mod", "/opt/hostedtoolcache/modferry/mod", false, "", false},
		{"Gitea without a shared tool cache", act("GITEA_ACTIONS"), "host=/tmp", []string{"/w/app", "/var/run/act", "/tmp"}, "",
			"/var/run/act/modferry/mod", "/var/run/act/modferry/mod", false, "", false},
		{"Forgejo that exchanges files elsewhere", act("FORGEJO_ACTIONS", "GITHUB_ENV", "/elsewhere/env"), "host=/tmp", []string{"/w/app", "/var/run/act", "/tmp"}, "",
			"/w/app/.modferry/mod", "/w/app/.modferry/mod", false, "", false},
		{"Gitea whose image has directories of these names", act("GITEA_ACTIONS"), "host=/tmp", []string{"/w/app", "/var/run/act", "/opt/hostedtoolcache"}, "",
			"/w/app/.modferry/mod", "/w/app/.modferry/mod", false, "", true},
		{"a workspace that only the host has", act("GITEA_ACTIONS"), "host=/tmp", []string{"/var/run/act", "/tmp"}, "", "", "", false,
			"GITHUB_WORKSPACE: found /w/app, which does not exist in this container", false},
		{"the module cache of act's own image", act("ACT", "GOMODCACHE", "/root/go/pkg/mod"), "host=/tmp", []string{"/w/app", "/opt/hostedtoolcache"}, "",
			"/opt/hostedtoolcache/modferry/mod", "/opt/hostedtoolcache/modferry/mod", true, "", false},
		{"an input in a container's own directory", act("GITEA_ACTIONS"), "host=/tmp", []string{"/w/app", "/var/run/act"}, "/tmp/m", "", "", false,
			"input modcache: found /tmp/m, which a container action cannot see: it shares only the workspace and /var/run/act with the other steps", false},
		{"a step on the host", map[string]string{"GITHUB_WORKSPACE": "/w/app/app", "RUNNER_TEMP": "/w/_temp"}, "",
			nil, "", "/w/_temp/modferry/mod", "/w/_temp/modferry/mod", false, "", false},
		{"a path of the job's variable", map[string]string{"GOMODCACHE": "/github/runner_temp/go/mod"}, "host=/t",
			mounted, "", "/github/runner_temp/go/mod", "/t/go/mod", false, "", false},
		{"a variable that names what is not mounted", map[string]string{"GOMODCACHE": "/home/runner/go/pkg/mod"}, "host=/t",
			mounted, "", "/github/runner_temp/modferry/mod", "/t/modferry/mod", true, "", false},
		{"a relative input", nil, "host=/t", mounted, ".cache/mod",
			"/github/workspace/.cache/mod", "/home/runner/work/app/app/.cache/mod", false, "", false},
		{"an input below runner.temp", nil, "host=/t", mounted, "/github/runner_temp/m", "/github/runner_temp/m", "/t/m", false, "", false},
		{"an input that is not mounted", nil, "host=/t", mounted, "/home/runner/go/pkg/mod", "", "", false,
			"input modcache: found /home/runner/go/pkg/mod, which a container action cannot see: it shares only the workspace and ${{ runner.temp }} with the other steps; use a path there or leave the setting out", false},
		{"a way out of the workspace", nil, "host=/t", mounted, "../../tmp/m", "", "", false, "input modcache: found ../../tmp/m, which a container action cannot see", false},
		{"the host's name, which the runner did not translate", nil, "host=/t", mounted, "/t/m", "/github/runner_temp/m", "/t/m", false, "", false},
		{"the job container's name of the temporary directory", nil, "host=/__w/_temp", mounted, "/__w/_temp/m",
			"/github/runner_temp/m", "/home/runner/work/_temp/m", false, "", false},
		{"the job container's name of the workspace", nil, "host=/__w/_temp", mounted, "/__w/app/app/.mod",
			"/github/workspace/.mod", "/home/runner/work/app/app/.mod", false, "", false},
		{"another repository of the job's container", nil, "host=/__w/_temp", mounted, "/__w/app/other/.mod", "", "", false,
			"input modcache: found /__w/app/other/.mod, which a container action cannot see", false},
		{"a variable with the job container's name", map[string]string{"GOMODCACHE": "/__w/_temp/go/mod"}, "host=/t", mounted, "",
			"/github/runner_temp/go/mod", "/t/go/mod", false, "", false},
		{"a workspace with the job container's name", map[string]string{"RUNNER_WORKSPACE": "/__w/app"}, "host=/h/_temp", mounted, "m",
			"/github/workspace/m", "/h/app/app/m", false, "", false},
		{"every name the job container's", map[string]string{"RUNNER_WORKSPACE": "/__w/app"}, "host=/__w/_temp", mounted, "",
			"/github/runner_temp/modferry/mod", "/__w/_temp/modferry/mod", false, "", false},
		{"the home that is in the temporary directory", nil, "host=/t", mounted, "/__w/_temp/_github_home/m",
			"/github/home/m", "/t/_github_home/m", false, "", false},
		{"a temporary directory that an old runner does not mount", map[string]string{"RUNNER_TEMP": "/t"}, "host=/t",
			[]string{"/github/workspace", "/github/home"}, "/t/m", "", "", false,
			"input modcache: found /t/m, which a container action cannot see: it shares only the workspace and ${{ runner.temp }}/_github_home with", false},
		{"a name that only looks mounted", nil, "host=/t", mounted, "/github/runner_temporary", "", "", false,
			"input modcache: found /github/runner_temporary, which a container action cannot see", false},
		{"Kubernetes", map[string]string{"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "host=/t", mounted, "", "", "", false, errKubernetes.Error(), false},
		{"nothing mounted", nil, "host=/t", nil, "", "", "", false, "found neither RUNNER_TEMP", false},
		{"no runner at all", map[string]string{"GITHUB_WORKSPACE": ""}, "", nil, "", "", "", false, "GITHUB_WORKSPACE is not set", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := hosted(tt.env)
			var dir, remark string
			isDir := func(name string) bool { return slices.Contains(tt.dirs, name) }
			h, err := findHost(env, tt.hostTemp, isDir, func(name string) bool { return isDir(name) && !tt.own })
			switch {
			case err != nil:
			case tt.input != "":
				dir, err = h.place("input modcache", tt.input)
			default:
				dir, remark = h.modcache(env("GOMODCACHE"))
			}
			switch {
			case tt.err != "":
				if err == nil || !strings.HasPrefix(err.Error(), tt.err) {
					t.Errorf("error %v, want %s", err, tt.err)
				}
			case err != nil:
				t.Error(err)
			case dir != tt.here || h.outside(dir) != tt.outside || (remark != "") != tt.remark:
				t.Errorf("got %s, outside %s, remark %q", dir, h.outside(dir), remark)
			}
		})
	}
}

func TestWhatIsMountedIsReadFromTheTable(t *testing.T) {
	t.Parallel()
	const table = `22 1 0:21 / / rw,relatime - overlay overlay rw
23 22 0:22 / /proc rw,nosuid - proc proc rw
24 22 8:1 /var/lib/docker/volumes/act-toolcache/_data /opt/hostedtoolcache rw - ext4 /dev/sda1 rw
25 22 8:1 /x
`
	for name, want := range map[string]bool{
		"/opt/hostedtoolcache": true, "/opt/hostedtoolcache/modferry": true, "/opt/hostedtoolcache2": false, "/opt": false, "/var/run/act": false, "/": false,
	} {
		if got := mounts(table, name); got != want {
			t.Errorf("%s: %t, want %t", name, got, want)
		}
	}
}

func TestInputsAreReadAsTheRunnerPassesThem(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"INPUT_CA-FILE": "ca.pem", "INPUT_WORKING-DIRECTORY": "services/*", "INPUT_PROXY": "  ", "INPUT_SUMMARY": "False", "INPUT_TOKEN": "t",
	}
	in, err := readInputs(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	if got := in.settings; len(got) != 2 || got["ca-file"] != "ca.pem" || got["modules"] != "services/*" {
		t.Errorf("settings %v", got)
	}
	if in.on("summary") || !in.on("annotations") || in.on("comment") || in.own["fail-on"] != "incomplete" || in.own["token"] != "t" {
		t.Errorf("inputs %v", in.own)
	}
	for value, want := range map[string]string{
		"yes":  `input summary: found "yes", expected true or false`,
		"flse": `input summary: found "flse", expected true or false; write summary: false`,
	} {
		_, err := readInputs(func(name string) string { return map[string]string{"INPUT_SUMMARY": value}[name] })
		if err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", value, err, want)
		}
	}
}
