package fetch_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// doctor examines the bench and returns the result.
func (b *bench) doctor(proxy string) *report.Result {
	b.t.Helper()
	env := goenv.Env{}
	for k, v := range b.env {
		env[k] = goenv.Var{Value: v, Source: "test"}
	}
	env["GOPROXY"] = goenv.Var{Value: proxy, Source: "test"}
	env["GOMODCACHE"] = goenv.Var{Value: b.modcache, Source: "test"}
	return fetch.PrepareDoctor(b.values, env, nil, b.o).Doctor(b.t.Context())
}

// found is the finding of a check, nil when there is none.
func found(r *report.Result, check string) *finding.Finding {
	for i, f := range r.Findings {
		if f.Check == check {
			return &r.Findings[i]
		}
	}
	return nil
}

func TestTheDoctorFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	f := mirrortest.Build(t,
		mirrortest.Module{Path: "git.acme.internal/team/lib", Version: "v1.0.0"},
		mirrortest.Module{Path: "example.test/m", Version: "v1.0.0"})
	good := mirrortest.Start(t, mirrortest.Options{Fixtures: f}).URL
	dead := mirrortest.Refused(t)
	tls := "https://" + dead + "/go|" + good
	tests := []struct {
		name  string
		setup func(*bench)
		proxy string
		check string
		say   []string // parts of the finding
	}{
		{"a module that looks private", func(*bench) {}, good, "module-looks-private",
			[]string{"git.acme.internal", "1 module, such as git.acme.internal/team/lib", "GOPRIVATE=git.acme.internal"}},
		{"a mirror that is dead", func(*bench) {}, good + "|http://" + mirrortest.Refused(t), "mirror-failing",
			[]string{"connection refused", "GOPROXY"}},
		{"a file of passwords that all can read", func(b *bench) { b.netrc("machine a.test login u password p\n", 0o644) }, good, "netrc-readable",
			[]string{"mode 0644", "chmod 600"}},
		{"a machine without the mirror's port", func(b *bench) { b.netrc("machine 127.0.0.1 login u password p\n", 0o600) }, "https://" + mirrortest.Refused(t) + "|" + good, "netrc-port",
			[]string{"The go command looks for 127.0.0.1:", "machine 127.0.0.1:"}},
		{"a machine without a password", func(b *bench) { b.netrc("machine "+dead+" login u\nmachine other.test login u password p\n", 0o600) }, tls, "netrc-incomplete",
			[]string{"The entry is without password", dead}},
		{"a machine without a login", func(b *bench) { b.netrc("machine "+dead+" password p\n", 0o600) }, tls, "netrc-incomplete", []string{"without login,"}},
		{"a machine and nothing else", func(b *bench) { b.netrc("machine "+dead+"\n", 0o600) }, tls, "netrc-incomplete", []string{"without login and password"}},
		{"a password in quotes", func(b *bench) { b.netrc("machine "+dead+" login u password \"p\"\n", 0o600) }, tls, "netrc-quotes", []string{"a part of it"}},
		{"a machine in quotes", func(b *bench) { b.netrc("machine \""+dead+"\" login u password p\n", 0o600) }, tls, "netrc-quotes", []string{"The machine has quotes"}},
		{"a machine with another port", func(b *bench) { b.netrc("machine 127.0.0.1:1 login u password p\n", 0o600) }, tls, "netrc-port", []string{dead}},
		{"a machine for another path", func(b *bench) { b.netrc("machine "+dead+"/npm login u password p\n", 0o600) }, tls, "netrc-path", []string{"machine " + dead}},
		{"a URL for a machine", func(b *bench) { b.netrc("machine http://"+dead+"/ login u password p\n", 0o600) }, tls, "netrc-unread", []string{"letter by letter"}},
		{"a machine in a macdef", func(b *bench) { b.netrc("macdef init\nmachine "+dead+" login u password p\n", 0o600) }, tls, "netrc-unread", []string{"macdef"}},
		{"a machine behind a byte order mark", func(b *bench) { b.netrc("\ufeffmachine "+dead+" login u password p\n", 0o600) }, tls, "netrc-unread", []string{"byte order mark"}},
		{"several go commands", func(b *bench) { b.path(2) }, good, "go-several", []string{"PATH", "go"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, f, mirrortest.Checkout{})
			tt.setup(b)
			got := found(b.doctor(tt.proxy), tt.check)
			if got == nil {
				t.Fatalf("no finding %s", tt.check)
			}
			text := got.Setting + " " + got.Found + " " + got.Effect + " " + got.Instead
			for _, want := range tt.say {
				if !strings.Contains(text, want) {
					t.Errorf("found %s, want something about %q", text, want)
				}
			}
		})
	}
}

func TestTheDoctorFindsNothingWhereNothingIsWrong(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 100)
	b := newBench(t, f, mirrortest.Checkout{})
	b.netrc("machine a.test login u password p\n", 0o600)
	b.path(1)
	r := b.doctor(mirrortest.Start(t, mirrortest.Options{Fixtures: f}).URL + ",direct")
	wantOutcome(t, r, report.OK)
	for _, check := range []string{"module-looks-private", "mirror-failing", "netrc-readable", "netrc-port", "go-several", "vendor-in-use"} {
		if got := found(r, check); got != nil {
			t.Errorf("found %+v", got)
		}
	}
	if !slices.ContainsFunc(r.Mirrors, func(m report.Mirror) bool { return m.State == report.Healthy }) {
		t.Errorf("mirrors %+v", r.Mirrors)
	}
}

func TestTheDoctorMissesNoMirrorWhereVendorHasEverything(t *testing.T) {
	t.Parallel()
	b := newBench(t, mirrortest.Generate(t, 1, 100), mirrortest.Checkout{})
	dir := b.dir
	for name, text := range map[string]string{
		"go.mod":                     "module m.test\n\ngo 1.21\n\nrequire example.test/a v1.0.0\n",
		"m.go":                       "package m\n\nimport _ \"example.test/a\"\n",
		"vendor/modules.txt":         "# example.test/a v1.0.0\n## explicit; go 1.20\nexample.test/a\n",
		"vendor/example.test/a/a.go": "package a\n",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := b.doctor("http://" + mirrortest.Refused(t))
	wantOutcome(t, r, report.OK)
	if found(r, "mirror-failing") == nil {
		t.Error("the mirror is not told of")
	}
}

// A private module that a pattern matches is nobody's business.
func TestTheDoctorLeavesMatchedModulesAlone(t *testing.T) {
	t.Parallel()
	f := mirrortest.Build(t, mirrortest.Module{Path: "git.acme.corp/lib", Version: "v1.0.0"})
	b := newBench(t, f, mirrortest.Checkout{})
	b.env["GOPRIVATE"], b.env["GONOPROXY"], b.env["GONOSUMDB"] = "*.corp", "*.corp", "*.corp"
	if got := found(b.doctor(mirrortest.Start(t, mirrortest.Options{Fixtures: f}).URL), "module-looks-private"); got != nil {
		t.Errorf("found %+v", got)
	}
}

// The database has a say about what go.sum lacks, and about nothing else.
func TestAnUnreachableChecksumDatabaseIsToldWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 100)
	good := mirrortest.Start(t, mirrortest.Options{Fixtures: f}).URL
	for name, lacking := range map[string]bool{"a complete go.sum": false, "a line is missing": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, f, mirrortest.Checkout{})
			b.env["GOSUMDB"] = goenv.DefaultSumDB + " http://" + mirrortest.Refused(t)
			if lacking {
				file := filepath.Join(b.dir, "go.sum")
				sum, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				_, rest, _ := strings.Cut(string(sum), "\n")
				if err := os.WriteFile(file, []byte(rest), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got := found(b.doctor(good), "sumdb-unreachable"); (got != nil) != lacking {
				t.Errorf("found %+v", got)
			}
		})
	}
}

func TestAFetchTellsOfAGoThatIsTooOldForTheCheckout(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	good := mirrortest.Start(t, mirrortest.Options{Fixtures: f}).URL
	for toolchain, want := range map[string]bool{"local": true, "auto": false} {
		b := newBench(t, f, mirrortest.Checkout{Go: "1.99"})
		b.env["GOTOOLCHAIN"], b.env["GOVERSION"] = toolchain, "go1.26.0"
		if got := found(b.run(good), "toolchain-refused"); (got != nil) != want {
			t.Errorf("GOTOOLCHAIN=%s: found %+v", toolchain, got)
		}
	}
}

// Whoever reads that a mirror wants credentials has written them already.
func TestARefusalIsExplainedByTheEntryThatIsThere(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	ca := mirrortest.NewAuthority(t)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2, Authority: ca, BasicAuth: "u:p"})
	for text, want := range map[string]bool{
		"machine " + s.Addr + " login u\n":            true,
		"machine " + s.Addr + " login u password p\n": false,
		"machine other.test login u\n":                false,
	} {
		b := newBench(t, f, mirrortest.Checkout{})
		b.trust(ca)
		b.netrc(text, 0o600)
		r := b.run(s.URL)
		if got := found(r, "netrc-incomplete"); (got != nil) != want {
			t.Errorf("%q: %s, found %+v", text, r.Outcome, got)
		}
	}
}

// netrc gives the bench a file of credentials.
func (b *bench) netrc(text string, mode os.FileMode) {
	b.t.Helper()
	name := filepath.Join(b.t.TempDir(), "netrc")
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil { // whatever the umask
		b.t.Fatal(err)
	}
	b.setenv("NETRC", name)
}

// path gives the bench a PATH with n go commands.
func (b *bench) path(n int) {
	b.t.Helper()
	var dirs []string
	for range n {
		dir := b.t.TempDir()
		for _, name := range []string{"go", "go.exe"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
				b.t.Fatal(err)
			}
		}
		dirs = append(dirs, dir)
	}
	b.setenv("PATH", strings.Join(dirs, string(filepath.ListSeparator)))
}

func (b *bench) setenv(name, value string) {
	before := b.o.Getenv
	b.o.Getenv = func(n string) string {
		if n == name {
			return value
		}
		if before == nil {
			return ""
		}
		return before(n)
	}
}

// What a mirror refuses behind a comma is not asked of the next one.
func TestTheDoctorObeysAGatekeeperWhenItLooksForAToolchain(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	gate := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	gate.Fault(mirrortest.Always("/golang.org/toolchain/@v/*", mirrortest.Status(403)))
	next := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := newBench(t, f, mirrortest.Checkout{Go: "1.99"})
	b.env["GOTOOLCHAIN"], b.env["GOVERSION"] = "auto", "go1.26.0"
	r := b.doctor(gate.URL + "," + next.URL)
	got := found(r, "toolchain-unavailable")
	if got == nil || !strings.Contains(got.Effect, "forbidden") {
		t.Fatalf("found %+v, want toolchain-unavailable, forbidden", got)
	}
	for _, q := range next.Requests() {
		if strings.Contains(q.Path, "toolchain") {
			t.Errorf("the next mirror was asked for %s", q.Path)
		}
	}
}
