package truth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// job is a checkout and the environment in which go commands run on it. Nothing
// of the machine's settings gets in. Nothing gets out either: what is not on
// loopback goes to a forward proxy that refuses, which the claims about forward
// proxies replace.
type job struct {
	t    *testing.T
	dir  string // the checkout
	temp string // everything else
	env  map[string]string
}

// limit ends a go command that hangs. It is no part of any claim: a claim that
// reaches it fails. Some compile parts of the standard library, for which a
// loaded machine has needed more than a minute.
const limit = 5 * time.Minute

// newJob makes a job whose checkout requires all modules of f, with a complete
// go.sum, and whose GOPROXY is proxy.
func newJob(t *testing.T, f *mirrortest.Fixtures, proxy string) *job {
	t.Helper()
	return newJobWith(t, f, proxy, mirrortest.Checkout{})
}

func newJobWith(t *testing.T, f *mirrortest.Fixtures, proxy string, c mirrortest.Checkout) *job {
	t.Helper()
	j := emptyJob(t, proxy)
	f.WriteCheckout(t, j.dir, c)
	// A library of constants: nothing of the standard library has to be
	// compiled.
	main := j.read("main.go")
	j.write("main.go", strings.NewReplacer("package main", "package lib", "\nfunc main() {}\n", "").Replace(main))
	return j
}

// emptyJob makes a job without a go.mod.
func emptyJob(t *testing.T, proxy string) *job {
	t.Helper()
	j := &job{t: t, dir: t.TempDir(), temp: t.TempDir()}
	t.Cleanup(func() { writable(j.temp) })
	refusing := "http://" + mirrortest.Refused(t)
	j.env = map[string]string{
		"PATH": os.Getenv("PATH"), "SystemRoot": os.Getenv("SystemRoot"),
		// No HOME: with one, the go command leaves a process behind that writes
		// telemetry there. setHome gives one without telemetry.
		"GOPATH": filepath.Join(j.temp, "gopath"), "GOCACHE": filepath.Join(j.temp, "build"), "TMPDIR": j.temp, "TMP": j.temp,
		"GOENV": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off", "GOSUMDB": "off", "GOPROXY": proxy,
		"HTTP_PROXY": refusing, "HTTPS_PROXY": refusing, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.DevNull,
	}
	return j
}

// writable gives the directories below root back the right to be emptied: the
// go command makes those of the module cache read-only.
func writable(root string) {
	filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			os.Chmod(name, 0o755) // what fails here fails where the test's directory is removed
		}
		return nil
	})
}

// set sets variables, given as name and value in turns.
func (j *job) set(pairs ...string) *job {
	for pair := range slices.Chunk(pairs, 2) {
		j.env[pair[0]] = pair[1]
	}
	return j
}

// unset takes variables out of the environment.
func (j *job) unset(names ...string) *job {
	for _, name := range names {
		delete(j.env, name)
	}
	return j
}

// setHome gives the job a home directory, in which telemetry is off.
func (j *job) setHome() string {
	home := filepath.Join(j.temp, "home")
	for _, config := range []string{".config", "Library/Application Support"} {
		writeFile(j.t, filepath.Join(home, config, "go", "telemetry", "mode"), "off")
	}
	j.set("HOME", home, "USERPROFILE", home)
	return home
}

// trust makes the servers' authority the only one.
func (j *job) trust(a *mirrortest.Authority) *job {
	j.t.Helper()
	mirrortest.NeedSSLCertFile(j.t)
	return j.set("SSL_CERT_FILE", a.CAFile(), "SSL_CERT_DIR", filepath.Join(j.temp, "none"))
}

// through puts a forward proxy between the job and everything that is not on
// loopback. It knows the given hosts, by the addresses where they are, and no
// others.
func (j *job) through(hosts map[string]string) *mirrortest.ForwardProxy {
	j.t.Helper()
	n := &mirrortest.Network{}
	for host, addr := range hosts {
		n.Route(host, addr)
	}
	p := mirrortest.StartForwardProxy(j.t, n, "")
	j.set("HTTP_PROXY", p.URL, "HTTPS_PROXY", p.URL)
	return p
}

// modcache is the job's GOMODCACHE.
func (j *job) modcache(elem ...string) string {
	return filepath.Join(append([]string{j.temp, "gopath", "pkg", "mod"}, elem...)...)
}

// cached is a file of a module version in cache/download.
func (j *job) cached(v module.Version, ext string) string {
	return j.modcache("cache", "download", filepath.FromSlash(v.Path), "@v", v.Version+ext)
}

// tree is the extracted tree of a module version.
func (j *job) tree(v module.Version) string {
	return j.modcache(filepath.FromSlash(v.Path) + "@" + v.Version)
}

func (j *job) read(name string) string {
	j.t.Helper()
	data, err := os.ReadFile(filepath.Join(j.dir, name))
	if err != nil {
		j.t.Fatal(err)
	}
	return string(data)
}

// write writes a file of the checkout.
func (j *job) write(name, text string) {
	j.t.Helper()
	writeFile(j.t, filepath.Join(j.dir, name), text)
}

// writeFile writes a file wherever it is, even over a read-only one.
func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// command is a go command on the checkout, to be started by the caller.
func (j *job) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = j.dir
	for _, name := range slices.Sorted(maps.Keys(j.env)) {
		cmd.Env = append(cmd.Env, name+"="+j.env[name])
	}
	return cmd
}

// run runs a go command on the checkout.
func (j *job) run(args ...string) result {
	j.t.Helper()
	ctx, cancel := context.WithTimeout(j.t.Context(), limit)
	defer cancel()
	cmd := j.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		j.t.Fatal(err)
	}
	r := result{args: "go " + strings.Join(args, " "), ok: err == nil, stdout: stdout.String(), stderr: stderr.String()}
	if ctx.Err() != nil {
		j.t.Fatalf("%s hangs, having printed\n%s", r.args, r.out())
	}
	return r
}

// must runs a go command that is no claim but makes ready for one.
func (j *job) must(args ...string) result {
	j.t.Helper()
	r := j.run(args...)
	if !r.ok {
		j.t.Fatalf("%s: %s", r.args, r.out())
	}
	return r
}

// one is a set with the module that most claims are about.
func one(t *testing.T) *mirrortest.Fixtures {
	t.Helper()
	return mirrortest.Generate(t, 1, 2<<10)
}

// m is the module of one.
var m = module.Version{Path: "example.test/m000", Version: "v1.0.0"}

// mAt is m as an argument.
const mAt = "example.test/m000@v1.0.0"

// serve starts a mirror over plain HTTP.
func serve(t *testing.T, f *mirrortest.Fixtures, faults ...mirrortest.Rule) *mirrortest.Server {
	t.Helper()
	return mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: faults})
}

// serveTLS starts a mirror over TLS, HTTP/2 unless o says otherwise, and returns
// the authority to trust.
func serveTLS(t *testing.T, o mirrortest.Options) (*mirrortest.Server, *mirrortest.Authority) {
	t.Helper()
	if o.Protocol == mirrortest.HTTP1 {
		o.Protocol = mirrortest.HTTP2
	}
	if o.Authority == nil {
		o.Authority = mirrortest.NewAuthority(t)
	}
	return mirrortest.Start(t, o), o.Authority
}

// asked compares how often a server was asked for paths that match a glob.
func asked(s *mirrortest.Server, glob string, want int) string {
	if n := s.Count(glob); n != want {
		return fmt.Sprintf("%s was asked for %s %d times, claimed %d: %s", s.URL, glob, n, want, paths(s))
	}
	return ""
}

// wasAsked is "" when a server was asked at all for such paths.
func wasAsked(s *mirrortest.Server, glob string) string {
	return unless(s.Count(glob) > 0, "%s was not asked for %s, only for: %s", s.URL, glob, paths(s))
}

// paths are what a server was asked for.
func paths(s *mirrortest.Server) string {
	var all []string
	for _, r := range s.Requests() {
		all = append(all, r.Path)
	}
	return strings.Join(all, " ")
}
