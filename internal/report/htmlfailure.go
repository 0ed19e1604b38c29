package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// failures are what could not be obtained, by class and mirror; what a class
// means and what to do only once per class.
func (h *htmlView) failures() htmlSection {
	all := h.failed()
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
		s.Groups = append(s.Groups, htmlFailure(g, !explained[g.class], room))
		explained[g.class] = true
		room = max(room-len(g.modules), 0)
	}
	return s
}

// htmlFailure is one group, with at most room files.
func htmlFailure(g *group, explain bool, room int) htmlGroup {
	title := g.String()
	if g.mirror != "" {
		title += " at " + failure.Plain(g.mirror)
	}
	out := htmlGroup{Tone: "bad", Title: title + ": " + count(len(g.modules), "file")}
	note := func(term, text string) {
		if text != "" {
			out.Notes = append(out.Notes, htmlPair{term, text})
		}
	}
	note("Where", htmlPlaces(g.modules))
	if explain {
		note("Means", g.class.Explain())
		note("What to do", g.class.Remedy())
	}
	note("Tried", tried(g.modules))
	label := "Error"
	if len(g.modules) > 1 {
		label = "For example"
	}
	note(label, failure.Plain(g.modules[0].Message))
	modules, rest := htmlCut(g.modules, room, "file")
	t := htmlTable{Caption: title, Rest: rest, Columns: []htmlColumn{{Title: "file", Head: true, Code: true}, {Title: "line", Code: true}, {Title: "attempts"}}}
	for _, m := range modules {
		cell := htmlCell{Text: tries(m)}
		if len(m.Attempts) > 1 {
			cell.More = htmlAttempts(m)
		}
		t.Rows = append(t.Rows, []htmlCell{{Text: name(m)}, {Text: position(m.File, m.Line)}, cell})
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
func htmlPlaces(modules []Module) string {
	var list []string
	for _, m := range modules[:min(len(modules), 3)] {
		place := name(m)
		if at := position(m.File, m.Line); at != "" {
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
	all := h.view.retried()
	if len(all) == 0 {
		return htmlSection{}
	}
	t := htmlTable{Caption: "Failed attempts that others made up for", Columns: []htmlColumn{
		{Title: "trouble", Head: true}, {Title: "mirror", Code: true}, {Title: "attempts", Number: true}, {Title: "files", Number: true}, {Title: "which"},
	}}
	all, t.Rest = htmlCut(all, htmlFew, "group")
	for _, g := range all {
		trouble := htmlCell{Text: g.String()}
		if g.serious() {
			trouble.Tone = "bad"
		}
		t.Rows = append(t.Rows, []htmlCell{
			trouble, {Text: failure.Plain(g.mirror)}, htmlNumber(float64(g.attempts), fmt.Sprint(g.attempts)),
			htmlNumber(float64(len(g.modules)), fmt.Sprint(len(g.modules))), {Text: names(g.modules, false, asIs)},
		})
	}
	return htmlSection{ID: "retried", Title: "Failed attempts that others made up for", Tables: []htmlTable{t}}
}

// deferred is what is left to the go command, by reason.
func (h *htmlView) deferred() htmlSection {
	all := h.view.deferred()
	if len(all) == 0 {
		return htmlSection{}
	}
	s := htmlSection{ID: "deferred", Title: "Left to the go command"}
	groups, left := htmlCut(all, htmlFew, "group")
	for _, g := range groups {
		kept, rest := htmlCut(g.modules, htmlFew, "file")
		text := count(len(g.modules), "file") + " (" + g.class.Title() + "): " + names(kept, true, asIs)
		s.List = append(s.List, strings.TrimSpace(text+" "+rest))
	}
	if left != "" {
		s.List = append(s.List, left)
	}
	return s
}

// files is every file of the work list with its size, the largest first.
func (h *htmlView) files() htmlSection {
	all := slices.Clone(h.r.Modules)
	if len(all) == 0 {
		return htmlSection{}
	}
	slices.SortStableFunc(all, func(a, b Module) int { return cmp.Compare(b.Bytes, a.Bytes) })
	t := htmlTable{Caption: "All files, the largest first", Columns: []htmlColumn{
		{Title: "file", Head: true, Code: true}, {Title: "kind"}, {Title: "from"}, {Title: "size", Number: true}, {Title: "line", Code: true},
	}}
	kept, rest := htmlCut(all, htmlFiles, "file")
	if rest != "" {
		var bytes int64
		for _, m := range all[htmlFiles:] {
			bytes += max(m.Bytes, 0)
		}
		rest += ": " + Bytes(bytes) + " together"
	}
	t.Rest = rest
	for _, m := range kept {
		size := htmlCell{Text: "–", Sort: "0"}
		if m.Bytes > 0 {
			size = htmlNumber(float64(m.Bytes), Bytes(m.Bytes))
		}
		t.Rows = append(t.Rows, []htmlCell{{Text: name(m)}, {Text: word(m.Kind)}, htmlSource(m), size, {Text: position(m.File, m.Line)}})
	}
	return htmlSection{ID: "files", Title: "All files", Tables: []htmlTable{t}}
}

// htmlSource says where a file came from.
func htmlSource(m Module) htmlCell {
	switch m.Source {
	case FromMirror:
		return htmlCell{Text: failure.Plain(m.Mirror)}
	case FromPresent:
		return htmlCell{Text: "there already"}
	case FromCache:
		return htmlCell{Text: "cache"}
	case FromDeferred:
		return htmlCell{Text: "left to the go command"}
	}
	return htmlCell{Text: "missing", Tone: "bad"}
}
