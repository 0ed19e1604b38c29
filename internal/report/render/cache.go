package render

import (
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// Cache is what a restore and a save did; its items are what the cache held and
// was not let in.
func (v *View) Cache() Section {
	c := v.Result.Cache
	if !c.Used() {
		return Section{}
	}
	text := ": " + restored(c)
	if c.Files > 0 || c.Bytes > 0 {
		text += fmt.Sprintf("; %s, %s", report.Count(c.Files, "file"), report.Bytes(c.Bytes))
	}
	spans := []Span{name(failure.Plain(c.Store)), say(text)}
	if c.Scope != "" {
		spans = append(spans, say("; scope "), name(Word(c.Scope)))
	}
	if c.Key != "" {
		spans = append(spans, say("; key "), name(failure.Plain(c.Key)))
	}
	s := Section{ID: "cache", Title: "Cache", Lines: []Line{line(spans...)}}
	if c.Reason != "" {
		s.Lines = append(s.Lines, line(say(failure.Plain(c.Reason))))
	}
	if c.Saved != nil {
		s.Lines = append(s.Lines, line(say(v.saveState())))
		if c.Saved.Index != "" {
			s.Lines = append(s.Lines, line(say("index "), name(failure.Plain(c.Saved.Index))))
		}
	}
	for _, r := range c.Rejected {
		s.Items = append(s.Items, line(say(failure.Plain(r))))
	}
	return s
}

// Refused says what a cache held and was not let in.
func Refused(c report.Cache) string {
	return fmt.Sprintf("%s of %s not let into the module cache; the next save leaves the layer behind",
		report.Count(len(c.Rejected), "file"), failure.Plain(c.Store))
}

// restored describes what a restore did.
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
