package preflight

import (
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/session/sessiontest"
)

// a hop in short: name, then marks: p public, ',' or '|' the separator as
// written, ! failing, + added, l fallback-only, and a wait in milliseconds.
type sketch struct {
	url    string
	marks  string
	waitMS int
	weight int
}

func sketched(t *testing.T, fallback session.Fallback, end goenv.Kind, sketches []sketch) []*Candidate {
	t.Helper()
	var mirrors []string
	for _, s := range sketches {
		mirrors = append(mirrors, s.url+" "+s.marks)
	}
	var out []*Candidate
	for i, h := range sessiontest.Chain(t, fallback, end, mirrors...).Hops {
		s := sketches[i]
		h.Weight = s.weight
		v := &mirror.Verdict{Has: 1, Seen: mirror.Seen{Proto: "HTTP/2.0", Timing: mirror.Timing{Wait: time.Duration(s.waitMS) * time.Millisecond}}}
		switch {
		case strings.Contains(s.marks, "!"):
			v.Class, v.Has, v.Reason = failure.ConnectTimeout, 0, "no connection"
		case strings.Contains(s.marks, "0"):
			v.Has, v.Lacks = 0, 1
		}
		out = append(out, &Candidate{Hop: h, Verdict: v})
	}
	return out
}

// A program that stays keeps what fails now, behind what works, as far as that is no
// matter of policy.
func TestWhatStaysInTheChain(t *testing.T) {
	t.Parallel()
	const a, b, c = "https://a.example.test", "https://b.example.test", "https://c.example.test"
	for _, test := range []struct {
		name     string
		sketches []sketch
		want     string
	}{
		{"one of three", []sketch{{a, "|!", 0, 1}, {b, "|", 10, 1}, {c, "|", 10, 1}}, b + "|" + c + "|" + a + "|direct"},
		{"all but one", []sketch{{a, "|!", 0, 1}, {b, "|!", 0, 1}, {c, "|", 10, 1}}, c + "|" + a + "|" + b + "|direct"},
		{"before a comma", []sketch{{a, "|!", 0, 1}, {b, ",", 10, 1}, {c, "|", 10, 1}}, b + "," + a + "|" + c + "|direct"}, // c still is for what b has not
		{"behind a comma", []sketch{{a, ",", 10, 1}, {b, "|!", 0, 1}, {c, "|", 10, 1}}, a + "," + c + "|" + b + "|direct"},
		{"all", []sketch{{a, "|!", 0, 1}, {b, "|!", 0, 1}}, a + "|" + b + "|direct"},
		{"an added one", []sketch{{a, "|", 10, 1}, {b, "p|+!", 0, 1}}, a + "|direct"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			all := sketched(t, session.FallbackPolicy, goenv.Direct, test.sketches)
			for _, k := range all {
				k.stays = true
			}
			kept, reasons := choose(session.Configured, all, session.Access{}, false)
			if got := (Decision{Chosen: kept, end: goenv.Direct}).Chain().List(); got.String() != test.want {
				t.Errorf("chain %s, want %s; %q", got, test.want, reasons)
			}
		})
	}
}

// What to write differs with the form that the chain has: separators, a list of a
// configuration file, or rules over either.
func TestWhyAFailingMirrorStays(t *testing.T) {
	t.Parallel()
	const a, b = "https://a.example.test", "https://b.example.test"
	rule := func(hops ...*session.Hop) []session.Rule {
		return []session.Rule{{Modules: "*", Source: "file .modferry.yaml:9", Hops: hops}}
	}
	for _, test := range []struct {
		name   string
		class  failure.Class
		listed bool
		rules  func(first, second *session.Hop) []session.Rule
		want   string
	}{
		{"separators", failure.ConnectTimeout, false, nil, "behind its comma only 404 and 410 fall back; if it guards nothing, write | after it"},
		{"separators, refused", failure.Forbidden, false, nil, "behind its comma a refusal is final"},
		{"list", failure.ConnectTimeout, true, nil, "only 404 and 410 fall back to the next mirror; if it guards nothing, give it fall-through: any"},
		{"list, refused", failure.Forbidden, true, nil, "without fall-through: any, a refusal is final"},
		{"rule with this one alone", failure.ConnectTimeout, true, func(a, _ *session.Hop) []session.Rule { return rule(a) },
			"the rule for * (file .modferry.yaml:9) lets no other mirror be asked"},
		{"rule with both", failure.ConnectTimeout, true, func(a, b *session.Hop) []session.Rule { return rule(a, b) },
			"only 404 and 410 fall back to the next mirror; if it guards nothing, give it fall-through: any"},
		{"rule with the other one", failure.ConnectTimeout, false, func(_, b *session.Hop) []session.Rule { return rule(b) },
			"behind its comma only 404 and 410 fall back; if it guards nothing, write | after it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			all := sketched(t, session.FallbackPolicy, goenv.Direct, []sketch{{a, ",!", 0, 1}, {b, ",", 10, 1}})
			all[0].Verdict.Class = test.class
			var access session.Access
			if test.rules != nil {
				access.Rules = test.rules(all[0].Hop, all[1].Hop)
			}
			_, reasons := choose(session.Configured, all, access, test.listed)
			want := a + " is failing (" + test.class.Title() + ") but stays: " + test.want
			if len(reasons) != 1 || reasons[0] != want {
				t.Errorf("reasons %q, want %q", reasons, want)
			}
		})
	}
}

func TestChoosingTheChain(t *testing.T) {
	t.Parallel()
	const a, b, c = "https://a.example.test", "https://b.example.test", "https://c.example.test"
	for _, test := range []struct {
		name     string
		how      session.Choice
		end      goenv.Kind
		sketches []sketch
		want     string
		reason   string
	}{
		{"configured keeps the order, however fast the others are", session.Configured, goenv.Direct,
			[]sketch{{a, "p,", 300, 1}, {b, "p,", 10, 1}}, a + "|" + b + "|direct", ""},
		{"a dead public mirror is dropped", session.Configured, goenv.Direct,
			[]sketch{{a, "p,!", 0, 1}, {b, "p,", 10, 1}}, b + "|direct", a + " is left out: "},
		{"a dead mirror before a pipe is dropped", session.Configured, goenv.Direct,
			[]sketch{{a, "|!", 0, 1}, {b, ",", 10, 1}}, b + ",direct", a + " is left out: "},
		{"a dead gatekeeper before a comma stays, and the reason says what to write", session.Configured, goenv.Direct,
			[]sketch{{a, ",!", 0, 1}, {b, "p,", 10, 1}}, a + "," + b + "|direct", "if it guards nothing, write | after it"},
		{"when every mirror is dead the configured chain is kept", session.Configured, goenv.Direct,
			[]sketch{{a, "p,!", 0, 1}, {b, "|!", 0, 1}}, a + "|" + b + "|direct", "no mirror returned valid content"},
		{"a fallback-only mirror goes last", session.Configured, goenv.Direct,
			[]sketch{{a, "|l", 1, 1}, {b, "|", 10, 1}}, b + "|" + a + "|direct", ""},
		{"auto ranks public mirrors by measurement", session.Auto, goenv.Direct,
			[]sketch{{a, "p,", 300, 1}, {b, "p|+", 10, 1}, {c, "p|+", 20, 1}}, b + "|" + c + "|" + a + "|direct", "ranked by the time to a first byte"},
		{"a weight makes a mirror count as faster", session.Auto, goenv.Direct,
			[]sketch{{a, "p,", 60, 10}, {b, "p|+", 10, 1}}, a + "|" + b + "|direct", ""},
		{"auto never ranks a public mirror before a gatekeeper", session.Auto, goenv.Direct,
			[]sketch{{a, ",", 300, 1}, {b, "p,", 20, 1}, {c, "p|+", 10, 1}}, a + "," + c + "|" + b + "|direct", ""},
		{"a candidate without the samples is not added", session.Auto, goenv.Direct,
			[]sketch{{a, "p,", 300, 1}, {b, "p|+0", 10, 1}}, a + "|direct", b + " is left out: it has none of the samples"},
		{"dead candidates do not come in when all is dead", session.Auto, goenv.Direct,
			[]sketch{{a, "p,!", 0, 1}, {b, "p|+!", 0, 1}}, a + "|direct", "the configured chain is kept"},
		{"a last mirror without an end has no separator", session.Configured, goenv.Mirror,
			[]sketch{{a, "|", 1, 1}, {b, "", 10, 1}}, a + "|" + b, ""},
		{"a dead last mirror stays", session.Configured, goenv.Mirror,
			[]sketch{{a, "|", 1, 1}, {b, "!", 10, 1}}, a + "|" + b, "no other mirror follows it"},
		{"off stays the end", session.Configured, goenv.Off,
			[]sketch{{a, ",", 1, 1}}, a + ",off", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			kept, reasons := choose(test.how, sketched(t, session.FallbackPolicy, test.end, test.sketches), session.Access{}, false)
			got := Decision{Chosen: kept, end: test.end}.Chain().List()
			if got.String() != test.want {
				t.Errorf("chain %s, want %s", got, test.want)
			}
			if all := strings.Join(reasons, "\n"); !strings.Contains(all, test.reason) {
				t.Errorf("reasons %q, want one with %q", all, test.reason)
			}
		})
	}
}
