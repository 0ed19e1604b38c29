package e2e

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// asset is the name of the program among those of a release.
func asset() string { return "modferry_linux_" + runtime.GOARCH }

// files serves some files.
type files map[string][]byte

func (f files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, ok := f[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Write(data)
}

// nodes are the versions of node that runners have.
func nodes(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	if own, err := exec.LookPath("node"); err == nil {
		all["node of this machine"] = own
	}
	for _, name := range []string{"node18", "node24"} {
		file := filepath.Join(npm(), "node_modules", name, "bin", "node")
		if _, err := os.Stat(file); err == nil && npm() != "" {
			all[name] = file
		}
	}
	need(t, len(all) == 3, "node 18 and 24 are not below MODFERRY_E2E_NPM; npm ci in npm")
	return all
}

// tool is a module with a program, which a later step installs; a checkout does not
// need it.
var tool = mirrortest.Module{Path: "example.test/tool", Version: "v1.0.0", Files: map[string]string{
	"m.go": "package main\n\nimport _ \"example.test/lib\"\n\nfunc main() { println(\"it works\") }\n"},
	Require: []module.Version{{Path: "example.test/lib", Version: "v1.2.0"}}, GoMod: "module example.test/tool\n\ngo 1.21\n\nrequire example.test/lib v1.2.0\n"}

// world is a mirror with what a checkout needs, and the tool.
func world(t *testing.T) (needed *mirrortest.Fixtures, s *mirrortest.Server) {
	t.Helper()
	needed = mirrortest.Generate(t, 6, 5000)
	more := mirrortest.Build(t, tool, mirrortest.Module{Path: "example.test/lib", Version: "v1.2.0", Size: 1000})
	return needed, mirrortest.Start(t, mirrortest.Options{Fixtures: needed.With(more.All()...)})
}

// installed runs go install of the tool, which succeeds with modferry and without.
func (j *nativeJob) installed() {
	j.t.Helper()
	j.env["GOBIN"] = j.dir("bin")
	j.alike("go", "install", "example.test/tool@latest")
	j.good(filepath.Join(j.env["GOBIN"], "tool"))
}

func TestTheShim(t *testing.T) {
	t.Parallel()
	for name, node := range nodes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(node, "--test", "shim.test.js")
			cmd.Dir = filepath.Join("..", "..", "action", "native")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestANativeJob(t *testing.T) {
	t.Parallel()
	for name, node := range nodes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, s := world(t)
			j := newNativeJob(t, f, s)
			j.node = node
			u := j.use(map[string]string{"netrc": "machine goproxy.test login ci password PLANTED"})
			if st := j.main(u); st.code != 0 || st.summary != "" {
				t.Fatalf("main: exit code %d, summary\n%s", st.code, st.summary)
			}
			zips := s.Count("*.zip")
			j.good("go", "build", "./...")
			if n := s.Count("*.zip"); n != zips {
				t.Errorf("the build asked for %d zips", n-zips)
			}
			j.env["GITHUB_ACTION"] = "tools" // as the runner says it to a step with that id
			j.installed()
			j.good("sh", "-c", "modferry version")
			secretless(t, j.relay(u))
			st := j.post(u)
			if st.code != 0 {
				t.Errorf("post: exit code %d", st.code)
			}
			for _, want := range []string{"6 modules in ", "files downloaded by later steps through the relay", "example.test/tool@", "| `tools` |", "saved to the cache dir"} {
				if !strings.Contains(strings.ReplaceAll(st.summary, "<wbr>", ""), want) {
					t.Errorf("the summary lacks %q:\n%s", want, st.summary)
				}
			}
			ends(t, j, u)
		})
	}
}

// secretless holds that no process of the same user learns a secret from a relay.
func secretless(t *testing.T, pid int) {
	t.Helper()
	for _, name := range []string{"environ", "cmdline"} {
		data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), name))
		if err != nil || bytes.Contains(data, []byte("PLANTED")) || bytes.Contains(data, []byte("GOPROXY")) {
			t.Errorf("%s of the relay: %v, %q", name, err, data)
		}
	}
}

// ends holds that the relay is gone, with its directory.
func ends(t *testing.T, j *nativeJob, u *use) {
	t.Helper()
	if _, err := os.Stat(u.state["relay"]); err == nil {
		t.Error("the directory of the relay is left")
	}
	if _, err := j.step("go", "mod", "download", "example.test/none@v1.0.0"); err == nil {
		t.Error("found a module that does not exist")
	}
}

// relayed is a job of which a step has downloaded example.test/lib through the relay,
// whose journal tells of it.
func relayed(t *testing.T) (*nativeJob, *use) {
	t.Helper()
	f, s := world(t)
	j := newNativeJob(t, f, s)
	u := j.use(nil)
	j.main(u)
	j.good("go", "mod", "download", "example.test/lib@v1.2.0")
	journalled(t, u, "example.test/lib")
	return j, u
}

// Whatever becomes of the relay, the job is as well off as without modferry.
func TestANativeJobWithoutItsRelay(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"it is killed": syscall.SIGKILL, "it is frozen while the job goes on": syscall.SIGSTOP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, u := relayed(t)
			kill(t, j.relay(u), signal)
			j.installed() // of a frozen one as soon as its guard has ended it
			st := j.post(u)
			if st.code != 0 || !strings.Contains(st.summary, "ended before the job did") || !strings.Contains(st.summary, "example.test/lib") {
				t.Errorf("post: exit code %d, summary\n%s", st.code, st.summary)
			}
		})
	}
	t.Run("it is frozen when the job ends", func(t *testing.T) {
		t.Parallel()
		f, s := world(t)
		j := newNativeJob(t, f, s)
		u := j.use(nil)
		j.main(u)
		j.installed()
		journalled(t, u, "example.test/tool")
		pid := j.relay(u)
		kill(t, pid, syscall.SIGSTOP)
		st := j.post(u)
		if st.code != 0 || !strings.Contains(st.summary, "example.test/tool") {
			t.Errorf("post: exit code %d, summary\n%s", st.code, st.summary)
		}
		gone(t, pid)
	})
	for name, answer := range map[string]http.HandlerFunc{
		"finds nothing":  http.NotFound,
		"fails":          func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) },
		"speaks no HTTP": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run("another program that "+name+" gets its port", func(t *testing.T) {
			t.Parallel()
			j, u := relayed(t)
			pid := j.relay(u)
			kill(t, pid, syscall.SIGKILL)
			gone(t, pid)
			other := &http.Server{Handler: answer, ErrorLog: log.New(io.Discard, "", 0)}
			ln, err := net.Listen("tcp", strings.Split(j.env["GOPROXY"], "/")[2])
			if err != nil {
				t.Fatal(err)
			}
			go other.Serve(ln)
			t.Cleanup(func() { other.Close() })
			j.installed()
			st := j.post(u)
			if st.code != 0 || !strings.Contains(st.summary, "ended before the job did") || !strings.Contains(st.summary, "example.test/lib") {
				t.Errorf("post: exit code %d, summary\n%s", st.code, st.summary)
			}
		})
	}
	t.Run("it cannot start", func(t *testing.T) {
		t.Parallel()
		f, s := world(t)
		j := newNativeJob(t, f, s)
		// A program that can be everything but a relay.
		wrapper := filepath.Join(j.dir("opt"), "modferry")
		script := "#!/bin/sh\nif [ \"$2\" = relay ]; then exit 7; fi\nexec " + binary + " \"$@\"\n"
		if err := os.WriteFile(wrapper, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		u := j.use(map[string]string{"binary": wrapper})
		st := j.main(u)
		if st.code != 0 || !strings.Contains(st.summary, "it ended at once (7)") || strings.Contains(j.env["GOPROXY"], "|") {
			t.Errorf("main: exit code %d, GOPROXY=%s, summary\n%s", st.code, j.env["GOPROXY"], st.summary)
		}
		j.installed()
		if st := j.post(u); st.code != 0 {
			t.Errorf("post: exit code %d", st.code)
		}
	})
	t.Run("there is nobody to ask", func(t *testing.T) {
		t.Parallel()
		f, _ := world(t)
		j := newNativeJob(t, f, nil)
		j.env["GOPROXY"] = "off"
		u := j.use(map[string]string{"fail-on": "integrity"})
		j.main(u)
		if j.env["GOPROXY"] != "off" {
			t.Errorf("GOPROXY=%s", j.env["GOPROXY"])
		}
		if st := j.post(u); st.code != 0 {
			t.Errorf("post: exit code %d", st.code)
		}
	})
}

func TestANativeJobInWhichTheRunnerStops(t *testing.T) {
	t.Parallel()
	t.Run("main is cancelled", func(t *testing.T) {
		t.Parallel()
		f, s := world(t)
		never := make(chan struct{})
		t.Cleanup(func() { close(never) })
		s.Fault(mirrortest.Always("*.zip", mirrortest.SlowFirstByte(never)))
		j := newNativeJob(t, f, s)
		u := j.use(nil)
		arrived := s.Arrived("*.zip", 1)
		cmd, commands := j.command(u, "main.js")
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-arrived
		kill(t, cmd.Process.Pid, syscall.SIGINT) // to node alone, as the runner does
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code == 0 || code == -1 {
			t.Errorf("main: exit code %d\n%s", code, said.String())
		}
		for name, value := range entries(t, commands["STATE"]) {
			u.state[name] = value
		}
		u.inputs["job-status"] = "cancelled"
		if st := j.post(u); st.code != 0 {
			t.Errorf("post: exit code %d", st.code)
		}
		if _, err := os.Stat(u.state["relay"]); u.state["relay"] == "" || err == nil {
			t.Error("the relay is left")
		}
	})
	t.Run("main is cancelled before it has its program", func(t *testing.T) {
		t.Parallel()
		f, s := world(t)
		j := newNativeJob(t, f, s)
		never := make(chan struct{})
		t.Cleanup(func() { close(never) })
		host := j.release(mirrortest.Options{Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.SlowFirstByte(never))}})
		u := j.use(map[string]string{"binary": "", "download-url": host.URL})
		arrived := host.Arrived("*", 1)
		cmd, commands := j.command(u, "main.js")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-arrived
		kill(t, cmd.Process.Pid, syscall.SIGINT)
		cmd.Wait()
		if cmd.ProcessState.Success() || len(entries(t, commands["STATE"])) > 0 {
			t.Errorf("main: %v", cmd.ProcessState)
		}
		if st := j.post(u); st.code != 0 {
			t.Errorf("post: exit code %d", st.code)
		}
		if left, _ := os.ReadDir(j.env["RUNNER_TOOL_CACHE"]); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	t.Run("post is cancelled", func(t *testing.T) {
		t.Parallel()
		f, s := world(t)
		j := newNativeJob(t, f, s)
		u := j.use(nil)
		j.main(u)
		j.installed()
		journalled(t, u, "example.test/tool")
		// It asks the relay through a door that is closed until the signal was sent.
		at := strings.Split(j.env["GOPROXY"], "/")[2]
		transport := new(http.Transport)
		t.Cleanup(transport.CloseIdleConnections)
		sent := make(chan struct{})
		door := mirrortest.Start(t, mirrortest.Options{Handler: passOn(&url.URL{Scheme: "http", Host: at}, transport),
			Faults: []mirrortest.Rule{mirrortest.First(1, "*/result", mirrortest.SlowFirstByte(sent))}})
		ready := filepath.Join(u.state["relay"], "ready.json")
		text, err := os.ReadFile(ready)
		if err == nil {
			err = os.WriteFile(ready, bytes.ReplaceAll(text, []byte(at), []byte(door.Addr)), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		cmd, commands := j.command(u, "post.js")
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-door.Arrived("*/result", 1)
		kill(t, cmd.Process.Pid, syscall.SIGINT)
		close(sent)
		cmd.Wait()
		summary, err := os.ReadFile(commands["STEP_SUMMARY"])
		if cmd.ProcessState.ExitCode() != 0 || !strings.Contains(string(summary), "example.test/tool") {
			t.Errorf("post: exit code %d, %v, summary\n%s\n%s", cmd.ProcessState.ExitCode(), err, summary, said.String())
		}
		ends(t, j, u)
	})
	t.Run("post without main", func(t *testing.T) {
		t.Parallel()
		f, s := world(t)
		j := newNativeJob(t, f, s)
		if st := j.post(j.use(nil)); st.code != 0 {
			t.Errorf("post: exit code %d", st.code)
		}
	})
}

func TestANativeJobWithTwoUses(t *testing.T) {
	t.Parallel()
	f, s := world(t)
	j := newNativeJob(t, f, s)
	first, second := j.use(nil), j.use(nil)
	j.main(first)
	proxy := j.env["GOPROXY"]
	if st := j.main(second); st.code != 0 || j.env["GOPROXY"] != proxy || second.state["relay"] != "" {
		t.Errorf("main: exit code %d, GOPROXY %s then %s", st.code, proxy, j.env["GOPROXY"])
	}
	j.installed()
	if st := j.post(second); st.code != 0 || !strings.Contains(st.summary, "modferry: ok") { // the last one first
		t.Errorf("post: exit code %d, summary\n%s", st.code, st.summary)
	}
	if st := j.post(first); st.code != 0 || !strings.Contains(st.summary, "example.test/tool") {
		t.Errorf("post: exit code %d, summary\n%s", st.code, st.summary)
	}
	ends(t, j, first)
}
