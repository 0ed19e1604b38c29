package session_test

import (
	"path/filepath"
	"slices"
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
	return map[string]string{"GOPROXY": "off", "GOSUMDB": goenv.DefaultSumDB, "GOMODCACHE": native("/home/go/pkg/mod")}
}

// native is an absolute path as this system writes it.
func native(path string) string {
	path, _ = filepath.Abs(path)
	return path
}

func TestExportsAreWhatAnotherGoCommandDoesNotFindByItself(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		flags map[string]string // of modferry
		env   map[string]string // of the go command
		want  []string          // NAME=VALUE
		other []string          // besides, for another machine
	}{
		{"nothing is set", nil, nil, []string{"GOPROXY=off"}, nil},
		{"the go command's variables", nil,
			map[string]string{"GOSUMDB": "off", "GOPRIVATE": "corp.test", "GONOPROXY": "none"},
			[]string{"GOPROXY=off"}, []string{"GOSUMDB=off", "GOPRIVATE=corp.test", "GONOPROXY=none"}},
		{"the settings of modferry",
			map[string]string{"proxy": "direct", "sumdb": "off", "private": "corp.test", "noproxy": "a.test", "nosumdb": "b.test", "modcache": native("/mod"), "goflags": "-modcacherw"}, nil,
			[]string{"GOPROXY=direct", "GOSUMDB=off", "GOPRIVATE=corp.test", "GONOPROXY=a.test", "GONOSUMDB=b.test", "GOMODCACHE=" + native("/mod"), "GOFLAGS=-modcacherw"}, nil},
		{"a setting that is what is assumed anyway: the environment may say something else",
			map[string]string{"sumdb": goenv.DefaultSumDB, "private": "corp.test", "noproxy": "corp.test"},
			map[string]string{"GOSUMDB": "off", "GONOPROXY": "x.test"},
			[]string{"GOPROXY=off", "GOSUMDB=" + goenv.DefaultSumDB, "GOPRIVATE=corp.test", "GONOPROXY=corp.test,x.test"}, nil},
		{"what follows from GOPRIVATE", nil, map[string]string{"GOPRIVATE": "corp.test", "GONOSUMDB": "corp.test"},
			[]string{"GOPROXY=off"}, []string{"GOPRIVATE=corp.test"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := fetchtest.New(t, mirrortest.Build(t), mirrortest.Checkout{})
			v := b.Values
			v.Proxy, v.SumDB, v.Private, v.NoProxy, v.NoSumDB, v.ModCache, v.GOFLAGS = tt.flags["proxy"], tt.flags["sumdb"], tt.flags["private"], tt.flags["noproxy"], tt.flags["nosumdb"], tt.flags["modcache"], tt.flags["goflags"]
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
			if diff := cmp.Diff(tt.want, exports(j.Exports(chosen, false))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			all := append(tt.want, tt.other...)
			slices.Sort(all)
			if got := exports(j.Exports(chosen, true)); !slices.Equal(slices.Sorted(slices.Values(got)), all) {
				t.Errorf("for another machine: got %q, want %q", got, all)
			}
		})
	}
}

func exports(vars []assign.Variable) []string {
	var out []string
	for _, v := range vars {
		out = append(out, v.Name+"="+v.Value)
	}
	return out
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
	if got := j.Exports(chosen, false)[0].Value; got != list || res.Choice.Chain != list {
		t.Errorf("chose %s, the result says %s, want %s", got, res.Choice.Chain, list)
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("the mirror got %d requests", n)
	}
}
