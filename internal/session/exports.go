package session

import (
	"slices"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/goenv/assign"
)

// Export is a variable that makes another go command do what a job does. Its
// value may hold credentials.
type Export struct {
	assign.Variable
	// Settled says that modferry settled it, by the preflight or by a setting of
	// its own: no go command finds it by itself. What is not settled holds
	// already where the environment and the go env file of this job hold.
	Settled bool
}

// Exports are the variables that another go command needs in order to do what
// this job does with the chain that was chosen:
//
//   - GOPROXY, the chosen chain without what only the checkout named;
//   - GOSUMDB, GOPRIVATE, GONOPROXY and GONOSUMDB where a setting says something,
//     or where the go command's own variable or file says something else than it
//     would assume by itself, which another job or machine may not have;
//   - GOMODCACHE where a setting names one. Any other one is a matter of the
//     machine.
func (s *Session) Exports(chosen Chain) []Export {
	var out []Export
	add := func(name, value string, settled bool) {
		if value != "" {
			out = append(out, Export{assign.Variable{Name: name, Value: value}, settled})
		}
	}
	overrides := said(s.Values)
	settled := func(name string) bool {
		return slices.ContainsFunc(overrides, func(o override) bool { return o.variable == name && o.value != "" })
	}
	add("GOPROXY", s.forLaterSteps(chosen).String(), true)
	for _, assumed := range []struct{ name, value string }{
		{"GOSUMDB", goenv.DefaultSumDB}, {"GOPRIVATE", ""},
		{"GONOPROXY", s.Env.Get("GOPRIVATE")}, {"GONOSUMDB", s.Env.Get("GOPRIVATE")},
	} {
		if value := s.Env.Get(assumed.name); settled(assumed.name) || value != assumed.value {
			add(assumed.name, value, settled(assumed.name))
		}
	}
	if settled("GOMODCACHE") {
		add("GOMODCACHE", s.Env.Get("GOMODCACHE"), true)
	}
	return out
}
