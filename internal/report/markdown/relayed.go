package markdown

import (
	"fmt"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// relayed says what became of the downloads of later steps that went through a relay.
func (l *Later) relayed() string {
	if l.Relayed == nil {
		return ""
	}
	if l.Relayed.Outcome != report.OK {
		return sentence(l.Relayed.Message)
	}
	n := l.Relayed.Totals.BySource[report.FromMirror]
	return fmt.Sprintf("%s downloaded by later steps through the relay (%s).\n", report.Count(n, "file"), report.Bytes(l.Relayed.Totals.Bytes))
}

// relayedParts are the sections about them.
func (l *Later) relayedParts() []block {
	if l.Relayed == nil {
		return nil
	}
	m := &markdown{View: render.Of(l.Relayed)}
	m.failures(m.Failures())
	m.remarks(m.Remarks(false))
	m.within(func() {
		m.open(m.Origins())
		m.open(m.Slowest(drawn))
		m.open(m.Recovered(false))
		m.open(m.Deferred(0))
		m.open(m.Downloads(drawn, most))
		m.open(m.Answers())
	})
	return m.blocks
}
