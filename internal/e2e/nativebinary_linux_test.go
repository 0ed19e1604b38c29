package e2e

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// How the shim comes by the program. Whatever happens to the host of the releases, the
// job goes on; what it gets is the program of this commit, or none.
func TestANativeJobGetsItsProgram(t *testing.T) {
	t.Parallel()
	const program = "/v1.9.9/modferry_*"
	tests := []struct {
		name   string
		faults []mirrortest.Rule
		wrong  bool // the server's bytes
		asked  int  // times
		log    string
		none   bool // no program
	}{
		{name: "from the release", asked: 1, log: "uses modferry 1.9.9 from http"},
		{name: "from a busy host", faults: []mirrortest.Rule{mirrortest.First(1, program, mirrortest.RetryAfter(429, "1"))}, asked: 2, log: "HTTP status 429; again in 1 s"},
		{name: "from a host that fails", faults: []mirrortest.Rule{mirrortest.First(2, program, mirrortest.Status(503))}, asked: 3, log: "HTTP status 503; again in 2 s"},
		{name: "that arrives in two halves", faults: []mirrortest.Rule{mirrortest.First(1, program, mirrortest.CutAfter(1000))}, asked: 2, log: "uses modferry 1.9.9"},
		{name: "not with another hash", faults: []mirrortest.Rule{mirrortest.Always(program, mirrortest.Flip(4000))}, asked: 1, log: "so it is not used", none: true},
		{name: "not from a release that is not there", faults: []mirrortest.Rule{mirrortest.Always(program, mirrortest.Status(404))}, asked: 1, log: "HTTP status 404", none: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, s := world(t)
			j := newNativeJob(t, f, s)
			host := j.release(mirrortest.Options{Faults: tt.faults})
			u := j.use(map[string]string{"binary": "", "download-url": host.URL + "/"})
			st := j.main(u)
			if st.code != 0 || !strings.Contains(st.log, tt.log) {
				t.Errorf("main: exit code %d, expected 0 and %q", st.code, tt.log)
			}
			if n := host.Count(program); n != tt.asked {
				t.Errorf("the host was asked %d times, expected %d", n, tt.asked)
			}
			if got := u.state["binary"] == ""; got != tt.none {
				t.Errorf("the program is %q", u.state["binary"])
			}
			if left, _ := filepath.Glob(filepath.Join(j.env["RUNNER_TOOL_CACHE"], "modferry", "1.9.9", "*", "*.part")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			j.good("go", "build", "./...") // with or without
			j.installed()
			if st := j.post(u); st.code != 0 {
				t.Errorf("post: exit code %d", st.code)
			}
		})
	}
}

func TestANativeJobFindsItsProgramAgain(t *testing.T) {
	t.Parallel()
	f, s := world(t)
	j := newNativeJob(t, f, s)
	host := j.release(mirrortest.Options{})
	inputs := map[string]string{"binary": "", "download-url": host.URL}
	u := j.use(inputs)
	j.main(u)
	j.post(u)
	again := j.use(inputs)
	if st := j.main(again); !strings.Contains(st.log, "uses modferry 1.9.9 of the tool cache") {
		t.Errorf("the log is\n%s", st.log)
	}
	j.post(again)
	// On a self-hosted runner an earlier job may have written there.
	os.Remove(u.state["binary"])
	if err := os.WriteFile(u.state["binary"], []byte("#!/bin/sh\necho pwned\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if st := j.post(again); st.code != 0 || strings.Contains(st.log, "pwned") {
		t.Errorf("post: exit code %d\n%s", st.code, st.log)
	}
	third := j.use(inputs)
	if st := j.main(third); strings.Contains(st.log, "pwned") || !strings.Contains(st.log, "uses modferry 1.9.9 from") {
		t.Errorf("the log is\n%s", st.log)
	}
	j.post(third)
	if n := host.Count("/v1.9.9/*"); n != 2 {
		t.Errorf("%d downloads, expected 2", n)
	}
}

// Through a forward proxy that wants a password and opens TLS, as in many companies.
func TestANativeJobInACorporateNetwork(t *testing.T) {
	t.Parallel()
	const host = "releases.example.test"
	for _, tt := range []struct {
		name, userinfo string
		trusts         bool
		log            string
	}{
		{"with everything in place", "me:s%40cret", true, "uses modferry 1.9.9 from https://" + host},
		{"without the password", "", true, "HTTP status 407"},
		{"without the CA certificate", "me:s%40cret", false, "set input ca-file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, s := world(t)
			j := newNativeJob(t, f, s)
			authority := mirrortest.NewAuthority(t)
			release := j.release(mirrortest.Options{Protocol: mirrortest.HTTP1TLS, Authority: authority})
			network := new(mirrortest.Network)
			network.Route(host, release.Addr)
			proxy := mirrortest.StartForwardProxy(t, network, "me:s@cret")
			at := strings.TrimPrefix(proxy.URL, "http://")
			if tt.userinfo != "" {
				at = tt.userinfo + "@" + at
			}
			j.env["HTTPS_PROXY"], j.env["NO_PROXY"] = "http://"+at, "127.0.0.1,.other.test"
			inputs := map[string]string{"binary": "", "download-url": "https://" + host}
			if tt.trusts {
				inputs["ca-file"] = authority.CAFile()
			}
			u := j.use(inputs)
			st := j.main(u)
			if st.code != 0 || !strings.Contains(st.log, tt.log) || strings.Contains(st.log, "s@cret") || strings.Contains(st.log, "s%40cret") {
				t.Errorf("main: exit code %d, expected 0 and %q", st.code, tt.log)
			}
			for _, r := range release.Requests() {
				if r.Host != host { // what a signature of the address may hold for
					t.Errorf("the release was asked as %s", r.Host)
				}
			}
			j.installed()
			j.post(u)
		})
	}
}

func TestANativeJobWithoutGo(t *testing.T) {
	t.Parallel()
	f, s := world(t)
	j := newNativeJob(t, f, s)
	j.env["PATH"] = j.dir("empty")
	// With a program all is as ever: Go may come with a later step.
	u := j.use(nil)
	if st := j.main(u); st.code != 0 || !strings.HasPrefix(j.env["GOPROXY"], "http://127.0.0.1:") {
		t.Errorf("main: exit code %d, GOPROXY=%s", st.code, j.env["GOPROXY"])
	}
	j.post(u)
	without := j.use(map[string]string{"binary": ""})
	if st := j.main(without); st.code != 0 || !strings.Contains(st.log, "::warning title=modferry::without modferry") {
		t.Errorf("main: exit code %d\n%s", st.code, st.log)
	}
	if st := j.post(without); st.code != 0 {
		t.Errorf("post: exit code %d", st.code)
	}
	wrong := j.use(map[string]string{"binary": "none/such"})
	if st := j.main(wrong); st.code != 2 || !strings.Contains(st.log, "::error title=modferry cannot run::input binary: found no file") {
		t.Errorf("main: exit code %d\n%s", st.code, st.log)
	}
}

// On an enterprise server nothing of github.com may be in reach. The program is then
// that of a mirror, or of the machine.
func TestANativeJobOnAnEnterpriseServer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		inputs func(host *mirrortest.Server) map[string]string
		log    string
		none   bool
	}{
		{"with nothing set", func(*mirrortest.Server) map[string]string { return nil }, "With input binary or download-url", true},
		{"with a mirror", func(host *mirrortest.Server) map[string]string { return map[string]string{"download-url": host.URL} }, "uses modferry 1.9.9 from http://127.0.0.1", false},
		{"with a program", func(*mirrortest.Server) map[string]string { return map[string]string{"binary": binary} }, "as input binary says", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, s := world(t)
			j := newNativeJob(t, f, s)
			host := j.release(mirrortest.Options{})
			j.env["GITHUB_SERVER_URL"], j.env["GITHUB_API_URL"] = "https://ghes.example.test", "https://ghes.example.test/api/v3"
			j.env["GITHUB_GRAPHQL_URL"], j.env["RUNNER_ENVIRONMENT"] = "https://ghes.example.test/api/graphql", "self-hosted"
			j.env["HTTPS_PROXY"] = "http://" + mirrortest.Refused(t)
			u := j.use(map[string]string{"binary": ""})
			maps.Copy(u.inputs, tt.inputs(host))
			st := j.main(u)
			if st.code != 0 || !strings.Contains(st.log, tt.log) || (u.state["binary"] == "") != tt.none {
				t.Errorf("main: exit code %d, expected 0 and %q", st.code, tt.log)
			}
			j.alike("go", "build", "./...")
			j.installed()
			if st := j.post(u); st.code != 0 {
				t.Errorf("post: exit code %d", st.code)
			}
		})
	}
}

// Without any network, a job that has what it needs goes on.
func TestANativeJobOnAnOfflineHost(t *testing.T) {
	t.Parallel()
	for name, program := range map[string]string{"with the program": binary, "without the program": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, s := world(t)
			j := newNativeJob(t, f, s)
			j.release(mirrortest.Options{})
			j.good("go", "mod", "download")
			j.env["GOPROXY"], j.env["GOSUMDB"] = "http://"+mirrortest.Refused(t), ""
			u := j.use(map[string]string{"binary": program, "download-url": "http://" + mirrortest.Refused(t)})
			st := j.main(u)
			if st.code != 0 || program == "" && !strings.Contains(st.log, "::warning title=modferry::without modferry: go install ") {
				t.Errorf("main: exit code %d", st.code)
			}
			copyTree(t, j.without().env["GOMODCACHE"], j.env["GOMODCACHE"])
			j.alike("go", "build", "./...")
			j.alike("go", "install", "example.test/tool@latest") // cannot be had
			if st := j.post(u); st.code != 0 {
				t.Errorf("post: exit code %d", st.code)
			}
		})
	}
}

// A firewall that drops packets keeps a job waiting for one attempt, not for five.
func TestANativeJobBehindAFirewallThatDropsPackets(t *testing.T) {
	t.Parallel()
	f, s := world(t)
	j := newNativeJob(t, f, s)
	j.release(mirrortest.Options{})
	u := j.use(map[string]string{"binary": "", "download-url": "http://" + silent(t)})
	st := j.main(u)
	if st.code != 0 || !strings.Contains(st.log, "no connection for 20 s") || strings.Contains(st.log, "again in") {
		t.Errorf("main: exit code %d", st.code)
	}
	j.installed()
	j.post(u)
}

// silent is an address at which nobody takes connections: its queue of them is full, so
// that the system drops what comes.
func silent(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		t.Cleanup(func() { syscall.Close(fd) })
		err = errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0))
	}
	if err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for range 4 {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Skip("this system takes connections all the same")
	return ""
}
