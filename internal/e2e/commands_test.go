package e2e

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// place is where one test works: a checkout, a module cache, and the mirror it
// may speak to.
type place struct {
	dir      string             // the checkout
	modcache string             // GOMODCACHE
	proxy    string             // GOPROXY
	caFile   string             // of the authority to trust, "" for none
	env      []string           // further variables of both commands
	cache    string             // what the setting "cache" says, "" for nothing
	secrets  []string           // that must not be printed
	sumdb    *mirrortest.Server // a checksum database of our own, so that no preflight leaves the machine
}

// newPlace is a place without a checkout, in front of a mirror.
func newPlace(t *testing.T, s *mirrortest.Server) *place {
	t.Helper()
	db := mirrortest.NewSumDB(t, mirrortest.Build(t))
	srv := mirrortest.Start(t, mirrortest.Options{Handler: db})
	p := &place{
		modcache: filepath.Join(memory(t), "mod"),
		proxy:    s.URL,
		caFile:   s.CAFile(),
		sumdb:    srv,
		env:      []string{"GOSUMDB=" + db.Key + " " + srv.URL},
	}
	t.Cleanup(func() { writable(t, p.modcache) }) // when memory is no memory
	return p
}

// writable makes the directories of a module cache writable, so that the test's
// directory can be removed by users other than root.
func writable(t *testing.T, dir string) {
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir():
			return os.Chmod(path, 0o755)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// environ are the variables that both commands share: nothing of the caller's
// but the search path. There is no HOME: without it the go command has no
// telemetry, whose process may outlive it and write where a test cleans up.
func (p *place) environ(t *testing.T) []string {
	none := filepath.Join(t.TempDir(), "none")
	env := []string{
		"GOENV=off", "GOTOOLCHAIN=local", "GOPATH=" + filepath.Join(t.TempDir(), "gopath"),
		"GOMODCACHE=" + p.modcache, "SSL_CERT_DIR=" + none,
	}
	if p.caFile != "" {
		env = append(env, "SSL_CERT_FILE="+p.caFile)
	} else {
		env = append(env, "SSL_CERT_FILE="+none)
	}
	return append(env, p.env...)
}

// command is modferry with args, ready to run. Its search path is empty: it
// needs no toolchain, no git and no shell.
func (p *place) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(p.environ(t), "PATH=", "GOFLAGS=-mod=readonly")
	return cmd
}

// fetch runs `modferry fetch` and returns its result.
func (p *place) fetch(t *testing.T, expect int, args ...string) *report.Result {
	t.Helper()
	return p.modferry(t, expect, append([]string{"fetch", "--proxy", p.proxy}, args...)...)
}

// modferry runs a command in the checkout and returns its result. It fails the
// test, with what the command printed, when the exit code is not the expected
// one.
func (p *place) modferry(t *testing.T, expect int, args ...string) *report.Result {
	t.Helper()
	r, _ := p.measured(t, expect, args...)
	return r
}

// measured is modferry, and returns the process that has ended, too.
func (p *place) measured(t *testing.T, expect int, args ...string) (*report.Result, *os.ProcessState) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "result.json")
	args = append(args, "-C", p.dir, "--modcache", p.modcache, "--json", out)
	if p.cache != "" {
		args = append(args, "--cache", p.cache)
	}
	cmd := p.command(t, args...)
	said, err := cmd.CombinedOutput()
	code := 0
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("modferry %s: %v", strings.Join(args, " "), err)
	}
	if code != expect {
		t.Fatalf("modferry %s: exit code %d, expected %d\n%s", strings.Join(args, " "), code, expect, tail(said))
	}
	result, err := os.ReadFile(out)
	if err != nil {
		t.Fatalf("modferry %s wrote no result: %v\n%s", strings.Join(args, " "), err, tail(said))
	}
	for _, text := range []string{string(said), string(result)} {
		for _, secret := range p.secrets {
			if strings.Contains(text, secret) {
				t.Errorf("modferry %s tells a secret: %s", strings.Join(args, " "), text)
			}
		}
		if found := signature.FindString(text); found != "" {
			t.Errorf("modferry %s tells a signature: %s", strings.Join(args, " "), found)
		}
	}
	r, err := report.Decode(bytes.NewReader(result))
	if err != nil {
		t.Fatal(err)
	}
	return r, cmd.ProcessState
}

// signature is that of a signed URL, of Azure or of S3.
var signature = regexp.MustCompile(`(?i)(sig|x-amz-signature)=[0-9A-Za-z%+/]{8,}`)

// goOffline runs the go command with every use of the network refused.
func (p *place) goOffline(t *testing.T, args ...string) string {
	t.Helper()
	out, err := p.goProcess(t, []string{"GOPROXY=off", "GODEBUG=cmdgonetlimit=0"}, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("offline go %s: %v\n%s", strings.Join(args, " "), err, tail(out))
	}
	return string(out)
}

// goProcess is the go command, ready to run in the checkout.
func (p *place) goProcess(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = p.dir
	cmd.Env = append(p.environ(t),
		"PATH="+os.Getenv("PATH"), "GOFLAGS=-mod=readonly -modcacherw -buildvcs=false",
		"GOCACHE="+goCache)
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// tail is the end of what a command said, enough to see why it failed.
func tail(out []byte) string {
	const most = 4000
	if len(out) <= most {
		return string(out)
	}
	out = out[len(out)-most:]
	if i := bytes.IndexByte(out, '\n'); i >= 0 {
		out = out[i+1:]
	}
	return "…\n" + string(out)
}

// sources counts the entries of a result by kind and source: "zip mirror".
func sources(r *report.Result) map[string]int {
	n := map[string]int{}
	for _, m := range r.Modules {
		n[m.Kind+" "+m.Source]++
	}
	return n
}
