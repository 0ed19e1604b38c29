package fetch_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/outside"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// tools has a module with a command that imports a package of dep, which requires more
// than it imports.
func tools(t *testing.T, more ...mirrortest.Module) *mirrortest.Fixtures {
	t.Helper()
	tool := func(version, retract string) mirrortest.Module {
		return mirrortest.Module{Path: "example.test/tool", Version: version, Files: map[string]string{
			"go.mod":           "module example.test/tool\n\ngo 1.21\n\nrequire (\n\texample.test/dep v1.0.0\n\texample.test/unread v1.0.0 // indirect\n)\n" + retract,
			"cmd/it/main.go":   "package main\n\nimport \"example.test/dep/pkg\"\n\nfunc main() { pkg.Do() }\n",
			"cmd/it/a_test.go": "package main\n\nimport _ \"example.test/unread\"\n",
		}}
	}
	return mirrortest.Build(t, append([]mirrortest.Module{
		tool("v1.0.0", ""), tool("v1.1.0", ""), tool("v1.2.0", "\nretract v1.2.0\n"), tool("v1.3.0-rc.1", ""),
		{Path: "example.test/dep", Version: "v1.0.0", Files: map[string]string{
			"go.mod": "module example.test/dep\n\ngo 1.21\n", "pkg/pkg.go": "package pkg\n\nfunc Do() {}\n"}},
		{Path: "example.test/unread", Version: "v1.0.0", Size: 100},
	}, more...)...)
}

// outsideBench is a job without a checkout.
func outsideBench(t *testing.T, f *mirrortest.Fixtures, gosumdb string) *fetchtest.Bench {
	t.Helper()
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.Dir = t.TempDir()
	b.Values.Retries, b.Values.NoProbe = 1, true
	b.Env["GOSUMDB"] = gosumdb
	return b
}

func fetchModules(t *testing.T, b *fetchtest.Bench, proxy string, args ...string) *report.Result {
	t.Helper()
	env := goenv.Env{}
	for k, v := range b.Env {
		env[k] = goenv.Var{Value: v, Source: "test"}
	}
	env["GOPROXY"] = goenv.Var{Value: proxy, Source: "test"}
	env["GOMODCACHE"] = goenv.Var{Value: b.ModCache, Source: "test"}
	s, err := session.OpenJob(b.Values, env, b.Options)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := outside.Parse(args)
	if err != nil {
		t.Fatal(err)
	}
	res, _ := fetch.Modules(t.Context(), s, nil, parsed)
	return res
}

// install has the real go command load what it would install, from the module cache of
// the bench, without any network and with the database on.
func install(t *testing.T, b *fetchtest.Bench, arg string) (string, error) {
	t.Helper()
	base := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "install", "-n", arg)
	cmd.Dir = base
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "GOPATH=" + base, "GOENV=off", "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=-modcacherw",
		"GOCACHE=" + filepath.Join(base, "build"), "GOMODCACHE=" + b.ModCache, "GOSUMDB=" + b.Env["GOSUMDB"], "GOPROXY=" + mirrortest.FileURL(filepath.Join(b.ModCache, "cache", "download")), "CGO_ENABLED=0",
		"GODEBUG=cmdgonetlimit=0",
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func names(res *report.Result) string {
	var all []string
	for _, m := range res.Modules {
		all = append(all, m.Path+"@"+m.Version+" "+m.Kind+" "+string(m.Source))
	}
	return strings.Join(all, "\n")
}

// What modferry fetch brings of PACKAGE@QUERY is what go install of it reads, verified
// by the database, and no more: then it needs no network, and neither for the database.
func TestFetchOfAPackageIsWhatGoInstallReads(t *testing.T) {
	t.Parallel()
	f := tools(t)
	db := mirrortest.NewSumDB(t, f)
	for query, version := range map[string]string{"latest": "v1.1.0", "v1.0": "v1.0.0", "v1": "v1.1.0", "<v1.1.0": "v1.0.0", ">v1.0.0": "v1.1.0", "v1.3.0-rc.1": "v1.3.0-rc.1"} {
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
		b := outsideBench(t, f, db.Key)
		res := fetchModules(t, b, s.URL, "example.test/tool/cmd/it@"+query)
		fetchtest.WantOutcome(t, res, report.OK)
		if got := names(res); !strings.Contains(got, "example.test/tool@"+version+" zip mirror") || !strings.Contains(got, "example.test/dep@v1.0.0 zip mirror") || strings.Contains(got, "unread") {
			t.Errorf("%s:\n%s", query, got)
		}
		s.Close()
		if out, err := install(t, b, "example.test/tool/cmd/it@"+version); err != nil {
			t.Errorf("%s: %v\n%s", query, err, out)
		}
	}
}

func TestFetchOfModulesThatCannotBeHad(t *testing.T) {
	t.Parallel()
	f := tools(t)
	m := mirrortest.Module{Path: "example.test/dep", Version: "v1.0.0", Size: 100}
	right, forged := mirrortest.NewSumDB(t, f), mirrortest.NewSumDB(t, f)
	for _, test := range []struct {
		name, arg string
		o         mirrortest.Options
		outcome   report.Outcome
		class     failure.Class
	}{
		{"no such module", "example.test/none@latest", mirrortest.Options{Fixtures: f, SumDB: right}, report.Incomplete, failure.NotFound},
		{"no such version", "example.test/tool@v9", mirrortest.Options{Fixtures: f, SumDB: right}, report.Incomplete, failure.NotFound},
		{"no such package", "example.test/tool/cmd/other@latest", mirrortest.Options{Fixtures: f, SumDB: right}, report.Incomplete, failure.NotFound},
		{"wrong bytes of what it imports", "example.test/tool/cmd/it@v1.0.0", mirrortest.Options{Fixtures: f.With(mirrortest.Corrupt(t, m, mirrortest.OtherContent)), SumDB: right}, report.Integrity, failure.HashMismatch},
		{"a forged database", "example.test/tool/cmd/it@v1.0.0", mirrortest.Options{Fixtures: f, SumDB: forged}, report.Integrity, failure.HashMismatch},
		{"no database", "example.test/tool/cmd/it@v1.0.0", mirrortest.Options{Fixtures: f}, report.Incomplete, failure.NameLookup},
		{"a database that is down", "example.test/tool/cmd/it@v1.0.0", mirrortest.Options{Fixtures: f, SumDB: right, Faults: []mirrortest.Rule{mirrortest.Always("*lookup*", mirrortest.Status(500))}}, report.Incomplete, failure.ServerError},
		{"of what it imports, the database knows nothing", "example.test/tool/cmd/it@v1.0.0", mirrortest.Options{Fixtures: f, SumDB: right, Faults: []mirrortest.Rule{mirrortest.Always("*lookup/example.test/dep@*", mirrortest.Status(404))}}, report.Incomplete, failure.NotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, test.o)
			b := outsideBench(t, f, right.Key)
			network := new(mirrortest.Network)
			network.NoSuchHost(right.Name)
			b.Options.Dial = network.DialContext
			res := fetchModules(t, b, s.URL, test.arg)
			fetchtest.WantOutcome(t, res, test.outcome)
			found := false
			for _, m := range res.Modules {
				found = found || m.Source == report.FromFailed && m.Class == test.class
			}
			if !found {
				t.Errorf("no file has failed with %s:\n%+v", test.class, res.Modules)
			}
		})
	}
}

// What GONOSUMDB names is placed as it comes, as the go command does, and that is said;
// what GONOPROXY names is left to the go command.
func TestFetchOfPrivateModules(t *testing.T) {
	t.Parallel()
	f := tools(t)
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
	b := outsideBench(t, f, db.Key)
	b.Env["GONOSUMDB"] = "example.test/tool,example.test/dep"
	res := fetchModules(t, b, s.URL, "example.test/tool/cmd/it@latest")
	fetchtest.WantOutcome(t, res, report.OK)
	if f := fetchtest.Found(res, "relay-unverified"); f == nil || !strings.Contains(f.Found, "GONOSUMDB") {
		t.Errorf("it is not said: %+v", f)
	}
	if n := s.Count("*lookup/example.test/tool*") + s.Count("*lookup/example.test/dep*"); n != 0 {
		t.Errorf("the database was told %d times", n)
	}
	b = outsideBench(t, f, db.Key)
	b.Env["GONOSUMDB"], b.Values.Strict = "example.test/tool,example.test/dep", true
	res = fetchModules(t, b, s.URL, "example.test/tool/cmd/it@latest")
	fetchtest.WantOutcome(t, res, report.Incomplete)
	for _, m := range res.Modules {
		if m.Source != report.FromFailed || m.Class != failure.MissingSum || !strings.Contains(m.Message, "strict") {
			t.Errorf("strict has %s@%s %s: %s", m.Path, m.Version, m.Kind, m.Message)
		}
	}
	b = outsideBench(t, f, db.Key)
	b.Env["GONOPROXY"] = "example.test"
	before := len(s.Requests())
	res = fetchModules(t, b, s.URL+",direct", "example.test/tool/cmd/it@latest")
	fetchtest.WantOutcome(t, res, report.OK)
	if n := len(s.Requests()) - before; n != 0 || !strings.Contains(names(res), "deferred") {
		t.Errorf("%d requests\n%s", n, names(res))
	}
}

// With --toolchain, the toolchain that go.mod asks for is fetched beside what the work
// list has. The database is asked for it whatever GONOSUMDB says, and without one there
// is no toolchain.
func TestFetchOfAToolchain(t *testing.T) {
	t.Parallel()
	version := "v0.0.1-go1.99.1." + runtime.GOOS + "-" + runtime.GOARCH
	f := tools(t, mirrortest.Module{Path: "golang.org/toolchain", Version: version, Files: map[string]string{"bin/go": "#!/bin/sh\n"}})
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
	for _, on := range []bool{true, false} {
		b := fetchtest.New(t, mirrortest.Generate(t, 1, 100), mirrortest.Checkout{})
		b.Env["GOTOOLCHAIN"], b.Env["GONOSUMDB"] = "auto", "golang.org"
		if on {
			b.Env["GOSUMDB"] = db.Key
		}
		b.Values.Toolchain, b.Values.NoProbe = true, true
		fetchtest.Write(t, filepath.Join(b.Dir, "go.mod"), "module example.test/main\n\ngo 1.99\n\ntoolchain go1.99.1\n")
		fetchtest.Write(t, filepath.Join(b.Dir, "go.sum"), "")
		res := b.Run(s.URL)
		want, source := report.OK, report.FromMirror
		if !on {
			want, source = report.Incomplete, report.FromFailed
		}
		fetchtest.WantOutcome(t, res, want)
		if got := names(res); !strings.Contains(got, "golang.org/toolchain@"+version+" toolchain "+string(source)) {
			t.Errorf("GOSUMDB %v:\n%s", on, got)
		}
		if _, err := os.Stat(filepath.Join(b.ModCache, "golang.org", "toolchain@"+version, "bin", "go")); (err == nil) != on {
			t.Errorf("GOSUMDB %v: %v", on, err)
		}
	}
}
