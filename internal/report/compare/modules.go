package compare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

type entry struct{ path, version, kind string }

func entriesOf(r *report.Result) map[entry]report.Module {
	all := make(map[entry]report.Module, len(r.Modules))
	for _, m := range r.Modules {
		all[entry{m.Path, m.Version, m.Kind}] = m
	}
	return all
}

const mostLines = 20

func (c *comparison) modules() {
	before := entriesOf(c.old)
	var failing, back []report.Module
	for _, m := range c.new.Modules {
		was, known := before[entry{m.Path, m.Version, m.Kind}]
		if known && was.Failed() && !m.Failed() {
			back = append(back, m)
		}
		if m.Failed() && (!known || !was.Failed()) {
			failing = append(failing, m)
		}
	}
	var lines []string
	for _, m := range failing {
		lines = append(lines, strings.TrimSuffix(m.Name()+": "+cmp.Or(failure.Plain(m.Message), m.Class.Title()), ": "))
	}
	c.section("Now failing", someLines(lines, render.Few))
	if len(back) > 0 {
		c.section(fmt.Sprintf("Obtained again (%s)", report.Count(len(back), "file")), []string{render.Names(back, false)})
	}
	c.versions()
}

// versions tells which modules are new, gone, or there in another version.
// Modules of which only the go.mod file is needed are counted.
func (c *comparison) versions() {
	old, new := versionsOf(c.old), versionsOf(c.new)
	paths := maps.Clone(old)
	maps.Copy(paths, new)
	var added, other, gone []string
	come, left := 0, 0 // go.mod files
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		to, n := lacking(old[path], new[path])
		from, k := lacking(new[path], old[path])
		come, left = come+n, left+k
		switch before, after := strings.Join(from, ", "), strings.Join(to, ", "); {
		case before != "" && after != "":
			other = append(other, path+": "+before+" → "+after)
		case after != "":
			added = append(added, path+"@"+after)
		case before != "":
			gone = append(gone, path+"@"+before)
		}
	}
	c.versionsIn("New", added)
	c.versionsIn("In a different version", other)
	c.versionsIn("Gone", gone)
	if come+left > 0 {
		c.section("Modules of which only the go.mod file is needed", []string{fmt.Sprintf("%d new, %d gone", come, left)})
	}
}

func (c *comparison) versionsIn(heading string, lines []string) {
	c.section(fmt.Sprintf("%s (%s)", heading, report.Count(len(lines), "module")), someLines(lines, mostLines))
}

// lacking returns the versions in there that are not in here: those whose code
// is needed by name, the others by number.
func lacking(here, there map[string]bool) (code []string, light int) {
	for _, v := range slices.Sorted(maps.Keys(there)) {
		switch _, known := here[v]; {
		case known:
		case there[v]:
			code = append(code, v)
		default:
			light++
		}
	}
	return code, light
}

// versionsOf returns the versions of each module, and whether their code is
// needed, not only their go.mod file.
func versionsOf(r *report.Result) map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, m := range r.Modules {
		if m.Page() {
			continue
		}
		path, version := failure.Neutral(m.Path), failure.Neutral(m.Version)
		if all[path] == nil {
			all[path] = map[string]bool{}
		}
		all[path][version] = all[path][version] || m.Kind != report.KindMod
	}
	return all
}

func someLines(lines []string, most int) []string {
	if rest := len(lines) - most; rest > 0 {
		return append(lines[:most:most], fmt.Sprintf("and %d more", rest))
	}
	return lines
}

// downloads lists what both runs fetched from mirrors and the new one took
// longer for, the worst first. How many got faster tells chance from change.
func (c *comparison) downloads() {
	all := c.common()
	faster := 0
	var list []pair
	for _, p := range all {
		switch {
		case pace(p.was.MS, p.is.MS) == "":
		case p.is.MS > p.was.MS:
			list = append(list, p)
		default:
			faster++
		}
	}
	slices.SortStableFunc(list, func(a, b pair) int { return cmp.Compare(b.is.MS-b.was.MS, a.is.MS-a.was.MS) })
	var lines []string
	for _, p := range list {
		line := fmt.Sprintf("%s: %s → %s", p.is.Name(), report.Millis(p.was.MS), report.Millis(p.is.MS))
		if d := changed(failure.Plain(p.was.Mirror), failure.Plain(p.is.Mirror)); d != "" {
			line += ", " + d
		}
		if n := len(p.is.Attempts); n > len(p.was.Attempts) && n > 1 {
			line += ", " + report.Count(n, "attempt")
		}
		lines = append(lines, line)
	}
	c.section(fmt.Sprintf("Slower downloads (%d of %s that both runs fetched; %d got faster)", len(list), report.Count(len(all), "file"), faster), someLines(lines, render.Few))
}
