package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// container is the container of a job, as GitHub's runner makes it: the directories of
// the job have names of their own in it, node is mounted into it, and nothing of the
// runner's environment is. It is a root directory in a mount namespace, with the
// programs of this machine for its image.
type container struct {
	root   string
	mounts [][2]string // outside, inside
	script string      // of the hooks that run a step in a pod, "" for none
	pod    string      // what is the runner's _temp to the pod, "" for the same files
}

// inContainer makes the steps of a job those of a job container: by exec with an
// environment, or as the hooks of Actions Runner Controller do it in a pod.
func (j *nativeJob) inContainer(pod bool) {
	j.t.Helper()
	need(j.t, os.Geteuid() == 0, "a container is root's to make")
	_, err := exec.LookPath("unshare")
	need(j.t, err == nil, "unshare is not on the search path; apt-get install util-linux")
	c := &container{root: j.dir("rootfs")}
	temp := j.env["RUNNER_TEMP"]
	if pod {
		c.script, c.pod = filepath.Join(temp, "script.sh"), j.dir("pod")
	}
	c.mounts = [][2]string{ // the longest first, as values are translated
		{j.node, "/__e/node24/bin/node"}, {goCache, "/go-build"}, {filepath.Join(temp, "_github_home"), "/github/home"},
		{j.dir("tools"), "/__t"}, {j.dir("gopath"), "/go"}, {j.dir("kept"), "/kept"}, {j.dir("work"), "/__w"},
	}
	noTelemetry(j.t, j.dir("work/_temp/_github_home"))
	for _, name := range []string{"tmp", "etc"} {
		if err := os.MkdirAll(filepath.Join(c.root, name), 0o777); err != nil {
			j.t.Fatal(err)
		}
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		if to, err := os.Readlink("/" + name); err == nil {
			err = os.Symlink(to, filepath.Join(c.root, name))
			if err != nil {
				j.t.Fatal(err)
			}
		} else if _, err := os.Stat("/" + name); err == nil {
			c.mounts = append(c.mounts, [2]string{"/" + name, "/" + name})
		}
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		j.t.Fatal(err)
	}
	image := strings.TrimSpace(string(goroot))
	for _, name := range []string{"/usr", "/dev", "/proc", image} {
		c.mounts = append(c.mounts, [2]string{name, name})
	}
	for name, value := range map[string]string{
		"PATH": filepath.Join(image, "bin") + ":/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/github/home", "GOPATH": "/go", "GOCACHE": "/go-build",
		"MODFERRY_CACHE": "dir:/kept", "GOBIN": "/go/bin",
	} {
		j.env[name] = value
	}
	for _, name := range []string{"GOMODCACHE", "RUNNER_TRACKING_ID"} { // the runner keeps that one to itself
		delete(j.env, name)
	}
	if pod {
		j.env["KUBERNETES_SERVICE_HOST"] = "10.0.0.1"
	}
	for name, value := range j.env {
		j.env[name] = c.inside(value)
	}
	j.container = c
}

// inside is what the runner makes of a value that begins with a directory of its own.
func (c *container) inside(value string) string {
	if c == nil {
		return value
	}
	for _, m := range c.mounts {
		if rest, ok := strings.CutPrefix(value, m[0]); ok && (rest == "" || rest[0] == '/') {
			return m[1] + rest
		}
	}
	return value
}

// outside is where a path of the container is.
func (c *container) outside(name string) string {
	if c == nil || name == "" {
		return name
	}
	for _, m := range c.mounts {
		if rest, ok := strings.CutPrefix(name, m[1]); ok && (rest == "" || rest[0] == '/') {
			return m[0] + rest
		}
	}
	return filepath.Join(c.root, name)
}

// command is a step in the container.
func (c *container) command(t *testing.T, env map[string]string, args ...string) *exec.Cmd {
	t.Helper()
	given := map[string]string{}
	for name, value := range env {
		given[name] = c.inside(value)
	}
	for i := range args {
		args[i] = c.inside(args[i])
	}
	if c.script != "" { // writeEntryPointScript of runner-container-hooks
		var b strings.Builder
		fmt.Fprintf(&b, "#!/bin/sh -l\n\ncd %s && exec env", given["GITHUB_WORKSPACE"])
		for name, value := range given {
			fmt.Fprintf(&b, " %q", name+"="+strings.ReplaceAll(value, "$", `\$`))
		}
		fmt.Fprintf(&b, " %s\n", strings.Join(args, " "))
		if err := os.WriteFile(c.script, []byte(b.String()), 0o755); err != nil {
			t.Fatal(err)
		}
		args = []string{"sh", "-e", c.inside(c.script)}
		given = map[string]string{"PATH": given["PATH"]} // of the image
	}
	var mounts strings.Builder
	for i := len(c.mounts) - 1; i >= 0; i-- {
		host, target := c.mounts[i][0], filepath.Join(c.root, c.mounts[i][1])
		if info, err := os.Stat(host); err == nil && info.IsDir() {
			fmt.Fprintf(&mounts, "mkdir -p '%s'\n", target)
		} else {
			fmt.Fprintf(&mounts, "mkdir -p '%s'; touch '%s'\n", filepath.Dir(target), target)
		}
		fmt.Fprintf(&mounts, "mount --rbind '%s' '%s'\n", host, target)
	}
	if c.pod != "" {
		fmt.Fprintf(&mounts, "mount --bind '%s' '%s'\n", c.pod, filepath.Join(c.root, "__w", "_temp"))
	}
	// No shell hands on a variable such as INPUT_FAIL-ON, so that env comes last.
	const enter = `exec chroot "$0" env -i -C /__w/app/app "$@"`
	args = append(list(given), args...)
	return exec.Command("unshare", append([]string{"--mount", "--propagation", "private", "sh", "-euc", mounts.String() + enter, c.root}, args...)...)
}

// copied copies the files of one directory into another, as the hooks do with those of
// a job around every step of a pod.
func (c *container) copied(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", from+"/.", to).CombinedOutput(); err != nil {
		t.Errorf("cp: %v\n%s", err, out)
	}
}

func TestANativeJobInAContainer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		pod  bool
	}{{"of the runner", false}, {"of a pod, by the hooks of Actions Runner Controller", true}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, s := world(t)
			j := newNativeJob(t, f, s)
			host := j.release(mirrortest.Options{})
			j.inContainer(tt.pod)
			u := j.use(map[string]string{"binary": "", "download-url": host.URL})
			if st := j.main(u); st.code != 0 || !strings.HasPrefix(j.env["GOPROXY"], "http://127.0.0.1:") {
				t.Fatalf("main: exit code %d, GOPROXY=%s", st.code, j.env["GOPROXY"])
			}
			if !strings.HasPrefix(u.state["binary"], "/__t/modferry/1.9.9/") || strings.HasPrefix(u.state["relay"], "/__w/") == tt.pod {
				t.Errorf("the program is %s, the relay is in %s", u.state["binary"], u.state["relay"])
			}
			if pid := j.relay(u); pid == 0 {
				t.Error("there is no relay")
			}
			asked := s.Count("*.zip")
			j.good("go", "build", "./...")
			if n := s.Count("*.zip"); n != asked {
				t.Errorf("the build asked for %d zips", n-asked)
			}
			j.env["GITHUB_ACTION"] = "tools"
			j.good("go", "install", "example.test/tool@latest")
			j.good("/go/bin/tool")
			j.good("modferry", "version")
			st := j.post(u)
			for _, want := range []string{"6 modules in ", "example.test/tool@", "| `tools` |", "saved to the cache dir"} {
				if st.code != 0 || !strings.Contains(strings.ReplaceAll(st.summary, "<wbr>", ""), want) {
					t.Errorf("post: exit code %d, the summary lacks %q:\n%s", st.code, want, st.summary)
				}
			}
			if _, err := os.Stat(j.container.outside(u.state["relay"])); err == nil {
				t.Error("the directory of the relay is left")
			}
		})
	}
}
