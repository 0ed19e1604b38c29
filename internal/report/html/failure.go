package html

import (
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// failures are what could not be obtained, by class and mirror.
func (v *view) failures() section {
	all := v.Failures()
	if len(all) == 0 {
		return section{}
	}
	s := section{Section: render.Section{ID: "failures", Title: "Failures"}}
	shown, rest := cut(all, mostRows, "group")
	if rest != "" {
		s.Lines = append(s.Lines, say(rest))
	}
	room := render.MostFiles
	for _, f := range shown {
		s.groups = append(s.groups, groupOf(f, room))
		room = max(room-len(f.Modules), 0)
	}
	return s
}

// groupOf is one failure, with at most room files.
func groupOf(f render.Failure, room int) group {
	title := f.Title
	if f.Mirror != "" {
		title += " at " + f.Mirror
	}
	g := group{title: title + ": " + report.Count(len(f.Modules), "file")}
	note := func(term, text string) {
		if text != "" {
			g.notes = append(g.notes, pair{term, text})
		}
	}
	note("Where", places(f.Modules))
	note("Means", f.Explain)
	note("What to do", f.Remedy)
	note("Tried", f.Tried)
	label := "Error"
	if len(f.Modules) > 1 {
		label = "For example"
	}
	note(label, f.Error)
	modules, rest := cut(f.Modules, room, "file")
	if len(modules) == 0 {
		note("Files", rest)
		return g
	}
	t := render.FailedFiles(title, modules)
	t.Thing, t.Rest = "", rest
	g.table = &t
	return g
}

// places names the first three files with their lines of the checkout, so that
// a reader knows where before the remedy, and need not look for it in the table
// below.
func places(modules []report.Module) string {
	var list []string
	for _, m := range modules[:min(len(modules), 3)] {
		place := m.Name()
		if at := report.Position(m.File, m.Line); at != "" {
			place = at + " (" + place + ")"
		}
		list = append(list, place)
	}
	text := strings.Join(list, ", ")
	if rest := len(modules) - len(list); rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text
}
