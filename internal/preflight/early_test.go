package preflight

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/session/sessiontest"
	"github.com/modferry/modferry/internal/settings"
)

// never is for a mirror that does not answer.
const never = -1

// reply is when a mirror's verdict is there, in milliseconds, and what it says.
type reply struct {
	after   int
	failing bool
}

func TestDownloadsBeginWithTheFirstHealthyAnswerThatMayComeFirst(t *testing.T) {
	t.Parallel()
	const a, b, c = "https://a.example.test", "https://b.example.test", "https://c.example.test"
	for _, test := range []struct {
		name    string
		how     session.Choice
		mirrors []string
		replies []reply
		began   int // milliseconds
		early   string
		ranked  int
		later   string
	}{
		{"auto begins with the first to answer", session.Auto, []string{a + " p,", b + " p|+", c + " p|+"}, []reply{{30, false}, {10, false}, {90, false}},
			10, b + "|" + a + "|" + c + "|direct", 90, b + "|" + a + "|" + c + "|direct"},
		{"the ranking follows when a slower verdict shows a faster mirror", session.Auto, []string{a + " p,w", b + " p|+"}, []reply{{30, false}, {10, false}},
			10, b + "|" + a + "|direct", 30, a + "|" + b + "|direct"},
		{"auto waits for no hanging mirror", session.Auto, []string{a + " p,", b + " p|+"}, []reply{{never, false}, {10, false}},
			10, b + "|" + a + "|direct", 260, b + "|" + a + "|direct"},
		{"auto goes past one that fails", session.Auto, []string{a + " p,", b + " p|+"}, []reply{{10, true}, {40, false}},
			40, b + "|direct", 40, b + "|direct"},
		{"a company's mirror before the ranked ones is waited for", session.Auto, []string{a + " |", b + " p,", c + " p|+"}, []reply{{100, false}, {30, false}, {20, false}},
			100, a + "|" + c + "|" + b + "|direct", 100, a + "|" + c + "|" + b + "|direct"},
		{"and one that hangs for a moment only", session.Auto, []string{a + " |", b + " p,"}, []reply{{never, false}, {20, false}},
			270, b + "|" + a + "|direct", 270, b + "|" + a + "|direct"},
		{"a configured order begins with its first mirror", session.Configured, []string{a + " |", b + " |"}, []reply{{100, false}, {10, false}},
			100, a + "|" + b + "|direct", 100, a + "|" + b + "|direct"},
		{"and waits for nobody behind it", session.Configured, []string{a + " |", b + " |", c + " |"}, []reply{{10, false}, {never, false}, {20, false}},
			10, a + "|" + b + "|" + c + "|direct", 260, a + "|" + c + "|" + b + "|direct"},
		{"a failing gatekeeper stays first, so nobody behind it is waited for", session.Configured, []string{a + " ,", b + " |"}, []reply{{10, true}, {never, false}},
			10, a + "," + b + "|direct", never, ""},
		{"a configured mirror that fails makes way for the next", session.Configured, []string{a + " |", b + " |"}, []reply{{30, true}, {10, false}},
			30, b + "|direct", 30, b + "|direct"},
		{"a fallback-only mirror is nobody to begin with", session.Configured, []string{a + " |l", b + " |"}, []reply{{10, false}, {50, false}},
			50, b + "|" + a + "|direct", 50, b + "|" + a + "|direct"},
		{"where all fail the configured order stays", session.Configured, []string{a + " |", b + " |"}, []reply{{10, true}, {20, true}},
			20, a + "|" + b + "|direct", 20, a + "|" + b + "|direct"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &session.Session{Values: new(settings.Values), Choice: test.how, Chain: sessiontest.Chain(t, session.FallbackPolicy, goenv.Direct, test.mirrors...)}
				p := newProbes(s)
				p.cancel = func() {}
				close(p.all)
				defer p.End()
				start := time.Now()
				for i, r := range test.replies {
					if r.after == never {
						continue
					}
					v := mirror.Verdict{Has: 1, Seen: mirror.Seen{Timing: mirror.Timing{Wait: time.Duration(r.after) * time.Millisecond}}}
					if r.failing {
						v = mirror.Verdict{Class: failure.Refused}
					}
					time.AfterFunc(time.Duration(r.after)*time.Millisecond, func() { p.note(i, v) })
				}
				for i, m := range test.mirrors {
					if m[len(m)-1] == 'w' {
						s.Chain.Hops[i].Weight = 10
					}
				}
				early := p.Early()
				if got, took := early.List().String(), time.Since(start).Milliseconds(); got != test.early || int(took) != test.began {
					t.Errorf("began after %d ms with %s, want %d ms and %s", took, got, test.began, test.early)
				}
				later, ranked := "", never
				end := p.Follow(func(c session.Chain) { later, ranked = c.List().String(), int(time.Since(start).Milliseconds()) })
				time.Sleep(time.Hour)
				end()
				if later != test.later || ranked != test.ranked {
					t.Errorf("went on after %d ms with %s, want %d ms and %s", ranked, later, test.ranked, test.later)
				}
			})
		})
	}
}

func TestNobodyFollowsProbesAfterTheFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProbes(&session.Session{Values: new(settings.Values), Chain: sessiontest.Chain(t, session.FallbackPolicy, goenv.Direct, "https://a.example.test |", "https://b.example.test |")})
		end := p.Follow(func(session.Chain) { t.Error("a chain for a fetch that is over") })
		p.note(0, mirror.Verdict{})
		end()
		time.Sleep(time.Hour)
	})
}

func TestHealthHearsAVerdictOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &session.Session{Values: new(settings.Values), Chain: sessiontest.Chain(t, session.FallbackPolicy, goenv.Direct, "https://a.example.test |", "https://b.example.test |")}
		p := newProbes(s)
		p.note(0, mirror.Verdict{})
		p.Early()
		late := s.Chain.Hops[1].Health
		if late.Out() {
			t.Error("a mirror that has had no time to answer is out")
		}
		time.Sleep(grace + time.Millisecond)
		p.Early()
		if !late.Out() {
			t.Error("a mirror that is late is asked like the others")
		}
		late.Success()
		p.Early()
		if late.Out() {
			t.Error("a mirror that works is out because it was late once")
		}
	})
}
