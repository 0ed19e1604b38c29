package settings

import "strings"

// given is a value as somebody wrote it.
type given struct {
	text   string
	level  level
	where  string                    // for errors
	source string                    // for Values.Sources
	write  func(value string) string // how to write another value in its place
	fault  func(*Error) *Error       // adds the excerpt of a file, nil elsewhere
}

// level is the precedence of a place where values are given.
type level int

// The levels, weakest first.
const (
	fromDefault level = iota
	fromFile
	fromVariable
	fromFlag
)

// form is how a face of the program spells what it was given.
type form struct {
	name  func(s Setting) string               // "flag --extract"
	write func(s Setting, value string) string // "--extract all"
	// alone says that there is no checkout: a configuration file is the job's, and one
	// that it names.
	alone bool
}

var (
	flagForm = form{
		name: func(s Setting) string { return "flag --" + s.Name },
		write: func(s Setting, value string) string {
			if s.Kind == Bool {
				return "--" + s.Name + "=" + value
			}
			return "--" + s.Name + " " + value
		},
	}
	serverForm = form{name: flagForm.name, write: flagForm.write, alone: true}
	inputForm  = form{
		name:  func(s Setting) string { return "input " + s.InputName() },
		write: func(s Setting, value string) string { return s.InputName() + ": " + value },
	}
)

// outside returns what flag and variable give for a setting, in this order.
func outside(s Setting, flags map[string]string, f form, getenv func(string) string) []*given {
	var all []*given
	if text, ok := flags[s.Name]; ok {
		name := f.name(s)
		all = append(all, &given{
			text: text, level: fromFlag, where: name, source: name,
			write: func(value string) string { return f.write(s, value) },
		})
	}
	if text := getenv(s.Env()); text != "" {
		all = append(all, &given{
			text: text, level: fromVariable, where: "variable " + s.Env(), source: "variable " + s.Env(),
			write: func(value string) string { return s.Env() + "=" + value },
		})
	}
	return all
}

// set reads what is given, or the default when that is nil, into the setting's
// field.
func (v *Values) set(s Setting, g *given) error {
	if g == nil {
		v.Sources[s.Name] = "default"
		if s.Default == "" {
			return nil
		}
		if bad := s.parse(s.Default, v); bad != nil {
			panic("settings: the default of " + s.Name + " is none of its values")
		}
		return nil
	}
	v.Sources[s.Name] = g.source
	if strings.TrimSpace(g.text) == "" {
		return g.err("an empty value", s.expectation(), "write a value or leave it out")
	}
	if bad := s.parse(g.text, v); bad != nil {
		remedy := bad.advice
		if bad.instead != "" {
			remedy = "write " + g.write(bad.instead)
		}
		return g.err(bad.found, bad.expected, remedy)
	}
	return nil
}

func (g *given) err(found, expected, remedy string) *Error {
	e := newError(g.where, found, expected, remedy)
	if g.fault != nil {
		e = g.fault(e)
	}
	return e
}

// first is the strongest of what is given, nil for nothing.
func first(all []*given) *given {
	if len(all) == 0 {
		return nil
	}
	return all[0]
}
