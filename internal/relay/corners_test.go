package relay_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// What go commands and servers between them and the relay do in corners that a module
// proxy gets wrong is held by tests named TestCornerNN in this package, NN from 01 to
// 28; several tests may hold one corner, and that of 26 is in internal/e2e, with a store
// that we did not write:
//
//	go test -run Corner15 ./internal/relay

// The go command holds the lock of a version while it waits for its zip, in a module
// cache below which the relay has its own directory.
func TestCorner01TheGoCommandHoldsTheLockWhileItAsks(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	bench := fetchtest.New(t, f, mirrortest.Checkout{})
	lock := bench.File(module.Version{Path: "example.test/m", Version: "v1.0.0"}, "lock")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
		mirrortest.Always("*.zip", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if _, err := os.Stat(lock); err != nil {
				t.Errorf("the go command does not hold the lock: %v", err)
			}
			next.ServeHTTP(w, r)
		})}})
	b := open(t, bench, s.URL)
	if out, err := b.gocmd(bench.Dir, []string{"GOMODCACHE=" + bench.ModCache}, "mod", "download"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestCorner02TheGoCommandShowsWhatTheRelaySays(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	first := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*v9.9.9*", mirrortest.Status(503))}})
	second := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), first.URL+"|"+second.URL+"|direct")
	for _, test := range []struct {
		version, proxy string
		lines          []string
	}{
		{"v8.8.8", b.at.URL, []string{"404 Not Found", "server response:", "modferry: example.test/m@v8.8.8 info: ", "no mirror has it", first.URL + ": not found", second.URL + ": not found"}},
		{"v9.9.9", b.at.URL, []string{"404 Not Found", "server response:", "modferry: example.test/m@v9.9.9 info: ", "HTTP 503", second.URL + ": not found"}},
	} {
		out, err := b.gocmd(b.Dir, []string{"GOPROXY=" + test.proxy}, "list", "-m", "example.test/m@"+test.version)
		if err == nil {
			t.Fatal(out)
		}
		rest := out
		for _, line := range test.lines {
			_, after, ok := strings.Cut(rest, line)
			if !ok {
				t.Errorf("%q is not told, or not in its place:\n%s", line, out)
			}
			rest = after
		}
	}
}

// A go command that takes a part of a file for all of it does not go on: every answer
// has its length, and a mirror that breaks off is a status.
func TestCorner05NoAnswerBreaksOff(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
		mirrortest.Always("*.zip", mirrortest.CutWithoutLength(100)), mirrortest.Always("*.mod", mirrortest.NoLength())}})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	if resp, body := b.get("/example.test/m/@v/v1.0.0.mod"); resp.StatusCode != 200 || resp.ContentLength != int64(len(body)) || len(resp.TransferEncoding) > 0 {
		t.Error(describe(resp, body))
	}
	out, err := b.load()
	if err == nil || !strings.Contains(out, "502 Bad Gateway") || strings.Contains(out, "unexpected EOF\n") || strings.Contains(out, "not a valid zip") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Whether the go command goes on to the list without a latest version is its own
// business.
func TestCorner08TheLatestVersionWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m@v1.0.0", "example.test/m@v1.1.0")
	for _, test := range []struct {
		name  string
		rules []mirrortest.Rule
	}{
		{"both", nil},
		{"no latest", []mirrortest.Rule{mirrortest.Always("*@latest", mirrortest.Status(404))}},
		{"latest fails", []mirrortest.Rule{mirrortest.Always("*@latest", mirrortest.Status(500))}},
		{"empty list", []mirrortest.Rule{mirrortest.Always("*list", mirrortest.Body("text/plain", nil))}},
		{"empty list, no latest", []mirrortest.Rule{mirrortest.Always("*list", mirrortest.Body("text/plain", nil)), mirrortest.Always("*@latest", mirrortest.Status(404))}},
		{"empty list, latest fails", []mirrortest.Rule{mirrortest.Always("*list", mirrortest.Body("text/plain", nil)), mirrortest.Always("*@latest", mirrortest.Status(500))}},
		{"no list", []mirrortest.Rule{mirrortest.Always("*list", mirrortest.Status(404))}},
		{"list fails", []mirrortest.Rule{mirrortest.Always("*list", mirrortest.Status(500))}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: test.rules})
			bench := fetchtest.New(t, f, mirrortest.Checkout{Require: []module.Version{{Path: "example.test/m", Version: "v1.0.0"}}})
			b := open(t, bench, s.URL)
			ask := func(proxy string) string {
				out, err := b.gocmd(bench.Dir, []string{"GOPROXY=" + proxy}, "list", "-m", "example.test/m@latest")
				if err != nil {
					return "an error"
				}
				return out
			}
			if without, with := ask(s.URL), ask(b.at.URL); with != without {
				t.Errorf("%q, without the relay %q", with, without)
			}
		})
	}
}

// A go command downloads the toolchain that it is told to use, and runs it.
func TestCorner13AToolchainArrives(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the toolchain of the test is a shell script")
	}
	version := "v0.0.1-go1.99.0." + runtime.GOOS + "-" + runtime.GOARCH
	f := mirrortest.Build(t, mirrortest.Module{Path: "golang.org/toolchain", Version: version, Files: map[string]string{
		"bin/go": "#!/bin/sh\necho this is the toolchain\n", "bin/gofmt": "", "pkg/tool/.keep": "", "lib/.keep": "",
	}}, mirrortest.Module{Path: "example.test/m", Version: "v1.0.0"})
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db, Faults: []mirrortest.Rule{
		mirrortest.FirstOfEach(1, "*.zip", mirrortest.CutAfter(100))}})
	bench := unsummed(t, f, db.Key)
	b := open(t, bench, s.URL)
	out, err := b.gocmd(bench.Dir, []string{"GOTOOLCHAIN=go1.99.0", "GONOSUMDB=*"}, "version")
	if err != nil || !strings.Contains(out, "this is the toolchain") {
		t.Errorf("%v\n%s", err, out)
	}
	if n := s.Count("*toolchain*.info") + s.Count("*toolchain*.mod"); n != 0 {
		t.Errorf("%d requests beside the zip", n)
	}
	res := b.relay.Result()
	fetchtest.WantOutcome(t, res, report.OK)
	if len(res.Modules) != 1 || res.Modules[0].Kind != report.KindToolchain || res.Modules[0].Attempts[0].Resumed != 100 {
		t.Errorf("%+v", res.Modules)
	}
}

// A client that knows the patterns of private modules does not ask a relay for them.
func TestCorner17WhatIsPrivateDoesNotArrive(t *testing.T) {
	t.Parallel()
	f := modules(t, "corp.test/inner", "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	bench := fetchtest.New(t, f, mirrortest.Checkout{})
	bench.Env["GONOPROXY"], bench.Env["GOPRIVATE"] = "corp.test", "corp.test"
	b := open(t, bench, s.URL+",direct")
	nobody := "HTTPS_PROXY=http://" + mirrortest.Refused(t)
	out, err := b.gocmd(bench.Dir, []string{"GONOPROXY=corp.test", nobody}, "list", "-deps", "./...")
	if err == nil || !strings.Contains(out, "corp.test/inner?go-get=1") {
		t.Errorf("%v\n%s", err, out)
	}
	if res := b.relay.Result(); b.relay.Answers() == 0 || strings.Contains(fmt.Sprint(res.Modules), "corp.test") {
		t.Errorf("%d answers, %v", b.relay.Answers(), res.Modules)
	}
	// Who does not know them is sent on, and nobody is told.
	out, err = b.gocmd(bench.Dir, []string{nobody}, "list", "-deps", "./...")
	if err == nil || !strings.Contains(out, "corp.test/inner?go-get=1") || s.Count("*corp.test*") != 0 {
		t.Errorf("%v, %d requests\n%s", err, s.Count("*corp.test*"), out)
	}
}

// Over http a secret path is the only credential that the go command sends.
func TestCorner18TheGoCommandSendsNoPasswordOverHTTP(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	out, err := b.gocmd(b.Dir, []string{"GOPROXY=" + strings.Replace(b.at.URL, "://", "://user:pw@", 1)}, "mod", "download")
	if err == nil || !strings.Contains(out, "refusing to pass credentials to insecure URL") || b.relay.Answers() != 0 {
		t.Errorf("%v, %d answers\n%s", err, b.relay.Answers(), out)
	}
	if out, err := b.gocmd(b.Dir, nil, "mod", "download"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The go command has no client certificate, so nobody can ask for one in front of it. A
// mirror that does is one that fails.
func TestCorner19AMirrorThatWantsACertificate(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	inner := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	guarded := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Error("let in without one") }))
	guarded.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	guarded.Config.ErrorLog = nothing()
	guarded.StartTLS()
	t.Cleanup(guarded.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	fetchtest.Write(t, ca, certificate(guarded))
	for chain, want := range map[string]int{guarded.URL: 502, guarded.URL + "|" + inner.URL: 200} {
		bench := fetchtest.New(t, f, mirrortest.Checkout{})
		bench.Values.CAFile = ca
		b := open(t, bench, chain)
		resp, body := b.get("/example.test/m/@v/v1.0.0.zip")
		if resp.StatusCode != want || want == 502 && !strings.Contains(body, "certificate required") {
			t.Error(describe(resp, body))
		}
		out, err := b.gocmd(bench.Dir, []string{"GOPROXY=" + chain, "SSL_CERT_FILE=" + ca}, "mod", "download")
		if (err == nil) != (want == 200) {
			t.Errorf("without the relay: %v\n%s", err, out)
		}
	}
}

// A relay on loopback is asked directly, whatever HTTP_PROXY says; for one elsewhere,
// NO_PROXY has to name it.
func TestCorner20LoopbackIsNotAskedThroughAForwardProxy(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	network := new(mirrortest.Network)
	forward := mirrortest.StartForwardProxy(t, network, "")
	env := []string{"HTTP_PROXY=" + forward.URL, "HTTPS_PROXY=" + forward.URL}
	if out, err := b.gocmd(b.Dir, env, "mod", "download"); err != nil || forward.Count("*") != 0 {
		t.Errorf("%v, %d requests to the forward proxy\n%s", err, forward.Count("*"), out)
	}
	at, _, _ := strings.Cut(strings.TrimPrefix(b.at.URL, "http://"), "/")
	network.Route("modferry.test", at)
	elsewhere := "GOPROXY=" + strings.Replace(b.at.URL, at, "modferry.test", 1)
	if out, err := b.gocmd(b.Dir, append(env, elsewhere), "mod", "download"); err != nil || forward.Count("*") == 0 {
		t.Errorf("%v, %d requests to the forward proxy\n%s", err, forward.Count("*"), out)
	}
	forward.Forget()
	if out, err := b.gocmd(b.Dir, append(env, elsewhere, "NO_PROXY=modferry.test"), "mod", "download"); err == nil || forward.Count("*") != 0 {
		t.Errorf("%v, %d requests to the forward proxy\n%s", err, forward.Count("*"), out)
	}
}

// The go command accepts gzip. A zip in gzip costs time, and has another digest; what a
// mirror sends so is decoded.
func TestCorner22NothingIsCompressed(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.Coded("gzip"))}})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	a := f.All()[0]
	for path, want := range map[string]string{
		"/@v/v1.0.0.zip": string(a.Zip), "/@v/v1.0.0.mod": string(a.Mod), "/@v/v1.0.0.info": string(a.Info), "/@v/list": "v1.0.0\n", "/@latest": string(a.Info),
	} {
		resp, body := b.get("/example.test/m"+path, "Accept-Encoding", "gzip")
		if resp.StatusCode != 200 || resp.Header.Get("Content-Encoding") != "" || body != want {
			t.Errorf("%s: %d %v, %d bytes", path, resp.StatusCode, resp.Header, len(body))
		}
	}
}

// What nothing verifies is passed on, unless strict refuses it.
func TestCorner27StrictRefusesWhatNothingVerifies(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m", "example.test/n")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	bench := fetchtest.New(t, f, mirrortest.Checkout{Require: []module.Version{{Path: "example.test/m", Version: "v1.0.0"}}})
	bench.Values.Strict = true
	b := open(t, bench, s.URL+"|direct")
	if resp, body := b.get("/example.test/m/@v/v1.0.0.zip"); resp.StatusCode != 200 { // go.sum has it
		t.Error(describe(resp, body))
	}
	for _, kind := range []string{"zip", "mod"} {
		resp, body := b.get("/example.test/n/@v/v1.0.0." + kind)
		if resp.StatusCode != 502 || !strings.Contains(body, "strict") || !strings.Contains(body, "GOSUMDB is off") {
			t.Error(describe(resp, body))
		}
	}
	if n := s.Count("*/n/*"); n != 0 {
		t.Errorf("%d requests for what is refused", n)
	}
	res := b.relay.Result()
	fetchtest.WantOutcome(t, res, report.Incomplete)
	if !strings.Contains(fmt.Sprint(res.Modules), string(failure.MissingSum)) || fetchtest.Found(res, "relay-unverified") != nil {
		t.Errorf("%+v", res.Modules)
	}
	out, err := b.gocmd(bench.Dir, []string{"GOFLAGS=-mod=mod"}, "get", "example.test/n@v1.0.0")
	if err == nil || !strings.Contains(out, "strict refuses") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Over https the go command asks again what it was refused, since credentials may help
// (GOAUTH).
func TestCorner28WhatIsRefusedTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	mirrortest.NeedSSLCertFile(t)
	f := modules(t, "example.test/m", "example.test/n")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*/n/*", mirrortest.Status(403))}})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	front := httptest.NewTLSServer(b.relay)
	t.Cleanup(front.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	fetchtest.Write(t, ca, certificate(front))
	env := []string{"GOPROXY=" + front.URL, "SSL_CERT_FILE=" + ca}
	for _, query := range []string{"example.test/m@v9.9.9", "example.test/n@v1.0.0"} {
		before := b.relay.Answers()
		if out, err := b.gocmd(b.Dir, env, "list", "-m", query); err == nil || b.relay.Answers() != before+2 {
			t.Errorf("%v, %d answers\n%s", err, b.relay.Answers()-before, out)
		}
	}
	if n := s.Count("*/m/*"); n != 1 {
		t.Errorf("%d requests for what nobody has", n)
	}
	res := b.relay.Result()
	if n := len(res.Modules); n != 1 || res.Totals.Files != 1 || res.Totals.BySource[report.FromFailed] != 1 {
		t.Errorf("%d entries, %+v", n, res.Totals)
	}
}
