package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// mostAtLines is how many lines may be at fault for one class of failures at a
// mirror that supplied nothing. With more, no line is: the mirror has a wrong
// address, or refuses us altogether.
const mostAtLines = 3

const mostNamed = 5

// Cause is what modules could not be obtained of: a class of failures at one
// mirror. One cause is told once, however many modules it keeps away.
type Cause struct {
	Mirror  string // redacted; "" for this machine, a setting, or when it is not known
	Class   failure.Class
	AtLines bool       // each module's line in go.mod or go.sum is at fault
	Modules [][]Module // the failed files of each module, the worst first
}

// Causes groups what failed by its cause, the largest group first.
func Causes(r *Result) []Cause {
	var all []*Cause
	type key struct {
		mirror string
		class  failure.Class
	}
	at := map[key]*Cause{}
	for _, files := range failedOf(r.Modules) {
		k := key{blamed(r, files[0]), cmp.Or(files[0].Class, failure.Unknown)}
		if at[k] == nil {
			at[k] = &Cause{Mirror: k.mirror, Class: k.class}
			all = append(all, at[k])
		}
		at[k].Modules = append(at[k].Modules, files)
	}
	slices.SortStableFunc(all, func(x, y *Cause) int { return cmp.Compare(len(y.Modules), len(x.Modules)) })
	var out []Cause
	for _, c := range joined(all) {
		c.AtLines = atLines(r, c)
		slices.SortStableFunc(c.Modules, func(x, y []Module) int { return cmp.Compare(severity(x[0]), severity(y[0])) })
		out = append(out, *c)
	}
	return out
}

// failedOf is the failed files of each module, the worst first.
func failedOf(all []Module) [][]Module {
	var modules [][]Module
	at := map[[2]string]int{}
	for _, m := range all {
		if !m.Failed() {
			continue
		}
		k := [2]string{m.Path, m.Version}
		i, known := at[k]
		if !known {
			i = len(modules)
			at[k] = i
			modules = append(modules, nil)
		}
		modules[i] = append(modules[i], m)
	}
	for _, files := range modules {
		slices.SortStableFunc(files, func(x, y Module) int { return cmp.Compare(severity(x), severity(y)) })
	}
	return modules
}

func severity(m Module) int {
	switch {
	case m.Class == failure.HashMismatch || m.Class == failure.UnsafeZip:
		return 0
	case m.Class == failure.Cancelled:
		return 4
	case m.Optional:
		return 3
	case m.Class == failure.CircuitOpen:
		return 2
	}
	return 1
}

// blamed is the mirror that a failure is put down to: the one that met it last.
// Without attempts it is the chain's only mirror.
func blamed(r *Result, m Module) string {
	if m.Class == failure.Cancelled {
		return "" // no mirror is to blame that the run was ended
	}
	if mirror := m.Trouble().Mirror; mirror != "" || !m.Class.Transport() {
		return mirror
	}
	only := ""
	for _, x := range r.Mirrors {
		switch {
		case x.Chosen && only != "":
			return ""
		case x.Chosen:
			only = x.URL
		}
	}
	return only
}

// joined puts what follows from a cause into its group: what was not asked any
// more, because the mirror had failed too often.
func joined(all []*Cause) []*Cause {
	var out []*Cause
	for _, c := range all {
		i := slices.IndexFunc(all, func(g *Cause) bool {
			switch {
			case g == c || g.Mirror == "" || g.Class == failure.CircuitOpen || !g.Class.Transport():
				return false
			case c.Class == failure.CircuitOpen:
				return c.Mirror == "" || c.Mirror == g.Mirror
			}
			return c.Class == g.Class && c.Mirror == ""
		})
		if i < 0 {
			out = append(out, c)
		} else {
			all[i].Modules = append(all[i].Modules, c.Modules...)
		}
	}
	return out
}

func atLines(r *Result, c *Cause) bool {
	switch c.Class {
	case failure.NotFound, failure.Gone, failure.Forbidden, failure.HashMismatch, failure.UnsafeZip, failure.TooLarge, failure.MissingSum:
	default:
		return false
	}
	return len(c.Modules) <= mostAtLines ||
		!slices.ContainsFunc(r.Mirrors, func(m Mirror) bool { return m.URL == c.Mirror && m.Files == 0 })
}

// Lacking is "60 modules could not be obtained: a v1.0.0, b v1.0.0 and 58 more".
func (c Cause) Lacking() string {
	var names []string
	for _, files := range c.Modules[:min(len(c.Modules), mostNamed)] {
		name := files[0].Path + " " + files[0].Version
		if files[0].Query() {
			name = files[0].Name()
		}
		names = append(names, failure.Plain(name))
	}
	text := Amount(c.Modules) + " could not be obtained: " + strings.Join(names, ", ")
	if n := len(c.Modules) - mostNamed; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// Stated is what a mirror that refuses says of it, "" for nothing: the first reason,
// with "e.g." where it has others for other modules.
func (c Cause) Stated() string {
	if !c.Class.Refusal() {
		return ""
	}
	first, others := "", false
	for _, files := range c.Modules {
		said := files[0].stated()
		others = others || said != first && first != ""
		first = cmp.Or(first, said)
	}
	if others {
		return "e.g. " + first
	}
	return first
}

// stated is what the mirror said with the failure that the module is filed under.
func (m Module) stated() string {
	for _, a := range slices.Backward(m.Attempts) {
		if a.Class == m.Class && a.Detail != "" {
			return failure.Plain(a.Detail)
		}
	}
	return ""
}

// Amount counts modules, each given by its files, apart from answers about versions:
// "2 modules and 1 answer about versions".
func Amount(modules [][]Module) string {
	n, answers := 0, 0
	for _, files := range modules {
		if files[0].Query() {
			answers++
		} else {
			n++
		}
	}
	switch {
	case answers == 0:
		return Count(n, "module")
	case n == 0:
		return Answers(answers)
	}
	return Count(n, "module") + " and " + Answers(answers)
}

// Answers is a number of answers about versions.
func Answers(n int) string { return Count(n, "answer") + " about versions" }

// Optional reports whether only graph commands need the files.
func (c Cause) Optional() bool { return c.Modules[0][0].Optional && severity(c.Modules[0][0]) > 0 }

// ChainLine is the line of the file that names the mirrors; "" when no file does.
func (s EffectiveSettings) ChainLine() (file string, line int) {
	source, ok := strings.CutPrefix(s.Sources["GOPROXY"], "file ")
	i := strings.LastIndexByte(source, ':')
	if !ok || i < 0 {
		return "", 0
	}
	line, err := strconv.Atoi(source[i+1:])
	if err != nil {
		return "", 0
	}
	return source[:i], line
}
