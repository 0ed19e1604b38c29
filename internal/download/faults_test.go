package download_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// never is a channel that releases nothing.
var never = make(chan struct{})

// Whatever the first mirror does, everything arrives from the second, nothing
// wrong enters the module cache, and the fault is in the result under its name.
func TestOneFaultyMirrorAmongTwo(t *testing.T) {
	t.Parallel()
	const zips, all = "*.zip", "*"
	for _, test := range []struct {
		name  string
		path  string
		fault mirrortest.Fault
		class failure.Class // "" when it differs by protocol
	}{
		{"slow first byte", zips, mirrortest.SlowFirstByte(never), failure.FirstByteTimeout},
		{"stall in the body", zips, mirrortest.StallAfter(5000, never), failure.Stall},
		{"cut in the body", zips, mirrortest.CutAfter(5000), ""},
		{"reset in the body", zips, mirrortest.ResetAfter(5000), ""},
		{"body shorter than announced", zips, mirrortest.LengthTooLong(100), ""},
		{"body longer than announced", zips, mirrortest.LengthTooShort(100), ""},
		{"429 with Retry-After", zips, mirrortest.RetryAfter(429, "1"), failure.Throttled},
		{"401", all, mirrortest.Status(401), failure.Unauthorized},
		{"403", all, mirrortest.Status(403), failure.Forbidden},
		{"404", all, mirrortest.Status(404), failure.NotFound},
		{"410", all, mirrortest.Status(410), failure.Gone},
		{"500", zips, mirrortest.Status(500), failure.ServerError},
		{"502", all, mirrortest.Status(502), failure.ServerError},
		{"503", zips, mirrortest.Status(503), failure.ServerError},
		{"504", zips, mirrortest.Status(504), failure.ServerError},
		{"204", zips, mirrortest.Status(204), failure.HTTPStatus},
		{"HTML with 200", zips, mirrortest.HTML(), failure.WrongContent},
		{"HTML with 200 for everything", all, mirrortest.HTML(), failure.WrongContent},
		{"empty body", zips, mirrortest.Empty(), failure.WrongContent},
		{"redirect loop", zips, mirrortest.RedirectLoop(), failure.RedirectLoop},
		{"one flipped byte in a zip's content", zips, mirrortest.Flip(2000), ""},
		{"one flipped byte in every file", all, mirrortest.Flip(60), ""},
		{"truncated zip", zips, mirrortest.Truncate(4000), failure.WrongContent},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, p := range []mirrortest.Protocol{mirrortest.HTTP1, mirrortest.HTTP2} {
				t.Run(p.String(), func(t *testing.T) {
					t.Parallel()
					f := mirrortest.Generate(t, 3, 20<<10)
					a := mirrortest.NewAuthority(t)
					faulty := fetchtest.Start(t, a, p, f, mirrortest.Always(test.path, test.fault))
					healthy := fetchtest.Start(t, a, p, f)
					b := fetchtest.New(t, f, mirrortest.Checkout{})
					b.Trust(a)
					b.Hasten(test.class)
					// The preflight would leave the faulty mirror out, where it
					// sees the fault; here it has to be met.
					b.Values.NoProbe = true
					r := b.Run(faulty.URL + "|" + healthy.URL)
					fetchtest.WantOutcome(t, r, report.OK)
					b.Complete()
					if test.class == "" {
						return
					}
					if !fetchtest.Met(r, test.class) {
						t.Errorf("no attempt of class %q in the result", test.class)
					}
				})
			}
		})
	}
}

func TestOneMirrorThatCannotBeReachedAmongTwo(t *testing.T) {
	t.Parallel()
	network := new(mirrortest.Network)
	network.BlackHole("hole.example.test")
	network.NoSuchHost("nowhere.example.test")
	f := mirrortest.Generate(t, 2, 1000)
	authority := mirrortest.NewAuthority(t)
	wrongName := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2, Authority: authority, Cert: mirrortest.WrongName})
	unknown := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2})
	healthy := fetchtest.Start(t, authority, mirrortest.HTTP2, f)
	elsewhere := fetchtest.Start(t, authority, mirrortest.HTTP1, f, mirrortest.Always("*", mirrortest.RedirectTo("http://"+mirrortest.Refused(t))))
	for _, test := range []struct {
		name, url string
		class     failure.Class
	}{
		{"nothing listens", "http://" + mirrortest.Refused(t), failure.Refused},
		{"SYN unanswered", "http://hole.example.test", failure.ConnectTimeout},
		{"no such host", "https://nowhere.example.test", failure.NameLookup},
		{"TLS handshake unanswered", "https://" + mirrortest.Silent(t), failure.TLSTimeout},
		{"connection reset", "http://" + mirrortest.Resetting(t), ""},
		{"unknown authority", unknown.URL, failure.TLSUnknownAuthority},
		{"certificate of another name", wrongName.URL, failure.TLSWrongName},
		{"redirect to a host that fails", elsewhere.URL, failure.Refused},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, probe := range []bool{false, true} {
				b := fetchtest.New(t, f, mirrortest.Checkout{})
				b.Trust(authority)
				b.Options.Dial = network.DialContext
				b.Hasten(test.class)
				b.Values.NoProbe = !probe
				r := b.Run(test.url + "|" + healthy.URL)
				fetchtest.WantOutcome(t, r, report.OK)
				b.Complete()
				if probe {
					if m := r.Mirrors[1]; m.State != report.Failing || m.Chosen || (test.class != "" && m.Class != test.class) {
						t.Errorf("the preflight says %+v, want failing with %q and not chosen", m, test.class)
					}
					if r.Settings.GOPROXY != healthy.URL {
						t.Errorf("chosen chain %s, want %s", r.Settings.GOPROXY, healthy.URL)
					}
				} else if test.class != "" && !fetchtest.Met(r, test.class) {
					t.Errorf("no attempt of class %q in the result", test.class)
				}
			}
		})
	}
}

func TestEvilModulesNeverEnterTheModuleCache(t *testing.T) {
	t.Parallel()
	for _, kind := range mirrortest.EvilKinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			m := mirrortest.Module{Path: "example.test/target", Version: "v1.2.3", Size: 3000}
			f := mirrortest.Build(t, m, mirrortest.Module{Path: "example.test/other", Version: "v1.0.0"})
			evil := f.With(mirrortest.Corrupt(t, m, kind))
			lying := mirrortest.Start(t, mirrortest.Options{Fixtures: evil})
			healthy := mirrortest.Start(t, mirrortest.Options{Fixtures: f})

			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Values.NoProbe = true
			r := b.Run(lying.URL + "|" + healthy.URL)
			fetchtest.WantOutcome(t, r, report.OK)
			b.Complete()
			for _, e := range r.Modules {
				if e.Path == m.Path && len(e.Attempts) > 1 {
					if at := e.Attempts[0]; at.Mirror != lying.URL || at.Class == "" {
						t.Errorf("the lying mirror's attempt is %+v", at)
					}
					return
				}
			}
			t.Error("the lie is not in the result")
		})
	}
}

func TestWithoutTheRightBytesTheOutcomeIsIntegrity(t *testing.T) {
	t.Parallel()
	m := mirrortest.Module{Path: "example.test/target", Version: "v1.2.3", Size: 3000}
	f := mirrortest.Build(t, m, mirrortest.Module{Path: "example.test/other", Version: "v1.0.0"})
	for _, kind := range []mirrortest.Evil{mirrortest.OtherContent, mirrortest.OtherMod} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			evil := f.With(mirrortest.Corrupt(t, m, kind))
			lying := mirrortest.Start(t, mirrortest.Options{Fixtures: evil})
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Values.NoProbe = true
			r := b.Run(lying.URL + ",direct")
			fetchtest.WantOutcome(t, r, report.Integrity)
			b.Clean()
			for _, e := range r.Modules {
				if e.Source == report.FromFailed && (e.Path != m.Path || e.Class != failure.HashMismatch || len(e.Attempts) != 1 || e.Line == 0) {
					t.Errorf("failed: %+v; want a hash mismatch of %s after one attempt, with its line", e, m.Path)
				}
			}
		})
	}
}

func TestBurstsOfServerErrorsAreWaitedOut(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 4, 1000)
	for _, code := range []int{500, 502, 503, 504} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.FirstOfEach(2, "*", mirrortest.Status(code))}})
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Values.NoProbe = true
			r := b.Run(s.URL + ",direct")
			fetchtest.WantOutcome(t, r, report.OK)
			b.Complete()
		})
	}
}

func TestRandomFailuresOverAllMirrors(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 40, 2000)
	for _, p := range []mirrortest.Protocol{mirrortest.HTTP1, mirrortest.HTTP2} {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			a := mirrortest.NewAuthority(t)
			var urls []string
			for seed := range uint64(2) {
				s := fetchtest.Start(t, a, p, f,
					mirrortest.Sometimes(0.1, seed, "*", mirrortest.Status(503)),
					mirrortest.Sometimes(0.1, seed+10, "*", mirrortest.CutAfter(50)),
					mirrortest.Sometimes(0.1, seed+20, "*", mirrortest.HTML()))
				urls = append(urls, s.URL)
			}
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Trust(a)
			b.Values.NoProbe = true
			r := b.Run(strings.Join(urls, "|"))
			fetchtest.WantOutcome(t, r, report.OK)
			b.Complete()
		})
	}
}

func TestAllMirrorsDeadIsIncompleteAndClear(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 20, 100)
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	one, two := "http://"+mirrortest.Refused(t), "http://"+mirrortest.Refused(t)
	r := b.Run(one + "|" + two + "|direct")
	fetchtest.WantOutcome(t, r, report.Incomplete)
	b.Clean()
	if r.Settings.GOPROXY != one+"|"+two+"|direct" {
		t.Errorf("chain %s: the configured one is to be kept when all are dead", r.Settings.GOPROXY)
	}
	for _, m := range r.Mirrors {
		if m.State != report.Failing || m.Class != failure.Refused {
			t.Errorf("mirror %+v, want failing, refused", m)
		}
	}
	if r.Totals.BySource[report.FromFailed] != 20 {
		t.Errorf("%v, want 20 failed zips: the go.mod files of what does not arrive are not asked for", r.Totals.BySource)
	}
	for _, m := range r.Modules {
		if strings.Contains(m.Message, "/@v/") && !strings.Contains(m.Message, "/"+m.Path+"/@v/") || !strings.Contains(m.Message, "refused") {
			t.Errorf("%s: %s; want its own URL or that of a mirror, and the cause", m.Name(), m.Message)
		}
	}
}

func TestA429IsObeyed(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 100)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.First(1, "*.zip", mirrortest.RetryAfter(429, "1"))}})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.NoProbe = true
	b.Values.Concurrency = 1
	r := b.Run(s.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	b.Complete()
	if !fetchtest.Met(r, failure.Throttled) {
		t.Error("the 429 is not in the result")
	}
}

func TestAGatekeepersRefusalIsNotAskedElsewhere(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 100)
	refused := f.Versions()[1]
	for _, code := range []int{401, 403} {
		for _, fallback := range []string{"policy", "as-written", "any"} {
			t.Run(fmt.Sprintf("%d with --fallback %s", code, fallback), func(t *testing.T) {
				t.Parallel()
				gate := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*m001*", mirrortest.Status(code))}})
				other := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
				b := fetchtest.New(t, f, mirrortest.Checkout{})
				b.Values.Fallback = fallback
				b.Values.NoProbe = true
				r := b.Run(gate.URL + "," + other.URL + ",direct")
				if fallback == "any" {
					fetchtest.WantOutcome(t, r, report.OK)
					b.Complete()
					return
				}
				fetchtest.WantOutcome(t, r, report.Incomplete)
				b.Clean()
				if n := len(other.Requests()); n != 0 {
					t.Errorf("the mirror behind the comma got %d requests", n)
				}
				for _, m := range r.Modules {
					if m.Source == report.FromFailed && (m.Path != refused.Path || !strings.Contains(m.Message, "After its comma the refusal of "+gate.URL+" is final")) {
						t.Errorf("failed: %s: %s; want the comma named", m.Path, m.Message)
					}
				}
			})
		}
	}
}

func TestAGatekeepersDeadConnectionIsRetriedThereAndNotPassedOn(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 100)
	gate := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.FirstOfEach(2, "*", mirrortest.CutAfter(10))}})
	other := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	r := b.Run(gate.URL + "," + other.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	b.Complete()
	for _, q := range other.Requests() {
		if !strings.Contains(q.Path, "golang.org/x/text") && !strings.HasPrefix(q.Path, "/sumdb") {
			t.Errorf("the mirror behind the comma was asked for %s", q.Path)
		}
	}
}

func TestNobodyHasAModule(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 100)
	missing := f.Versions()[2]
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f.Without(missing)})
	for _, test := range []struct {
		end     string
		outcome report.Outcome
		source  string
		class   failure.Class
	}{
		{",direct", report.OK, report.FromDeferred, failure.OnlyDirect},
		{",off", report.Incomplete, report.FromFailed, failure.NotFound},
		{"", report.Incomplete, report.FromFailed, failure.NotFound},
	} {
		t.Run("before the end "+test.end, func(t *testing.T) {
			t.Parallel()
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			r := b.Run(s.URL + test.end)
			fetchtest.WantOutcome(t, r, test.outcome)
			for _, m := range r.Modules {
				if m.Path == missing.Path && (m.Source != test.source || m.Class != test.class) {
					t.Errorf("%s: %s, %s; want %s, %s", m.Kind, m.Source, m.Class, test.source, test.class)
				}
			}
		})
	}
}

func TestPrivateModulesAreAskedOfNoMirror(t *testing.T) {
	t.Parallel()
	f := mirrortest.Build(t, mirrortest.Module{Path: "git.corp.test/secret", Version: "v1.0.0"}, mirrortest.Module{Path: "example.test/open", Version: "v1.0.0"})
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Env["GOPRIVATE"], b.Env["GONOPROXY"] = "git.corp.test", "git.corp.test"
	r := b.Run(s.URL + "|direct")
	fetchtest.WantOutcome(t, r, report.OK)
	for _, q := range s.Requests() {
		if strings.Contains(q.Path, "git.corp.test") {
			t.Errorf("a private name was sent: %s", q.Path)
		}
	}
	for _, m := range r.Modules {
		if strings.HasPrefix(m.Path, "git.corp.test") && (m.Source != report.FromDeferred || m.Class != failure.Private) {
			t.Errorf("%s: %s, %s; want deferred, private", m.Kind, m.Source, m.Class)
		}
	}
}

func TestGOPROXYOffFailsWhatIsMissing(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	r := b.Run("off")
	fetchtest.WantOutcome(t, r, report.Incomplete)
	for _, m := range r.Modules {
		if m.Class != failure.Disabled {
			t.Errorf("%s: class %q, want %q", m.Kind, m.Class, failure.Disabled)
		}
	}
}
