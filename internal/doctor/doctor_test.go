package doctor_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/doctor"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/text"
	"github.com/modferry/modferry/internal/session"
)

// examine examines the bench and returns the result.
func examine(b *fetchtest.Bench, proxy string) *report.Result {
	return examineIn(b.T.Context(), b, proxy)
}

func examineIn(ctx context.Context, b *fetchtest.Bench, proxy string) *report.Result {
	env := goenv.Env{}
	for k, v := range b.Env {
		env[k] = goenv.Var{Value: v, Source: "test"}
	}
	env["GOPROXY"] = goenv.Var{Value: proxy, Source: "test"}
	env["GOMODCACHE"] = goenv.Var{Value: b.ModCache, Source: "test"}
	return doctor.Examine(ctx, session.OpenForDoctor(b.Values, env, nil, b.Options))
}

func TestAnInterruptedExaminationJudgesNoMirror(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.SlowFirstByte(nil))}})
	b := fetchtest.New(t, f, mirrortest.Checkout{Go: "1.99"})
	b.Values.ProbeTimeout = time.Minute
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-s.Arrived("*", 1)
		cancel(errors.New("interrupt signal received"))
	}()
	r := examineIn(ctx, b, s.URL)
	if !r.Interrupted || r.SumDB != nil || r.Mirrors[0].State != report.Skipped {
		t.Errorf("interrupted %v, sumdb %+v, mirror %+v; want an interruption that judges nobody", r.Interrupted, r.SumDB, r.Mirrors[0])
	}
	for _, x := range r.Findings {
		if x.Check == "mirror-failing" || x.Check == "toolchain-unavailable" || x.Check == "sumdb-unreachable" {
			t.Errorf("found %+v, though nobody was asked to the end", x)
		}
	}
	var out bytes.Buffer
	if err := text.Diagnosis(&out, r, text.Options{}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "interrupted: the preflight was not finished (") || strings.Contains(out.String(), "failing") {
		t.Errorf("%s", out.String())
	}
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
		setup func(*fetchtest.Bench)
		proxy string
		check string
		say   []string // parts of the finding
	}{
		{"a module that looks private", func(*fetchtest.Bench) {}, good, "module-looks-private",
			[]string{"git.acme.internal", "1 module, such as git.acme.internal/team/lib", "GOPRIVATE"}},
		{"a mirror that is dead", func(*fetchtest.Bench) {}, good + "|http://" + mirrortest.Refused(t), "mirror-failing",
			[]string{"connection refused", "GOPROXY"}},
		{"a file of passwords that all can read", func(b *fetchtest.Bench) { b.Netrc("machine a.test login u password p\n", 0o644) }, good, "netrc-readable",
			[]string{"mode 0644", "chmod 600"}},
		{"a machine without the mirror's port", func(b *fetchtest.Bench) { b.Netrc("machine 127.0.0.1 login u password p\n", 0o600) }, "https://" + mirrortest.Refused(t) + "|" + good, "netrc-port",
			[]string{"The go command looks for 127.0.0.1:", "machine 127.0.0.1:"}},
		{"a machine without a password", func(b *fetchtest.Bench) {
			b.Netrc("machine "+dead+" login u\nmachine other.test login u password p\n", 0o600)
		}, tls, "netrc-incomplete",
			[]string{"The entry has no password", dead}},
		{"a machine without a login", func(b *fetchtest.Bench) { b.Netrc("machine "+dead+" password p\n", 0o600) }, tls, "netrc-incomplete", []string{"no login,"}},
		{"a machine and nothing else", func(b *fetchtest.Bench) { b.Netrc("machine "+dead+"\n", 0o600) }, tls, "netrc-incomplete", []string{"no login and password"}},
		{"a password in quotes", func(b *fetchtest.Bench) { b.Netrc("machine "+dead+" login u password \"p\"\n", 0o600) }, tls, "netrc-quotes", []string{"part of it"}},
		{"a machine in quotes", func(b *fetchtest.Bench) { b.Netrc("machine \""+dead+"\" login u password p\n", 0o600) }, tls, "netrc-quotes", []string{"The machine has quotes"}},
		{"a machine with another port", func(b *fetchtest.Bench) { b.Netrc("machine 127.0.0.1:1 login u password p\n", 0o600) }, tls, "netrc-port", []string{dead}},
		{"a machine for another path", func(b *fetchtest.Bench) { b.Netrc("machine "+dead+"/npm login u password p\n", 0o600) }, tls, "netrc-path", []string{"machine " + dead}},
		{"a URL for a machine", func(b *fetchtest.Bench) { b.Netrc("machine http://"+dead+"/ login u password p\n", 0o600) }, tls, "netrc-unread", []string{"spelled exactly"}},
		{"a machine in a macdef", func(b *fetchtest.Bench) { b.Netrc("macdef init\nmachine "+dead+" login u password p\n", 0o600) }, tls, "netrc-unread", []string{"macdef"}},
		{"a machine behind a byte order mark", func(b *fetchtest.Bench) { b.Netrc("\ufeffmachine "+dead+" login u password p\n", 0o600) }, tls, "netrc-unread", []string{"byte order mark"}},
		{"several go commands", func(b *fetchtest.Bench) { b.Path(2) }, good, "go-several", []string{"PATH", "go"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.check == "netrc-readable" && runtime.GOOS == "windows" {
				t.Skip("Windows has no such modes")
			}
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			tt.setup(b)
			got := fetchtest.Found(examine(b, tt.proxy), tt.check)
			if got == nil {
				t.Fatalf("no finding %s", tt.check)
			}
			text := got.Setting + " " + got.Found + " " + got.Effect + " " + got.Fix
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
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Netrc("machine a.test login u password p\n", 0o600)
	b.Path(1)
	r := examine(b, mirrortest.Start(t, mirrortest.Options{Fixtures: f}).URL+",direct")
	fetchtest.WantOutcome(t, r, report.OK)
	for _, check := range []string{"module-looks-private", "mirror-failing", "netrc-readable", "netrc-port", "go-several", "vendor-in-use"} {
		if got := fetchtest.Found(r, check); got != nil {
			t.Errorf("found %+v", got)
		}
	}
	if !slices.ContainsFunc(r.Mirrors, func(m report.Mirror) bool { return m.State == report.Healthy }) {
		t.Errorf("mirrors %+v", r.Mirrors)
	}
}

// A private module that a pattern matches is nobody's business.
func TestTheDoctorLeavesMatchedModulesAlone(t *testing.T) {
	t.Parallel()
	f := mirrortest.Build(t, mirrortest.Module{Path: "git.acme.corp/lib", Version: "v1.0.0"})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Env["GOPRIVATE"], b.Env["GONOPROXY"], b.Env["GONOSUMDB"] = "*.corp", "*.corp", "*.corp"
	if got := fetchtest.Found(examine(b, mirrortest.Start(t, mirrortest.Options{Fixtures: f}).URL), "module-looks-private"); got != nil {
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
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Env["GOSUMDB"] = goenv.DefaultSumDB + " http://" + mirrortest.Refused(t)
			if lacking {
				file := filepath.Join(b.Dir, "go.sum")
				sum, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				_, rest, _ := strings.Cut(string(sum), "\n")
				if err := os.WriteFile(file, []byte(rest), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got := fetchtest.Found(examine(b, good), "sumdb-unreachable"); (got != nil) != lacking {
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
		b := fetchtest.New(t, f, mirrortest.Checkout{Go: "1.99"})
		b.Env["GOTOOLCHAIN"], b.Env["GOVERSION"] = toolchain, "go1.26.0"
		if got := fetchtest.Found(b.Run(good), "toolchain-refused"); (got != nil) != want {
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
		b := fetchtest.New(t, f, mirrortest.Checkout{})
		b.Trust(ca)
		b.Netrc(text, 0o600)
		r := b.Run(s.URL)
		if got := fetchtest.Found(r, "netrc-incomplete"); (got != nil) != want {
			t.Errorf("%q: %s, found %+v", text, r.Outcome, got)
		}
	}
}

// What a mirror refuses behind a comma is not asked of the next one.
func TestTheDoctorObeysAGatekeeperWhenItLooksForAToolchain(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	gate := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	gate.Fault(mirrortest.Always("/golang.org/toolchain/@v/*", mirrortest.Status(403)))
	next := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{Go: "1.99"})
	b.Env["GOTOOLCHAIN"], b.Env["GOVERSION"] = "auto", "go1.26.0"
	r := examine(b, gate.URL+","+next.URL)
	got := fetchtest.Found(r, "toolchain-unavailable")
	if got == nil || !strings.Contains(got.Effect, "forbidden") {
		t.Fatalf("found %+v, want toolchain-unavailable, forbidden", got)
	}
	for _, q := range next.Requests() {
		if strings.Contains(q.Path, "toolchain") {
			t.Errorf("the next mirror was asked for %s", q.Path)
		}
	}
}

func TestTheDoctorMissesNoMirrorWhereVendorHasEverything(t *testing.T) {
	t.Parallel()
	b := fetchtest.New(t, mirrortest.Generate(t, 1, 100), mirrortest.Checkout{})
	for name, text := range map[string]string{
		"go.mod":                     "module m.test\n\ngo 1.21\n\nrequire example.test/a v1.0.0\n",
		"m.go":                       "package m\n\nimport _ \"example.test/a\"\n",
		"vendor/modules.txt":         "# example.test/a v1.0.0\n## explicit; go 1.20\nexample.test/a\n",
		"vendor/example.test/a/a.go": "package a\n",
	} {
		name = filepath.Join(b.Dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		fetchtest.Write(t, name, text)
	}
	r := examine(b, "http://"+mirrortest.Refused(t))
	fetchtest.WantOutcome(t, r, report.OK)
	if fetchtest.Found(r, "mirror-failing") == nil {
		t.Error("the mirror is not told of")
	}
}

func TestTheDoctorLooksAtMirrorsWhateverIsWrongElsewhere(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 100)
	for _, test := range []struct{ name, variable, value, before, behind string }{
		{"a pattern", "GOPRIVATE", "git.x.test, b.test", "", ""},
		{"the checksum database", "GOSUMDB", "OFF", "", ""},
		{"the list of mirrors", "GOSUMDB", "off", "", ",Direct"},
		{"another mirror", "GOSUMDB", "off", "htp://a.test,", ",direct"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Env[test.variable] = test.value
			r := examine(b, test.before+s.URL+test.behind)
			fetchtest.WantOutcome(t, r, report.Settings)
			if len(s.Requests()) == 0 {
				t.Error("the mirror was not asked")
			}
			for _, q := range s.Requests() {
				if strings.Contains(q.Path, "example.test") {
					t.Errorf("the mirror was told of %s", q.Path)
				}
			}
		})
	}
}
