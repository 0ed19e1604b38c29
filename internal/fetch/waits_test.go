package fetch_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// patient makes every limit that is a setting so long that a test which waits
// for one does not end.
func patient(b *fetchtest.Bench) {
	v := b.Values
	v.ProbeTimeout, v.ConnectTimeout, v.TLSTimeout = time.Hour, time.Hour, time.Hour
	v.FirstByteTimeout, v.StallTimeout, v.RequestTimeout = time.Hour, time.Hour, time.Hour
	b.Options.Grace, b.Options.Silence = time.Millisecond, time.Hour
}

// hanging are mirrors that never answer, each in its own way.
func hanging(t *testing.T, f *mirrortest.Fixtures) map[string]string {
	slow := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.SlowFirstByte(never))}})
	return map[string]string{
		"no response":      slow.URL,
		"no TLS handshake": "https://" + mirrortest.Silent(t),
		"no connection":    "http://hole.example.test",
	}
}

func blackHole() func(context.Context, string, string) (net.Conn, error) {
	network := new(mirrortest.Network)
	network.BlackHole("hole.example.test")
	return network.DialContext
}

func TestNobodyWaitsForAHangingMirrorThatIsNotNeeded(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 20, 100)
	good := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	for kind, url := range hanging(t, f) {
		for _, test := range []struct {
			name, proxy, chosen string
			auto, noProbe       bool
		}{
			{"behind a good one", good.URL + "|" + url, good.URL + "|" + url, false, false},
			{"behind a good one's comma", good.URL + "," + url, good.URL + "," + url, false, false},
			{"before a good one", url + "|" + good.URL + "|direct", good.URL + "|" + url + "|direct", false, false},
			{"before a good one's comma", url + "|" + good.URL + ",direct", good.URL + "," + url + "|direct", false, false},
			{"behind a good one, unprobed", good.URL + "|" + url, good.URL + "|" + url, false, true},
			{"before a good one, unprobed", url + "|" + good.URL, url + "|" + good.URL, false, true},
		} {
			t.Run(kind+", "+test.name, func(t *testing.T) {
				t.Parallel()
				b := fetchtest.New(t, f, mirrortest.Checkout{})
				patient(b)
				if test.noProbe && kind != "no response" {
					// Where there is no connection no first byte is late.
					b.Values.ConnectTimeout, b.Values.TLSTimeout = 500*time.Millisecond, 500*time.Millisecond // long for the good one
				}
				b.Options.Dial = blackHole()
				if b.Values.NoProbe = test.noProbe; test.noProbe {
					b.Options.Silence = time.Second // likewise
				}
				r := b.Run(test.proxy)
				fetchtest.WantOutcome(t, r, report.OK)
				b.Complete()
				if r.Settings.GOPROXY != test.chosen {
					t.Errorf("chosen chain %s, want %s", r.Settings.GOPROXY, test.chosen)
				}
				i := slices.IndexFunc(r.Mirrors, func(m report.Mirror) bool { return m.URL == url })
				if m := r.Mirrors[i]; !test.noProbe && (m.State != report.Skipped || !strings.Contains(m.Reason, "not waited for")) {
					t.Errorf("the hanging mirror is %s (%s), want skipped and not waited for", m.State, m.Reason)
				}
			})
		}
	}
}

// What a gatekeeper's comma does not let pass, its silence does not either.
func TestAHangingGatekeeperIsNotPassedBy(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 20, 100)
	gate := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.SlowFirstByte(never))}})
	other := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	patient(b)
	b.Values.NoProbe, b.Values.FirstByteTimeout, b.Values.Retries = true, 50*time.Millisecond, 0
	r := b.Run(gate.URL + "," + other.URL)
	fetchtest.WantOutcome(t, r, report.Incomplete)
	if n := len(other.Requests()); n != 0 {
		t.Errorf("the mirror behind the comma got %d requests", n)
	}
}

func TestNothingMissingAsksNobodyThoughTheMirrorsAreProbed(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 5, 100)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	s.Forget()
	patient(b)
	b.Options.Dial = blackHole()
	r := b.Run("http://hole.example.test|" + s.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests for nothing", n)
	}
	if want := "http://hole.example.test|" + s.URL; r.Settings.GOPROXY != want {
		t.Errorf("chosen chain %s, want the configured one, %s", r.Settings.GOPROXY, want)
	}
}

func TestWhereOnlyPrivateModulesAreMissingNobodyIsProbed(t *testing.T) {
	t.Parallel()
	f := mirrortest.Build(t, mirrortest.Module{Path: "git.corp.test/secret", Version: "v1.0.0"})
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Env["GOPRIVATE"], b.Env["GONOPROXY"] = "git.corp.test", "git.corp.test"
	fetchtest.WantOutcome(t, b.Run(s.URL+"|direct"), report.OK)
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests, though no mirror may be asked for what is missing", n)
	}
}

func TestWithoutAPreflightNobodyIsProbed(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	one, two := mirrortest.Start(t, mirrortest.Options{Fixtures: f}), mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	patient(b)
	b.Values.NoProbe = true
	fetchtest.WantOutcome(t, b.Run(one.URL+"|"+two.URL), report.OK)
	if n := len(two.Requests()); n != 0 {
		t.Errorf("%d requests to the mirror that was not needed", n)
	}
}

func TestTwoRoundsAreEnoughWhereNobodyIsThere(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 60, 100)
	refused := func() string { return "http://" + mirrortest.Refused(t) }
	for _, test := range []struct {
		name, proxy string
		class       failure.Class
	}{
		{"one mirror refuses", refused(), failure.Refused},
		{"one with a comma before direct", refused() + ",direct", failure.Refused},
		{"several refuse", refused() + "|" + refused() + "|direct", failure.Refused},
		{"no such host", "http://nowhere.example.test|off", failure.NameLookup},
		{"one refuses, one has no name", refused() + "|http://nowhere.example.test", failure.NameLookup},
		{"an empty directory and one that refuses", mirrortest.FileURL(t.TempDir()) + "," + refused(), failure.Refused},
	} {
		for _, probe := range []bool{true, false} {
			for _, retries := range []int{3, 0} {
				b := fetchtest.New(t, f, mirrortest.Checkout{})
				patient(b)
				b.Options.Pause = time.Hour // a run that waits for a breaker does not end
				nowhere := new(mirrortest.Network)
				nowhere.NoSuchHost("nowhere.example.test")
				b.Options.Dial = nowhere.DialContext
				b.Values.NoProbe, b.Values.Retries = !probe, retries
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					r := b.Run(test.proxy)
					fetchtest.WantOutcome(t, r, report.Incomplete)
					b.Clean()
					for _, m := range r.Modules {
						if m.Class != test.class {
							t.Errorf("%s %s: class %q, want %q (%s)", m.Path, m.Kind, m.Class, test.class, m.Message)
						}
						// Two rounds, and a third attempt where the other mirror's circuit
						// breaker tripped before this one's. Retries would allow four.
						at := map[string]int{}
						for _, a := range m.Attempts {
							if at[a.Mirror]++; at[a.Mirror] > 3 {
								t.Errorf("%s %s: %d attempts at %s", m.Path, m.Kind, at[a.Mirror], a.Mirror)
							}
						}
					}
				})
			}
		}
	}
}

func TestWhereOneMirrorIsThereTheOthersAreNoEnd(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 60, 100)
	for _, noProbe := range []bool{true, false} {
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.FirstOfEach(3, "*", mirrortest.Status(503))}})
		b := fetchtest.New(t, f, mirrortest.Checkout{})
		b.Values.NoProbe = noProbe
		r := b.Run("http://" + mirrortest.Refused(t) + "|" + s.URL + "|http://" + mirrortest.Refused(t))
		fetchtest.WantOutcome(t, r, report.OK)
		b.Complete()
	}
}

// A mirror that is too slow for the preflight but supplies everything is slow.
func TestASlowPreflightIsNoFailure(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 100)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.ProbeTimeout = time.Nanosecond
	r := b.Run(s.URL + "|direct")
	fetchtest.WantOutcome(t, r, report.OK)
	b.Complete()
	if m := r.Mirrors[0]; m.State != report.Slow || !m.Chosen || m.Class != "" || !strings.Contains(m.Reason, "1ns of --probe-timeout") {
		t.Errorf("the mirror is %+v, want slow, and the limit named", m)
	}
	b = fetchtest.New(t, f, mirrortest.Checkout{})
	patient(b)
	b.Values.ProbeTimeout, b.Values.FirstByteTimeout, b.Values.Retries = time.Nanosecond, time.Nanosecond, 0
	r = b.Run(s.URL + "|direct")
	fetchtest.WantOutcome(t, r, report.Incomplete)
	if m := r.Mirrors[0]; m.State != report.Failing || !strings.Contains(m.Reason, "1ns of --probe-timeout") {
		t.Errorf("the mirror is %+v, want failing, and the limit named", m)
	}
}
