package action

import (
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

func TestWhereLaterStepsFindTheModuleCache(t *testing.T) {
	t.Parallel()
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
	}{
		{"GitHub's runner", nil, "host=/home/runner/work/_temp", mounted, "",
			"/github/runner_temp/modferry/mod", "/home/runner/work/_temp/modferry/mod", false, ""},
		{"the host's directory is not told", nil, "host=", mounted, "",
			"/github/runner_temp/modferry/mod", "/home/runner/work/_temp/modferry/mod", false, ""},
		{"a job container, whose name for it nothing maps", nil, "host=/__w/_temp", mounted, "",
			"/github/runner_temp/modferry/mod", "/home/runner/work/_temp/modferry/mod", false, ""},
		{"a runner before 2.331", map[string]string{"RUNNER_TEMP": "/home/runner/work/_temp"}, "host=/home/runner/work/_temp",
			[]string{"/github/workspace", "/github/home"}, "",
			"/github/home/modferry/mod", "/home/runner/work/_temp/_github_home/modferry/mod", false, ""},
		{"act", map[string]string{"ACT": "true", "GITHUB_WORKSPACE": "/home/me/app", "RUNNER_TEMP": "/tmp"}, "host=/tmp",
			[]string{"/opt/hostedtoolcache"}, "",
			"/opt/hostedtoolcache/modferry/mod", "/opt/hostedtoolcache/modferry/mod", false, ""},
		{"a step on the host", map[string]string{"GITHUB_WORKSPACE": "/w/app/app", "RUNNER_TEMP": "/w/_temp"}, "",
			nil, "", "/w/_temp/modferry/mod", "/w/_temp/modferry/mod", false, ""},
		{"a path of the job's variable", map[string]string{"GOMODCACHE": "/github/runner_temp/go/mod"}, "host=/t",
			mounted, "", "/github/runner_temp/go/mod", "/t/go/mod", false, ""},
		{"a variable that names what is not mounted", map[string]string{"GOMODCACHE": "/home/runner/go/pkg/mod"}, "host=/t",
			mounted, "", "/github/runner_temp/modferry/mod", "/t/modferry/mod", true, ""},
		{"a relative input", nil, "host=/t", mounted, ".cache/mod",
			"/github/workspace/.cache/mod", "/home/runner/work/app/app/.cache/mod", false, ""},
		{"an input below runner.temp", nil, "host=/t", mounted, "/github/runner_temp/m", "/github/runner_temp/m", "/t/m", false, ""},
		{"an input that is not mounted", nil, "host=/t", mounted, "/home/runner/go/pkg/mod", "", "", false,
			"input modcache: found /home/runner/go/pkg/mod, which a container action does not see; write a path below ${{ runner.temp }} or leave it out"},
		{"a name that only looks mounted", nil, "host=/t", mounted, "/github/runner_temporary", "", "", false,
			"input modcache: found /github/runner_temporary, which a container action does not see"},
		{"Kubernetes", map[string]string{"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "host=/t", mounted, "", "", "", false, errKubernetes},
		{"nothing mounted", nil, "host=/t", nil, "", "", "", false, "found neither RUNNER_TEMP"},
		{"no runner at all", map[string]string{"GITHUB_WORKSPACE": ""}, "", nil, "", "", "", false, "GITHUB_WORKSPACE is not set"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := hosted(tt.env)
			var dir, remark string
			h, err := findHost(env, tt.hostTemp, func(name string) bool { return slices.Contains(tt.dirs, name) })
			if err == nil {
				dir, remark, err = h.modcache(tt.input, env("GOMODCACHE"))
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

func TestInputsAreReadAsTheRunnerPassesThem(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"INPUT_CA-FILE": "ca.pem", "INPUT_WORKING-DIRECTORY": "services/*", "INPUT_PROXY": "  ", "INPUT_SUMMARY": "false", "INPUT_TOKEN": "t",
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
