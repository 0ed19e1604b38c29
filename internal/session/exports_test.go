package session_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/goenv/assign"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
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
		want  []session.Export
	}{
		{"nothing is set", nil, nil, []session.Export{export("GOPROXY", "off", true)}},
		{"the go command's variables", nil,
			map[string]string{"GOSUMDB": "off", "GOPRIVATE": "corp.test", "GONOPROXY": "none"},
			[]session.Export{export("GOPROXY", "off", true), export("GOSUMDB", "off", false), export("GOPRIVATE", "corp.test", false), export("GONOPROXY", "none", false)}},
		{"the settings of modferry",
			map[string]string{"proxy": "direct", "sumdb": "off", "private": "corp.test", "noproxy": "a.test", "nosumdb": "b.test", "modcache": "/mod"}, nil,
			[]session.Export{export("GOPROXY", "direct", true), export("GOSUMDB", "off", true), export("GOPRIVATE", "corp.test", true), export("GONOPROXY", "a.test", true), export("GONOSUMDB", "b.test", true), export("GOMODCACHE", "/mod", true)}},
		{"a setting that is what is assumed anyway: the environment may say something else",
			map[string]string{"sumdb": goenv.DefaultSumDB, "private": "corp.test", "noproxy": "corp.test"},
			map[string]string{"GOSUMDB": "off", "GONOPROXY": "x.test"},
			[]session.Export{export("GOPROXY", "off", true), export("GOSUMDB", goenv.DefaultSumDB, true), export("GOPRIVATE", "corp.test", true), export("GONOPROXY", "corp.test,x.test", true)}},
		{"what follows from GOPRIVATE", nil, map[string]string{"GOPRIVATE": "corp.test", "GONOSUMDB": "corp.test"},
			[]session.Export{export("GOPROXY", "off", true), export("GOPRIVATE", "corp.test", false)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := fetchtest.New(t, mirrortest.Build(t), mirrortest.Checkout{})
			v := b.Values
			v.Proxy, v.SumDB, v.Private, v.NoProxy, v.NoSumDB, v.ModCache = tt.flags["proxy"], tt.flags["sumdb"], tt.flags["private"], tt.flags["noproxy"], tt.flags["nosumdb"], tt.flags["modcache"]
			vars := unset()
			for name, value := range tt.env {
				vars[name] = value
			}
			env, _, err := session.Environment(v, goenv.Host{Getenv: func(name string) string { return vars[name] }})
			if err != nil {
				t.Fatal(err)
			}
			j, err := session.OpenProbe(v, env, b.Options)
			if err != nil {
				t.Fatal(err)
			}
			res, chosen := fetch.Unprobed(j)
			if res.Outcome != report.OK {
				t.Errorf("outcome %s: %s", res.Outcome, res.Message)
			}
			if diff := cmp.Diff(tt.want, j.Exports(chosen)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func export(name, value string, settled bool) session.Export {
	return session.Export{Variable: assign.Variable{Name: name, Value: value}, Settled: settled}
}

func TestAnUnprobedChainIsTheConfiguredOneAndAsksNobody(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	list := "http://" + mirrortest.Refused(t) + "|" + s.URL + ",direct"
	j, err := b.Open(list)
	if err != nil {
		t.Fatal(err)
	}
	res, chosen := fetch.Unprobed(j)
	if got := j.Exports(chosen)[0].Value; got != list || res.Choice.Chain != list {
		t.Errorf("chose %s, the result says %s, want %s", got, res.Choice.Chain, list)
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("the mirror got %d requests", n)
	}
}
