package session

import (
	"slices"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/goenv/assign"
)

// Exports are the variables that another go command needs in order to do what
// this job does with the chain that was chosen; values may hold credentials:
//
//   - GOPROXY, the chosen chain without what only the checkout named;
//   - GOSUMDB, GOPRIVATE, GONOPROXY and GONOSUMDB where a setting of modferry says
//     something;
//   - GOMODCACHE and GOFLAGS where a setting names one. Any other one is a matter
//     of the machine.
//
// No go command finds these by itself. all adds GOSUMDB and the three after it
// where the go command's own variable or file says something else than it would
// assume: later steps of the job have that anyway, another machine need not.
func (s *Session) Exports(chosen Chain, all bool) []assign.Variable {
	var out []assign.Variable
	add := func(name, value string) {
		if value != "" {
			out = append(out, assign.Variable{Name: name, Value: value})
		}
	}
	overrides := said(s.Values)
	settled := func(name string) bool {
		return slices.ContainsFunc(overrides, func(o override) bool { return o.variable == name && o.value != "" })
	}
	add("GOPROXY", s.forLaterSteps(chosen).String())
	for _, v := range []struct{ name, assumed string }{
		{"GOSUMDB", goenv.DefaultSumDB}, {"GOPRIVATE", ""},
		{"GONOPROXY", s.Env.Get("GOPRIVATE")}, {"GONOSUMDB", s.Env.Get("GOPRIVATE")},
	} {
		if value := s.Env.Get(v.name); settled(v.name) || all && value != v.assumed {
			add(v.name, value)
		}
	}
	for _, name := range []string{"GOMODCACHE", "GOFLAGS"} {
		if settled(name) {
			add(name, s.Env.Get(name))
		}
	}
	return out
}
