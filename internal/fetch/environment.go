package fetch

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/settings"
)

// Environment is the go command's settings with those of modferry over them,
// and what is odd about the files and variables they come from. Both are there
// beside an error about a directory, too.
func Environment(v *settings.Values, h goenv.Host) (goenv.Env, []goenv.Finding, error) {
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

// overridesOf is what the settings say in place of the go command's variables.
func overridesOf(v *settings.Values) (map[string]goenv.Var, error) {
	modcache := v.ModCache
	if modcache != "" {
		// The go command wants it absolute, people need not write it so.
		var err error
		if modcache, err = filepath.Abs(modcache); err != nil {
			return nil, fmt.Errorf("find the module cache %s: %w", v.ModCache, err)
		}
	}
	overrides := map[string]goenv.Var{}
	for _, o := range []struct{ variable, value, setting string }{
		{"GOPROXY", v.ProxyList(), "proxy"},
		{"GOMODCACHE", modcache, "modcache"},
		{"GOPRIVATE", v.Private, "private"},
		{"GONOPROXY", v.NoProxy, "noproxy"},
		{"GOSUMDB", v.SumDB, "sumdb"},
		{"GONOSUMDB", v.NoSumDB, "nosumdb"},
	} {
		if o.value != "" {
			overrides[o.variable] = goenv.Var{Value: o.value, Source: v.Sources[o.setting]}
		}
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
	var syntax *goenv.SyntaxError
	if errors.As(err, &syntax) && env.Source(syntax.Setting) != "" {
		return &sourcedError{syntax, env.Source(syntax.Setting)}
	}
	return err
}
