package fetch

import (
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
)

// a hop in short: name, then marks: p public, ',' or '|' the separator as
// written, ! failing, + added, l fallback-only, and a wait in milliseconds.
type sketch struct {
	url    string
	marks  string
	waitMS int
	weight int
}

func sketched(t *testing.T, fallback Fallback, end goenv.Kind, sketches []sketch) chain {
	t.Helper()
	client := mirror.NewClient(mirror.Options{})
	c := chain{end: end}
	for _, s := range sketches {
		m, err := client.Open(s.url, mirror.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		v := mirror.Verdict{Has: 1, Seen: mirror.Seen{Proto: "HTTP/2.0", Timing: mirror.Timing{Wait: time.Duration(s.waitMS) * time.Millisecond}}}
		h := &hop{Mirror: m, url: s.url, weight: s.weight, verdict: &v}
		for _, mark := range s.marks {
			switch mark {
			case 'p':
				h.public = true
			case ',', '|':
				h.written = goenv.Separator(mark)
			case '!':
				v.Class, v.Has, v.Reason = failure.ConnectTimeout, 0, "no connection"
			case '0':
				v.Has, v.Lacks = 0, 1
			case '+':
				h.added = true
			case 'l':
				h.last = true
			}
		}
		h.sep = fallback.separator(h.written, h.public)
		c.hops = append(c.hops, h)
	}
	return c
}

func TestChoosingTheChain(t *testing.T) {
	t.Parallel()
	const a, b, c = "https://a.example.test", "https://b.example.test", "https://c.example.test"
	for _, test := range []struct {
		name     string
		how      Choice
		end      goenv.Kind
		sketches []sketch
		want     string
		reason   string
	}{
		{"configured keeps the order, however fast the others are", Configured, goenv.Direct,
			[]sketch{{a, "p,", 300, 1}, {b, "p,", 10, 1}}, a + "|" + b + "|direct", ""},
		{"a dead public mirror is dropped", Configured, goenv.Direct,
			[]sketch{{a, "p,!", 0, 1}, {b, "p,", 10, 1}}, b + "|direct", a + " is left out: "},
		{"a dead mirror before a pipe is dropped", Configured, goenv.Direct,
			[]sketch{{a, "|!", 0, 1}, {b, ",", 10, 1}}, b + ",direct", a + " is left out: "},
		{"a dead gatekeeper before a comma stays, and the reason says what to write", Configured, goenv.Direct,
			[]sketch{{a, ",!", 0, 1}, {b, "p,", 10, 1}}, a + "," + b + "|direct", "write | after it, or --fallback any"},
		{"when every mirror is dead the configured chain is kept", Configured, goenv.Direct,
			[]sketch{{a, "p,!", 0, 1}, {b, "|!", 0, 1}}, a + "|" + b + "|direct", "no mirror answered rightly"},
		{"a fallback-only mirror goes last", Configured, goenv.Direct,
			[]sketch{{a, "|l", 1, 1}, {b, "|", 10, 1}}, b + "|" + a + "|direct", ""},
		{"auto ranks public mirrors by measurement", Auto, goenv.Direct,
			[]sketch{{a, "p,", 300, 1}, {b, "p|+", 10, 1}, {c, "p|+", 20, 1}}, b + "|" + c + "|" + a + "|direct", "ranked by the time to a first byte"},
		{"a weight makes a mirror count as faster", Auto, goenv.Direct,
			[]sketch{{a, "p,", 60, 10}, {b, "p|+", 10, 1}}, a + "|" + b + "|direct", ""},
		{"auto never ranks a public mirror before a gatekeeper", Auto, goenv.Direct,
			[]sketch{{a, ",", 300, 1}, {b, "p,", 20, 1}, {c, "p|+", 10, 1}}, a + "," + c + "|" + b + "|direct", ""},
		{"a candidate without the samples is not added", Auto, goenv.Direct,
			[]sketch{{a, "p,", 300, 1}, {b, "p|+0", 10, 1}}, a + "|direct", b + " is left out: it has none of the samples"},
		{"dead candidates do not come in when all is dead", Auto, goenv.Direct,
			[]sketch{{a, "p,!", 0, 1}, {b, "p|+!", 0, 1}}, a + "|direct", "the configured chain is kept"},
		{"a last mirror without an end has no separator", Configured, goenv.Mirror,
			[]sketch{{a, "|", 1, 1}, {b, "", 10, 1}}, a + "|" + b, ""},
		{"a dead last mirror stays", Configured, goenv.Mirror,
			[]sketch{{a, "|", 1, 1}, {b, "!", 10, 1}}, a + "|" + b, "no other mirror follows it"},
		{"off stays the end", Configured, goenv.Off,
			[]sketch{{a, ",", 1, 1}}, a + ",off", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, reasons := choose(test.how, sketched(t, FallbackPolicy, test.end, test.sketches))
			if got.list().String() != test.want {
				t.Errorf("chain %s, want %s", got.list(), test.want)
			}
			if all := strings.Join(reasons, "\n"); !strings.Contains(all, test.reason) {
				t.Errorf("reasons %q, want one with %q", all, test.reason)
			}
		})
	}
}

func TestCandidatesOfAutoAndCN(t *testing.T) {
	t.Parallel()
	catalogue := mirror.Catalogue{
		{URL: "https://world.example.test", Region: "global"},
		{URL: "https://cn.example.test", Region: "cn"},
	}
	for _, test := range []struct {
		name string
		how  Choice
		list string
		want string
	}{
		{"configured adds nobody", Configured, "https://world.example.test,direct", "https://world.example.test"},
		{"auto adds the rest of the catalogue beside the public mirror", Auto, "https://world.example.test,https://own.example.test,direct",
			"https://world.example.test https://cn.example.test https://own.example.test"},
		{"cn adds the region's mirrors", CN, "https://world.example.test,direct", "https://world.example.test https://cn.example.test"},
		{"behind a gatekeeper they come last", CN, "https://own.example.test,direct", "https://own.example.test https://cn.example.test"},
		{"nothing is added before off", Auto, "https://own.example.test,off", "https://own.example.test"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			list, err := goenv.ParseProxy(test.list)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range candidates(test.how, list, catalogue) {
				got = append(got, e.URL)
			}
			if s := strings.Join(got, " "); s != test.want {
				t.Errorf("candidates %s, want %s", s, test.want)
			}
		})
	}
}

func TestWhoIsAskedForAModule(t *testing.T) {
	t.Parallel()
	c := sketched(t, FallbackPolicy, goenv.Direct, []sketch{{"https://corp.example.test", ",", 1, 1}, {"https://public.example.test", "p,", 1, 1}})
	for _, test := range []struct {
		name   string
		access access
		path   string
		want   string
	}{
		{"a public module is asked of every mirror", access{}, "example.test/a", "https://corp.example.test https://public.example.test"},
		{"a module of GONOPROXY is asked of none", access{noProxy: "git.corp.test", private: "git.corp.test"}, "git.corp.test/a", ""},
		{"with GONOPROXY=none a private module is asked of the company's mirror only", access{noProxy: "none", private: "git.corp.test"}, "git.corp.test/a", "https://corp.example.test"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, h := range test.access.route(c, test.path) {
				got = append(got, h.url)
			}
			if s := strings.Join(got, " "); s != test.want {
				t.Errorf("asked of %q, want %q", s, test.want)
			}
		})
	}
}
