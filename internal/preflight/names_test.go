package preflight_test

import (
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// A gatekeeper stands before others so that they do not hear which modules are
// used. A probe must not tell them either.
func TestTheNamesOfTheWorkListStayBeforeAGatekeeper(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 100)
	for _, test := range []struct {
		name  string
		seps  [2]string
		told  [3]bool
		spoil func(*fetchtest.Bench)
	}{
		{"behind pipes everybody is asked", [2]string{"|", "|"}, [3]bool{true, true, true}, nil},
		{"behind a comma nobody is", [2]string{",", "|"}, [3]bool{true, false, false}, nil},
		{"behind a comma further on", [2]string{"|", ","}, [3]bool{true, true, false}, nil},
		{"private modules nobody hears of", [2]string{"|", "|"}, [3]bool{}, func(b *fetchtest.Bench) { b.Env["GOPRIVATE"], b.Env["GONOPROXY"] = "example.test", "example.test" }},
		{"private modules for the company's mirror are not for probes", [2]string{"|", "|"}, [3]bool{}, func(b *fetchtest.Bench) { b.Env["GOPRIVATE"], b.Env["GONOPROXY"] = "example.test", "none" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			if test.spoil != nil {
				test.spoil(b)
			}
			var servers [3]*mirrortest.Server
			proxy := ""
			for i := range servers {
				servers[i] = mirrortest.Start(t, mirrortest.Options{Fixtures: f})
				proxy += servers[i].URL
				if i < len(test.seps) {
					proxy += test.seps[i]
				}
			}
			j, err := b.Open(proxy)
			if err != nil {
				t.Fatal(err)
			}
			fetch.Probe(t.Context(), j)
			for i, s := range servers {
				told := false
				for _, q := range s.Requests() {
					told = told || strings.Contains(q.Path, "example.test/")
					if !told && !strings.Contains(q.Path, mirror.PublicSample.Path) {
						t.Errorf("mirror %d was asked for %s", i, q.Path)
					}
				}
				if told != test.told[i] {
					t.Errorf("mirror %d heard names of the work list: %v, want %v", i, told, test.told[i])
				}
				if len(s.Requests()) == 0 {
					t.Errorf("mirror %d was not probed", i)
				}
			}
		})
	}
}
