package relay_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// Answers about versions are told of, each once, however often they are asked for and
// whatever became of them in between.
func TestAnswersAboutVersionsAreInTheResult(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
		mirrortest.First(1, "*.info", mirrortest.Status(500)),
		mirrortest.Always("*/main.info", mirrortest.Serve(f.With())),
	}})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	paths := []string{"/example.test/m/@v/list", "/example.test/m/@latest", "/example.test/m/@v/v1.0.0.info", "/example.test/m/@v/v1.0.0.mod"}
	for _, fault := range []mirrortest.Rule{{Path: "nothing"}, mirrortest.Always("", mirrortest.Status(500)), {Path: "nothing"}} {
		s.Fault(fault)
		for _, path := range paths {
			if resp, body := b.get(path); resp.StatusCode != 200 {
				t.Error(describe(resp, body))
			}
		}
		b.now.Add(61)
		s.Heal()
	}
	res := b.relay.Result()
	fetchtest.WantOutcome(t, res, report.OK)
	kinds := map[string]int{}
	for _, m := range res.Modules {
		kinds[m.Kind+" "+m.Source] += len(m.Attempts)
		if len(m.Attempts) == 0 {
			t.Errorf("%+v", m)
		}
	}
	// Asked, asked in vain three times (retries), asked again; the .info twice in all.
	for kind, attempts := range map[string]int{"list mirror": 5, "latest mirror": 5, "info mirror": 2, "mod mirror": 1} {
		if kinds[kind] != attempts {
			t.Errorf("%d attempts for %s, want %d; %v", kinds[kind], kind, attempts, kinds)
		}
	}
	if n := res.Totals; n.Modules != 1 || n.Files != 4 || n.Pages != 3 {
		t.Errorf("%+v", n)
	}
}

// Some mirrors refuse what is no module. The go command tries all prefixes of an import
// path, and does without what the shorter ones say once it found the module.
func TestARefusedPrefixIsNoFailure(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/a/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
		mirrortest.Always("/example.test/a/@v/*", mirrortest.Status(403)), mirrortest.Always("/example.test/@v/*", mirrortest.Status(403)),
		mirrortest.Always("/example.test/b/@v/*", mirrortest.Status(403))}})
	b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
	out, err := b.gocmd(b.Dir, []string{"GOFLAGS=-mod=mod"}, "install", "-n", "example.test/a/m/cmd@v1.0.0")
	if err == nil { // there is no such package, but there is the module
		t.Errorf("%s", out)
	}
	fetchtest.WantOutcome(t, b.relay.Result(), report.OK)
	b.get("/example.test/b/@v/v1.0.0.info")
	fetchtest.WantOutcome(t, b.relay.Result(), report.Incomplete)
}

// When nobody is there, the go command is refused all prefixes of an import path, and
// asked for one. What a checkout requires is no prefix of anything.
func TestOfRefusedPrefixesTheLongestIsToldOf(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/a")
	for version, want := range map[string]string{"latest": "versions of example.test/a/m/cmd", "v1.0.0": "example.test/a/m/cmd@v1.0.0"} {
		b := open(t, fetchtest.New(t, f, mirrortest.Checkout{}), "http://"+mirrortest.Refused(t))
		if out, err := b.gocmd(t.TempDir(), nil, "install", "-n", "example.test/a/m/cmd@"+version); err == nil {
			t.Errorf("%s", out)
		}
		res := b.relay.Result()
		fetchtest.WantOutcome(t, res, report.Incomplete)
		var names []string
		for _, m := range res.Modules {
			names = append(names, m.Name())
		}
		required := strings.Replace(want, "/m/cmd", "", 1)
		if !slices.Equal(names, []string{required, want}) {
			t.Errorf("%s: %q", version, names)
		}
	}
}
