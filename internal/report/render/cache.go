package render

import (
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// Cache is what a restore and a save did; its items are what the cache held and
// was not let in, at most so many, 0 for all.
func (v *View) Cache(most int) Section {
	c := v.Result.Cache
	if !c.Used() {
		return Section{}
	}
	store := failure.Plain(c.Store)
	text := ": " + restored(c)
	if c.Files > 0 || c.Bytes > 0 {
		text += fmt.Sprintf("; %s, %s", report.Count(c.Files, "file"), report.Bytes(c.Bytes))
	}
	spans := []Span{name(store), say(text)}
	if c.Key != "" {
		spans = append(spans, say("; key "), name(failure.Plain(c.Key)))
	}
	s := Section{ID: "cache", Title: "Cache", Lines: []Line{{Spans: spans, In: Markdown | HTML}}}
	if reason := failure.Plain(c.Reason); reason != "" {
		s.Lines = append(s.Lines, Line{Spans: []Span{say(reason)}, In: Markdown | HTML}, Line{Spans: []Span{say(store + ": " + reason)}, In: Text})
	}
	if c.Saved != nil {
		s.Lines = append(s.Lines, Line{Spans: []Span{say(v.saveState())}, In: Markdown | HTML})
		if c.Saved.Index != "" {
			s.Lines = append(s.Lines, Line{Spans: []Span{say("index "), name(failure.Plain(c.Saved.Index))}, In: Markdown | HTML})
		}
	}
	for _, r := range c.Rejected {
		s.Items = append(s.Items, line(say(failure.Plain(r))))
	}
	if n := len(s.Items); n > 0 {
		s.Lines = append(s.Lines, line(say(fmt.Sprintf("%s from %s not let into the module cache; the next save drops the layer:", report.Count(n, "file"), store))))
	}
	s.Items = cut(s.Items, most)
	return s
}

func restored(c report.Cache) string {
	parts := []string{failure.Neutral(c.Hit)}
	if c.Hit == "exact" || c.Hit == "partial" {
		parts[0] += " hit"
	}
	if c.Layers > 0 {
		parts = append(parts, report.Count(c.Layers, "layer"))
	}
	if c.MS > 0 {
		parts = append(parts, report.Millis(c.MS))
	}
	if len(c.Rejected) > 0 {
		parts = append(parts, fmt.Sprintf("%d rejected", len(c.Rejected)))
	}
	return strings.Join(parts, ", ")
}
