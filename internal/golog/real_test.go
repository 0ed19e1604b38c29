package golog_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/golog"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// realFault is a fault that the real go command is run into.
type realFault struct {
	name   string // also of the log under testdata/golog at the top
	server mirrortest.Options
	evil   mirrortest.Evil
	proxy  string // in place of the server's URL
	env    []string
	args   []string // "mod download -x" when there are none
	edit   func(t *testing.T, dir string)
	want   failure.Class
	module string // that the failure must name
}

// TestReadLogUnderstandsTheRealGoCommand turns red when a new Go release words
// a failure otherwise. With -update it records the logs.
func TestReadLogUnderstandsTheRealGoCommand(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs the go command some thirty times")
	}
	const m = "example.test/m000"
	rules := func(pattern string, f mirrortest.Fault) mirrortest.Options {
		return mirrortest.Options{Faults: []mirrortest.Rule{mirrortest.Always(pattern, f)}}
	}
	over := func(p mirrortest.Protocol, o mirrortest.Options) mirrortest.Options {
		o.Protocol = p
		return o
	}
	build, buildJSON, json := []string{"build", "./..."}, []string{"build", "-json", "./..."}, []string{"mod", "download", "-json"}
	https := "https://mirror.example.test"
	faults := []realFault{
		{name: "status-400", server: rules("*.info", mirrortest.Status(400)), want: failure.HTTPStatus, module: m},
		{name: "status-401", server: rules("*", mirrortest.Status(401)), args: build, want: failure.Unauthorized, module: m},
		{name: "status-403", server: rules("*.zip", mirrortest.Status(403)), args: build, want: failure.Forbidden, module: m},
		{name: "status-403-json", server: rules("*", mirrortest.Status(403)), args: json, want: failure.Forbidden, module: m},
		{name: "status-403-build-json", server: rules("*.zip", mirrortest.Status(403)), args: buildJSON, want: failure.Forbidden, module: m},
		{name: "status-404", server: rules("*.zip", mirrortest.Status(404)), want: failure.NotFound, module: m},
		{name: "status-410", server: rules("*.mod", mirrortest.Status(410)), want: failure.Gone, module: m},
		{name: "status-429", server: rules("*", mirrortest.RetryAfter(429, "7")), want: failure.Throttled, module: m},
		{name: "status-503", server: rules("*.zip", mirrortest.Status(503)), args: []string{"mod", "vendor"}, want: failure.ServerError, module: m},
		{name: "refused", proxy: "http://" + mirrortest.Refused(t), want: failure.Refused, module: m},
		{name: "reset", proxy: "http://" + mirrortest.Resetting(t), want: failure.Reset, module: m},
		{name: "closed", proxy: "http://" + mirrortest.Closing(t), want: failure.Reset, module: m},
		{name: "garbled", proxy: "http://" + mirrortest.Garbled(t), want: failure.BadResponse, module: m},
		{name: "not-tls", proxy: "https://" + mirrortest.Garbled(t), want: failure.NotTLS, module: m},
		{name: "unknown-authority", server: mirrortest.Options{Protocol: mirrortest.HTTP2, Cert: mirrortest.UnknownAuth}, want: failure.TLSUnknownAuthority, module: m},
		{name: "expired-certificate", server: mirrortest.Options{Protocol: mirrortest.HTTP2, Cert: mirrortest.ExpiredCert}, want: failure.TLSExpired, module: m},
		{name: "wrong-name", server: mirrortest.Options{Protocol: mirrortest.HTTP2, Cert: mirrortest.WrongName}, args: build, want: failure.TLSWrongName, module: m},
		{name: "cut-body", server: rules("*.zip", mirrortest.CutAfter(100)), want: failure.CutBody, module: m},
		{name: "http2-reset", server: over(mirrortest.HTTP2, rules("*.zip", mirrortest.CutAfter(100))), want: failure.HTTP2Reset, module: m},
		{name: "login-page-info", server: rules("*.info", mirrortest.HTML()), want: failure.WrongContent, module: m},
		{name: "login-page-zip", server: rules("*.zip", mirrortest.HTML()), args: json, want: failure.WrongContent, module: m},
		{name: "redirect-loop", server: rules("*", mirrortest.RedirectLoop()), want: failure.RedirectLoop, module: m},
		{name: "redirect-to-http", server: over(mirrortest.HTTP1TLS, rules("*", mirrortest.RedirectTo("http://plain.example.test"))), want: failure.RedirectRefused, module: m},
		{name: "hash-mismatch", evil: mirrortest.OtherContent, want: failure.HashMismatch, module: m},
		{name: "mod-mismatch", evil: mirrortest.OtherMod, args: build, want: failure.HashMismatch, module: m},
		{name: "foreign-zip", evil: mirrortest.WrongPrefix, want: failure.UnsafeZip},
		{name: "no-go-sum", args: build, want: failure.MissingSum, edit: func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "go.sum")); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "merged-go-sum", args: build, want: failure.MissingSum, edit: func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "go.sum"), []byte("<<<<<<< HEAD and more\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "proxy-off", proxy: "off", args: build, want: failure.Disabled},
		{name: "proxy-empty", proxy: ",", want: failure.Disabled, module: m},
		{name: "proxy-word", proxy: "goproxy", want: failure.Disabled, module: m},
		{name: "credentials-over-http", proxy: "http://u:s3cret@mirror.example.test", want: failure.InsecureCredentials, module: m},
		{name: "file-mirror", proxy: mirrortest.FileURL(filepath.Join(t.TempDir(), "none")), want: failure.NotFound, module: m},
		{name: "forward-proxy-down", proxy: https, env: []string{"HTTPS_PROXY=http://" + mirrortest.Refused(t)}, want: failure.ProxyConnect, module: m},
		{name: "forward-proxy-login", proxy: https, env: []string{"HTTPS_PROXY=" + mirrortest.StartForwardProxy(t, &mirrortest.Network{}, "u:p").URL}, want: failure.ProxyAuth, module: m},
		{name: "direct-unreachable", proxy: "direct", env: []string{"HTTPS_PROXY=http://" + mirrortest.Refused(t)}, want: failure.ProxyConnect, module: m},
		{name: "no-database", server: rules("/sumdb/*", mirrortest.Status(403)), args: []string{"mod", "download", "-x", m + "@v1.0.0"},
			env: []string{"GOSUMDB=" + mirrortest.NewSumDB(t, mirrortest.Generate(t, 2, 4<<10)).Key}, want: failure.Forbidden, module: m,
			edit: func(t *testing.T, dir string) {
				if err := os.Remove(filepath.Join(dir, "go.sum")); err != nil {
					t.Fatal(err)
				}
			}},
		{name: "no-toolchain", server: mirrortest.Options{}, args: []string{"version"}, env: []string{"GOTOOLCHAIN=go1.999.0"}, want: failure.NotFound},
	}
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			if fault.server.Protocol != mirrortest.HTTP1 {
				mirrortest.NeedSSLCertFile(t)
			}
			out := fault.run(t)
			if *update {
				if err := os.WriteFile(filepath.Join("..", "..", "testdata", "golog", fault.name+".log"), out, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			log, err := golog.Read(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(log.Failures, func(f golog.Failure) bool {
				return f.Class == fault.want && (fault.module == "" || f.Module == fault.module)
			}) {
				t.Errorf("no failure %q of %q is found, only %+v, in\n%s", fault.want, fault.module, log.Failures, out)
			}
			if i := slices.IndexFunc(log.Failures, func(f golog.Failure) bool { return f.Class != fault.want }); i >= 0 {
				t.Errorf("also found: %+v, in\n%s", log.Failures[i], out)
			}
		})
	}
}

// run runs the go command into the fault and returns what it printed, without
// what differs from run to run.
func (r realFault) run(t *testing.T) []byte {
	t.Helper()
	honest := mirrortest.Generate(t, 2, 4<<10)
	served := honest
	if r.evil != "" {
		evil := mirrortest.Corrupt(t, mirrortest.Module{Path: "example.test/m000", Version: "v1.0.0", Size: 4 << 10}, r.evil)
		served = honest.With(evil)
		if r.evil == mirrortest.WrongPrefix {
			honest = served
		}
	}
	r.server.Fixtures = served
	s := mirrortest.Start(t, r.server)
	proxy := s.URL
	if r.proxy != "" {
		proxy = r.proxy
	}
	dir, temp := t.TempDir(), t.TempDir()
	honest.WriteCheckout(t, dir, mirrortest.Checkout{Require: []module.Version{{Path: "example.test/m000", Version: "v1.0.0"}}, ModOnly: []module.Version{{Path: "example.test/m001", Version: "v1.0.1"}}})
	if r.edit != nil {
		r.edit(t, dir)
	}
	args := r.args
	if args == nil {
		args = []string{"mod", "download", "-x"}
	}
	// Without HOME there is no telemetry, whose process may outlive the command.
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "SystemRoot=" + os.Getenv("SystemRoot"), "GOPATH=" + filepath.Join(temp, "gopath"), "GOENV=off", "GOTOOLCHAIN=local",
		"GOFLAGS=-mod=readonly -modcacherw", "GOCACHE=" + filepath.Join(temp, "build"), "GOWORK=off", "GOSUMDB=off",
		"GOPROXY=" + proxy, "SSL_CERT_FILE=" + s.CAFile(), "SSL_CERT_DIR=" + filepath.Join(temp, "none"),
	}, r.env...)
	out, _ := cmd.CombinedOutput() // that it fails is what the log tells
	for _, change := range []struct{ from, to string }{
		{filepath.ToSlash(temp), "/home/ci"}, {filepath.ToSlash(dir), "/home/ci/src"}, {filepath.ToSlash(os.TempDir()), "/tmp"},
		{strings.TrimPrefix(strings.TrimPrefix(s.URL, "http://"), "https://"), "mirror.example.test"},
	} {
		out = bytes.ReplaceAll(out, []byte(change.from), []byte(change.to))
	}
	out = loopback.ReplaceAll(out, []byte("192.0.2.1:443"))
	out = today.ReplaceAll(out, []byte("current time 2026-11-20T12:00:00Z"))
	out = ephemeral.ReplaceAll(out, []byte("/tmp/test"))
	return seconds.ReplaceAll(out, []byte("(0.012s)"))
}

var (
	loopback  = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	ephemeral = regexp.MustCompile(`/tmp/Test[^\s":]*/\d{3}`)
	today     = regexp.MustCompile(`current time \d[^ ]*`)
	seconds   = regexp.MustCompile(`\(\d\.\d{3}s\)`)
)
