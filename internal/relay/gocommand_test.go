package relay_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay"
	"github.com/modferry/modferry/internal/report"
)

func TestAGoCommandLoadsPackagesIntoAnEmptyModuleCache(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 12, 4<<10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
		mirrortest.FirstOfEach(1, "*.zip", mirrortest.Status(503)), mirrortest.FirstOfEach(1, "*.mod", mirrortest.CutAfter(3))}})
	b := openAs(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL, relay.Options{})
	if out, err := b.load(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	res := b.relay.Result()
	fetchtest.WantOutcome(t, res, report.OK)
	zips := 0
	for _, m := range res.Modules {
		if m.Kind == report.KindZip {
			zips++
			if m.Source != report.FromMirror || len(m.Attempts) < 2 || m.Sum != f.Get(m.Path, m.Version).ZipSum {
				t.Errorf("%+v", m)
			}
		}
	}
	if zips != 12 || res.Totals.Bytes == 0 {
		t.Errorf("%d zips in the result, %+v", zips, res.Totals)
	}
}

// Whatever go.sum lacks is looked up in the checksum database, which the go command
// asks through the relay, too.
func TestCorner12AToolIsInstalledWithoutACheckout(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/tool@v1.0.0", "example.test/tool@v1.2.0", "example.test/other")
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
	bench := fetchtest.New(t, f, mirrortest.Checkout{})
	bench.Values.Dir = t.TempDir()
	bench.Env["GOSUMDB"] = db.Key
	b := open(t, bench, s.URL)
	out, err := b.gocmd(bench.Values.Dir, nil, "mod", "download", "-json", "example.test/tool@latest")
	if err != nil || !strings.Contains(out, `"Version": "v1.2.0"`) || !strings.Contains(out, f.Get("example.test/tool", "v1.2.0").ZipSum) {
		t.Fatalf("%v\n%s", err, out)
	}
	lookups := s.Count("/sumdb/*/lookup/*")
	if lookups != 1 {
		t.Errorf("the database was asked %d times for one version", lookups)
	}
	res := b.relay.Result()
	if fetchtest.Found(res, "relay-unverified") != nil || res.SumDB == nil || res.SumDB.Via != s.URL {
		t.Errorf("findings %v, database %+v", res.Findings, res.SumDB)
	}
}

func TestWrongBytesOfOneMirrorAreTakenFromTheNext(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 2<<10)
	a := f.All()[1]
	lie := mirrortest.Corrupt(t, mirrortest.Module{Path: a.Path, Version: a.Version.Version}, mirrortest.OtherContent)
	lying := mirrortest.Start(t, mirrortest.Options{Fixtures: f.With(lie)})
	right := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), lying.URL+"|"+right.URL)
	if out, err := b.load(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	res := b.relay.Result()
	fetchtest.WantOutcome(t, res, report.OK)
	for _, m := range res.Modules {
		if m.Path == a.Path && m.Kind == report.KindZip && (m.Mirror != right.URL || m.Attempts[0].Class != failure.HashMismatch) {
			t.Errorf("%+v", m)
		}
	}
}

func TestCorner04WrongBytesEverywhereAreA502WithBothHashes(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 2<<10)
	a := f.All()[1]
	lie := mirrortest.Corrupt(t, mirrortest.Module{Path: a.Path, Version: a.Version.Version}, mirrortest.OtherContent)
	one := mirrortest.Start(t, mirrortest.Options{Fixtures: f.With(lie)})
	two := mirrortest.Start(t, mirrortest.Options{Fixtures: f.With(lie)})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), one.URL+"|"+two.URL+"|direct")
	out, err := b.load()
	if err == nil || !strings.Contains(out, "502 Bad Gateway") || !strings.Contains(out, a.ZipSum) || strings.Count(out, "h1:") < 2 {
		t.Errorf("the go command says %v\n%s", err, out)
	}
	fetchtest.WantOutcome(t, b.relay.Result(), report.Integrity)
	if resp, body := b.get("/" + a.Path + "/@v/" + a.Version.Version + ".zip"); resp.StatusCode != 502 || resp.Header.Get("Cache-Control") != "no-store" {
		t.Error(describe(resp, body))
	}
	zips, _ := filepath.Glob(filepath.Join(b.ModCache, "cache", "modferry", "relay-*", "cache", "download", a.Path, "@v", "*.zip"))
	if len(zips) > 0 {
		t.Errorf("stored: %v", zips)
	}
}

// The outcome is that of the go command's own rules, but for what the relay heals.
func TestCorner03StatusesDecideWhatFollows(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	broken := "http://" + mirrortest.Refused(t)
	for _, test := range []struct {
		name, chain string
		status      int // of the first mirror; 0 refuses connections
		want        int // of the relay for a zip
		says        string
	}{
		{"404 before direct", "%s,direct", 404, 404, "no mirror has it"},
		{"410 before direct", "%s,direct", 410, 404, ""},
		{"404 at the end", "%s", 404, 404, "not found"},
		{"410 at the end", "%s", 410, 410, "gone"},
		{"404 before another", "%s,%s", 404, 200, ""},
		{"403 of a gatekeeper", "%s,direct", 403, 403, "scripted: Forbidden"},
		{"401 of a gatekeeper", "%s,%s,direct", 401, 401, "scripted: Unauthorized"},
		{"451 of a gatekeeper", "%s,direct", 451, 451, ""},
		{"403 before a bar", "%s|%s", 403, 200, ""},
		{"403 before a bar and direct", "%s|direct", 403, 404, "HTTP 403"},
		{"500 of a gatekeeper", "%s,%s,direct", 500, 502, "HTTP 500"},
		{"500 before a bar", "%s|%s,direct", 500, 200, ""},
		{"500 before a bar and direct", "%s|direct", 500, 404, "HTTP 500"},
		{"nobody there", "%s,direct", 0, 502, "connection refused"},
		{"nobody there before a bar and direct", "%s|direct", 0, 404, "connection refused"},
		{"only direct", "direct", 0, 404, "version control"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			first := broken
			if test.status != 0 {
				first = mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
					mirrortest.Always("", mirrortest.Status(test.status))}}).URL
			}
			second := mirrortest.Start(t, mirrortest.Options{Fixtures: f}).URL
			chain := strings.Replace(strings.Replace(test.chain, "%s", first, 1), "%s", second, 1)
			b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), chain)
			for _, path := range []string{"/example.test/m/@v/v1.0.0.zip", "/example.test/m/@v/v1.0.0.mod", "/example.test/m/@v/v1.0.0.info", "/example.test/m/@v/list", "/example.test/m/@latest", "/example.test/m/@v/main.info"} {
				want := test.want
				if want == 200 && strings.HasSuffix(path, "main.info") {
					continue // nobody knows the branch
				}
				resp, body := b.get(path)
				if resp.StatusCode != want || !strings.Contains(body, test.says) {
					t.Errorf("%s: %s, want %d and %q", path, describe(resp, body), want, test.says)
				}
				if res := b.relay.Result(); want == 404 && res.Outcome != report.OK && strings.HasSuffix(chain, "direct") {
					t.Errorf("%s: the outcome is %s: %s", path, res.Outcome, res.Message)
				}
				lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
				if want >= 400 && (resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" || len(lines) > 8 || len(body) > 648 || strings.Contains(body, "\n\n")) {
					t.Errorf("%s: the go command would not show %s", path, describe(resp, body))
				}
			}
		})
	}
}

func TestCorner16WhatIsPrivateIsToldToNobody(t *testing.T) {
	t.Parallel()
	f := modules(t, "corp.test/inner", "half.test/inner", "example.test/m")
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
	bench := fetchtest.New(t, f, mirrortest.Checkout{})
	bench.Env["GOSUMDB"], bench.Env["GONOPROXY"], bench.Env["GOPRIVATE"], bench.Env["GONOSUMDB"] = db.Key, "corp.test", "corp.test", "corp.test,half.test"
	if err := os.Remove(filepath.Join(bench.Dir, "go.sum")); err != nil {
		t.Fatal(err)
	}
	b := open(t, bench, s.URL+",direct")
	for _, path := range []string{"/@v/v1.0.0.zip", "/@v/v1.0.0.mod", "/@v/v1.0.0.info", "/@v/list", "/@latest", "/@v/main.info"} {
		if resp, body := b.get("/corp.test/inner" + path); resp.StatusCode != 404 || !strings.Contains(body, "private") {
			t.Errorf("%s: %s", path, describe(resp, body))
		}
	}
	for _, m := range []string{"corp.test/inner", "half.test/inner"} {
		if resp, body := b.get("/sumdb/" + db.Name + "/lookup/" + m + "@v1.0.0"); resp.StatusCode != 404 || !strings.Contains(body, "private") {
			t.Error(describe(resp, body))
		}
	}
	if resp, body := b.get("/half.test/inner/@v/v1.0.0.zip"); resp.StatusCode != 200 || resp.Header.Get("X-Modferry-Verified") != "no" {
		t.Error(describe(resp, body))
	}
	if n := s.Count("*corp.test*") + s.Count("*lookup/half.test*"); n != 0 {
		t.Errorf("%d requests tell private names", n)
	}
	if found := fetchtest.Found(b.relay.Result(), "relay-unverified"); found == nil || !strings.Contains(found.Found, "half.test/inner@v1.0.0 zip: GONOSUMDB") {
		t.Errorf("findings: %+v", found)
	}
}

// Everything that go commands ask a mirror for, from an empty module cache, verified by
// the database that they reach through the relay.
func TestCorner12GoCommandsWorkThroughTheRelay(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m@v1.0.0", "example.test/m@v1.1.0", "example.test/n", "example.test/Upper/v2@v2.3.4")
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db, Faults: []mirrortest.Rule{
		mirrortest.FirstOfEach(1, "*", mirrortest.Status(503))}}) // which would end each of them
	for _, test := range []struct {
		name string
		args []string
		says string
	}{
		{"versions", []string{"list", "-m", "-versions", "example.test/m"}, "example.test/m v1.0.0 v1.1.0"},
		{"graph", []string{"mod", "graph"}, "example.test/n@v1.0.0"},
		{"download", []string{"mod", "download", "-json"}, `"Path": "example.test/Upper/v2"`},
		{"tidy", []string{"mod", "tidy"}, ""},
		{"upgrade", []string{"get", "-u", "./..."}, "upgraded example.test/m v1.0.0 => v1.1.0"},
		{"get of a version", []string{"get", "example.test/m@v1"}, "upgraded example.test/m v1.0.0 => v1.1.0"},
		{"vendor", []string{"mod", "vendor"}, ""},
		{"updates", []string{"list", "-m", "-u", "all"}, "example.test/m v1.0.0 [v1.1.0]"},
		{"run of a version", []string{"build", "-n", "example.test/n"}, ""},
		{"install of the latest", []string{"install", "-n", "example.test/m@latest"}, "is not a main package"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			bench := fetchtest.New(t, f, mirrortest.Checkout{Require: []module.Version{
				{Path: "example.test/m", Version: "v1.0.0"}, {Path: "example.test/n", Version: "v1.0.0"}, {Path: "example.test/Upper/v2", Version: "v2.3.4"}}})
			bench.Env["GOSUMDB"] = db.Key
			b := open(t, bench, s.URL)
			out, err := b.gocmd(bench.Dir, nil, test.args...)
			if (err != nil) != strings.HasPrefix(test.says, "is not") || !strings.Contains(out, test.says) {
				t.Errorf("%v\n%s", err, out)
			}
			if found := fetchtest.Found(b.relay.Result(), "relay-unverified"); found != nil {
				t.Errorf("%+v", found)
			}
		})
	}
}

// In a workspace the go command reads go.mod files that no go.sum names.
func TestCorner12AWorkspaceLoadsThroughTheRelay(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m", "example.test/n")
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
	bench := fetchtest.New(t, f, mirrortest.Checkout{})
	bench.Env["GOSUMDB"] = db.Key
	fetchtest.Write(t, filepath.Join(bench.Dir, "go.work"), "go 1.21\n\nuse .\n")
	b := open(t, bench, s.URL)
	if out, err := b.gocmd(bench.Dir, []string{"GOWORK="}, "list", "-deps", "./..."); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The go command holds the lock of a version while it waits for its zip: who shares its
// module cache waits for that, and who has another one for the same download.
func TestManyGoCommandsAtATimeCostOneDownload(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 8, 8<<10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
		mirrortest.FirstOfEach(1, "*.zip", mirrortest.ResetAfter(1000))}})
	bench := fetchtest.New(t, f, mirrortest.Checkout{})
	bench.Values.NoHedge = true
	b := open(t, bench, s.URL)
	shared := filepath.Join(t.TempDir(), "mod")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			var env []string
			if i%2 == 0 {
				env = []string{"GOMODCACHE=" + shared}
			}
			if out, err := b.gocmd(bench.Dir, env, "mod", "download"); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	wg.Wait()
	whole := 0
	for _, r := range s.Matching("*.zip") {
		if r.Range() == "" {
			whole++
		}
	}
	if n := s.Count("*.mod") + s.Count("*.info"); n != 16 || whole != 8 {
		t.Errorf("%d requests for 16 small files, %d for 8 zips", n, whole)
	}
}
