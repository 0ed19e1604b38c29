package markdown

import (
	"fmt"
	"strconv"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// quiet reports whether there is nothing to tell of a relay: none of the answers that it
// gave was a download, and nothing went wrong.
func (l *Later) quiet() bool {
	r := l.Relayed
	return r == nil || r.Outcome == report.OK && len(r.Modules) == 0 && len(r.Findings) == 0
}

// relayed says what became of the downloads of later steps that went through a relay.
func (l *Later) relayed() string {
	if l.quiet() {
		return ""
	}
	n := l.Relayed.Totals.BySource[report.FromMirror]
	text := fmt.Sprintf("%s downloaded by later steps through the relay (%s).\n", report.Count(n, "file"), report.Bytes(l.Relayed.Totals.Bytes))
	if l.Relayed.Outcome != report.OK {
		text += sentence(l.Relayed.Message)
	}
	return text
}

// LaterStep is a step that asked the relay of the job.
type LaterStep struct {
	Name  string // its id, or what the runner calls it
	Files int
	Bytes int64
}

func laterSteps(all []LaterStep) render.Section {
	t := render.Table{Columns: []render.Column{{Title: "step", Code: true}, {Title: "files", Number: true}, {Title: "size", Number: true}}}
	for _, s := range all[:min(len(all), most)] {
		t.Rows = append(t.Rows, []render.Cell{{Text: s.Name}, {Text: strconv.Itoa(s.Files)}, {Text: report.Bytes(s.Bytes)}})
	}
	if len(t.Rows) == 0 {
		return render.Section{}
	}
	return render.Section{ID: "steps", Title: "Which steps asked", Tables: []render.Table{t}}
}

// relayedParts are the sections about them.
func (l *Later) relayedParts() []block {
	if l.quiet() {
		return nil
	}
	m := &markdown{View: render.Of(l.Relayed)}
	m.failures(m.Failures())
	m.remarks(m.Remarks(false))
	m.within(func() {
		m.open(laterSteps(l.Steps))
		m.open(m.Origins())
		m.open(m.Slowest(drawn))
		m.open(m.Recovered(false))
		m.open(m.Deferred(0))
		m.open(m.Downloads(drawn, most))
		m.open(m.Answers())
	})
	return m.blocks
}
