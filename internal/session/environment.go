package session

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/settings"
)

// Environment is the go command's settings with those of modferry over them,
// and what is odd about the files and variables they come from. Both are there
// beside an error about a directory, too.
func Environment(v *settings.Values, h goenv.Host) (goenv.Env, []finding.Finding, error) {
	overrides, err := overridesOf(v)
	if err != nil {
		return nil, nil, err
	}
	env, findings, err := goenv.Load(h, overrides)
	if err != nil {
		return env, findings, sourced(err, env)
	}
	return env, findings, nil
}

// override is what a setting says in place of a variable of the go command; ""
// for nothing.
type override struct{ variable, value, setting string }

// said is all that the settings say in place of the go command's variables.
func said(v *settings.Values) []override {
	return []override{
		{"GOPROXY", v.ProxyList(), "proxy"},
		{"GOMODCACHE", v.ModCache, "modcache"},
		{"GOFLAGS", v.GOFLAGS, "goflags"},
		{"GOPRIVATE", v.Private, "private"},
		{"GONOPROXY", v.NoProxy, "noproxy"},
		{"GOSUMDB", v.SumDB, "sumdb"},
		{"GONOSUMDB", v.NoSumDB, "nosumdb"},
	}
}

// overridesOf is what Load takes of said.
func overridesOf(v *settings.Values) (map[string]goenv.Var, error) {
	overrides := map[string]goenv.Var{}
	for _, o := range said(v) {
		if o.value == "" {
			continue
		}
		if o.variable == "GOMODCACHE" {
			// The go command wants it absolute, people need not write it so.
			var err error
			if o.value, err = filepath.Abs(o.value); err != nil {
				return nil, fmt.Errorf("find the module cache %s: %w", v.ModCache, err)
			}
		}
		overrides[o.variable] = goenv.Var{Value: o.value, Source: v.Sources[o.setting]}
	}
	return overrides, nil
}

// sourcedError adds to an error about a variable of the go command where its
// value comes from.
type sourcedError struct {
	err    *goenv.SyntaxError
	source string
}

func (e *sourcedError) Error() string {
	return fmt.Sprintf("%v (%s is from: %s)", e.err, e.err.Setting, e.source)
}

func (e *sourcedError) Unwrap() error { return e.err }

// sourced adds to an error about a variable of the go command where its value
// comes from.
func sourced(err error, env goenv.Env) error {
	return sourcedBy(err, env.Source)
}

// sourced adds it where the checkout may have said the value as well.
func (s *Session) sourced(err error) error {
	return sourcedBy(err, func(name string) string {
		if _, source := s.mirrorList(); name == "GOPROXY" {
			return source
		}
		return s.Env.Source(name)
	})
}

func sourcedBy(err error, source func(name string) string) error {
	var said *sourcedError
	var syntax *goenv.SyntaxError
	if errors.As(err, &said) || !errors.As(err, &syntax) || source(syntax.Setting) == "" {
		return err
	}
	return &sourcedError{syntax, source(syntax.Setting)}
}
