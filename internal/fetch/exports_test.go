package fetch_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/goenv/assign"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// unset is the environment of a job in which nobody set anything.
func unset() map[string]string {
	return map[string]string{"GOPROXY": "off", "GOSUMDB": goenv.DefaultSumDB, "GOMODCACHE": "/home/go/pkg/mod"}
}

func TestExportsAreWhatAnotherGoCommandDoesNotFindByItself(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		flags map[string]string // of modferry
		env   map[string]string // of the go command
		want  []fetch.Export
	}{
		{"nothing is set", nil, nil, []fetch.Export{export("GOPROXY", "off", true)}},
		{"the go command's variables", nil,
			map[string]string{"GOSUMDB": "off", "GOPRIVATE": "corp.test", "GONOPROXY": "none"},
			[]fetch.Export{export("GOPROXY", "off", true), export("GOSUMDB", "off", false), export("GOPRIVATE", "corp.test", false), export("GONOPROXY", "none", false)}},
		{"the settings of modferry",
			map[string]string{"proxy": "direct", "sumdb": "off", "private": "corp.test", "noproxy": "a.test", "nosumdb": "b.test", "modcache": "/mod"}, nil,
			[]fetch.Export{export("GOPROXY", "direct", true), export("GOSUMDB", "off", true), export("GOPRIVATE", "corp.test", true), export("GONOPROXY", "a.test", true), export("GONOSUMDB", "b.test", true), export("GOMODCACHE", "/mod", true)}},
		{"a setting that is what is assumed anyway: the environment may say something else",
			map[string]string{"sumdb": goenv.DefaultSumDB, "private": "corp.test", "noproxy": "corp.test"},
			map[string]string{"GOSUMDB": "off", "GONOPROXY": "x.test"},
			[]fetch.Export{export("GOPROXY", "off", true), export("GOSUMDB", goenv.DefaultSumDB, true), export("GOPRIVATE", "corp.test", true), export("GONOPROXY", "corp.test,x.test", true)}},
		{"what follows from GOPRIVATE", nil, map[string]string{"GOPRIVATE": "corp.test", "GONOSUMDB": "corp.test"},
			[]fetch.Export{export("GOPROXY", "off", true), export("GOPRIVATE", "corp.test", false)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, mirrortest.Build(t), mirrortest.Checkout{})
			v := b.values
			v.Proxy, v.SumDB, v.Private, v.NoProxy, v.NoSumDB, v.ModCache = tt.flags["proxy"], tt.flags["sumdb"], tt.flags["private"], tt.flags["noproxy"], tt.flags["nosumdb"], tt.flags["modcache"]
			vars := unset()
			for name, value := range tt.env {
				vars[name] = value
			}
			env, _, err := fetch.Environment(v, goenv.Host{Getenv: func(name string) string { return vars[name] }})
			if err != nil {
				t.Fatal(err)
			}
			j, err := fetch.PrepareProbe(v, env, b.o)
			if err != nil {
				t.Fatal(err)
			}
			if res := j.Unprobed(); res.Outcome != report.OK {
				t.Errorf("outcome %s: %s", res.Outcome, res.Message)
			}
			if diff := cmp.Diff(tt.want, j.Exports()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func export(name, value string, settled bool) fetch.Export {
	return fetch.Export{Variable: assign.Variable{Name: name, Value: value}, Settled: settled}
}

func TestAnUnprobedChainIsTheConfiguredOneAndAsksNobody(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := newBench(t, f, mirrortest.Checkout{})
	list := "http://" + mirrortest.Refused(t) + "|" + s.URL + ",direct"
	j, err := b.prepare(list)
	if err != nil {
		t.Fatal(err)
	}
	res := j.Unprobed()
	if got := j.Exports()[0].Value; got != list || res.Choice.Chain != list {
		t.Errorf("chose %s, the result says %s, want %s", got, res.Choice.Chain, list)
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("the mirror got %d requests", n)
	}
}
