package html

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// failures are what could not be obtained, by class and mirror; what a class
// means and what to do only once per class.
func (h *htmlView) failures() htmlSection {
	all := h.Failed()
	if len(all) == 0 {
		return htmlSection{}
	}
	s := htmlSection{ID: "failures", Title: "Failures"}
	explained := map[failure.Class]bool{}
	groups, rest := htmlCut(all, htmlFew, "group")
	if rest != "" {
		s.Lines = append(s.Lines, rest)
	}
	room := htmlFiles
	for _, g := range groups {
		s.Groups = append(s.Groups, htmlFailure(g, !explained[g.Class], room))
		explained[g.Class] = true
		room = max(room-len(g.Modules), 0)
	}
	return s
}

// htmlFailure is one group, with at most room files.
func htmlFailure(g *render.Group, explain bool, room int) htmlGroup {
	title := g.String()
	if g.Mirror != "" {
		title += " at " + failure.Plain(g.Mirror)
	}
	out := htmlGroup{Tone: "bad", Title: title + ": " + report.Count(len(g.Modules), "file")}
	note := func(term, text string) {
		if text != "" {
			out.Notes = append(out.Notes, htmlPair{term, text})
		}
	}
	note("Where", htmlPlaces(g.Modules))
	if explain {
		note("Means", g.Class.Explain())
		note("What to do", g.Class.Remedy())
	}
	note("Tried", render.Tried(g.Modules))
	label := "Error"
	if len(g.Modules) > 1 {
		label = "For example"
	}
	note(label, failure.Plain(g.Modules[0].Message))
	modules, rest := htmlCut(g.Modules, room, "file")
	t := htmlTable{Caption: title, Rest: rest, Columns: []htmlColumn{{Title: "file", Head: true, Code: true}, {Title: "line", Code: true}, {Title: "attempts"}}}
	for _, m := range modules {
		cell := htmlCell{Text: render.Tries(m)}
		if len(m.Attempts) > 1 {
			cell.More = htmlAttempts(m)
		}
		t.Rows = append(t.Rows, []htmlCell{{Text: m.Name()}, {Text: report.Position(m.File, m.Line)}, cell})
	}
	if len(t.Rows) > 0 {
		out.Tables = []htmlTable{t}
	} else {
		note("Files", rest)
	}
	return out
}

// htmlPlaces names the first three files with their lines of the checkout, so
// that a reader knows where before the remedy, and need not look for it in the
// table below.
func htmlPlaces(modules []report.Module) string {
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

// retried are the failed attempts that other attempts made up for.
func (h *htmlView) retried() htmlSection {
	all := h.View.Retried()
	if len(all) == 0 {
		return htmlSection{}
	}
	t := htmlTable{Caption: "Failed attempts that others made up for", Columns: []htmlColumn{
		{Title: "trouble", Head: true}, {Title: "mirror", Code: true}, {Title: "attempts", Number: true}, {Title: "files", Number: true}, {Title: "which"},
	}}
	all, t.Rest = htmlCut(all, htmlFew, "group")
	for _, g := range all {
		trouble := htmlCell{Text: g.String()}
		if g.Serious() {
			trouble.Tone = "bad"
		}
		t.Rows = append(t.Rows, []htmlCell{
			trouble, {Text: failure.Plain(g.Mirror)}, htmlNumber(float64(g.Attempts), fmt.Sprint(g.Attempts)),
			htmlNumber(float64(len(g.Modules)), fmt.Sprint(len(g.Modules))), {Text: render.Names(g.Modules, false, render.AsIs)},
		})
	}
	return htmlSection{ID: "retried", Title: "Failed attempts that others made up for", Tables: []htmlTable{t}}
}

// deferred is what is left to the go command, by reason.
func (h *htmlView) deferred() htmlSection {
	all := h.View.Deferred()
	if len(all) == 0 {
		return htmlSection{}
	}
	s := htmlSection{ID: "deferred", Title: "Left to the go command"}
	groups, left := htmlCut(all, htmlFew, "group")
	for _, g := range groups {
		kept, rest := htmlCut(g.Modules, htmlFew, "file")
		text := report.Count(len(g.Modules), "file") + " (" + g.Class.Title() + "): " + render.Names(kept, true, render.AsIs)
		s.List = append(s.List, strings.TrimSpace(text+" "+rest))
	}
	if left != "" {
		s.List = append(s.List, left)
	}
	return s
}

// files is every file of the work list with its size, the largest first.
func (h *htmlView) files() htmlSection {
	all := slices.Clone(h.Result.Modules)
	if len(all) == 0 {
		return htmlSection{}
	}
	slices.SortStableFunc(all, func(a, b report.Module) int { return cmp.Compare(b.Bytes, a.Bytes) })
	t := htmlTable{Caption: "All files, the largest first", Columns: []htmlColumn{
		{Title: "file", Head: true, Code: true}, {Title: "kind"}, {Title: "from"}, {Title: "size", Number: true}, {Title: "line", Code: true},
	}}
	kept, rest := htmlCut(all, htmlFiles, "file")
	if rest != "" {
		var bytes int64
		for _, m := range all[htmlFiles:] {
			bytes += max(m.Bytes, 0)
		}
		rest += ": " + report.Bytes(bytes) + " together"
	}
	t.Rest = rest
	for _, m := range kept {
		size := htmlCell{Text: "–", Sort: "0"}
		if m.Bytes > 0 {
			size = htmlNumber(float64(m.Bytes), report.Bytes(m.Bytes))
		}
		t.Rows = append(t.Rows, []htmlCell{{Text: m.Name()}, {Text: render.Word(m.Kind)}, htmlSource(m), size, {Text: report.Position(m.File, m.Line)}})
	}
	return htmlSection{ID: "files", Title: "All files", Tables: []htmlTable{t}}
}

// htmlSource says where a file came from.
func htmlSource(m report.Module) htmlCell {
	switch m.Source {
	case report.FromMirror:
		return htmlCell{Text: failure.Plain(m.Mirror)}
	case report.FromPresent:
		return htmlCell{Text: "there already"}
	case report.FromCache:
		return htmlCell{Text: "cache"}
	case report.FromDeferred:
		return htmlCell{Text: "left to the go command"}
	}
	return htmlCell{Text: "missing", Tone: "bad"}
}
