// Package progress shows how far a run is while it is under way.
package progress

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/render"
)

// Snapshot is how far a run is.
type Snapshot struct {
	Done, Total int
	Failed      int    // that will not be there; of Total, not of Done
	Thing       string // what is counted, "module"; "" for "file"
	DoneBytes   int64  // received
	LeftBytes   int64  // to come, as far as that is known; 0 when it is not
	Phase       string // what is being done, e.g. "fetching"
	Retrying    string // what is tried again, and why; "" for nothing
	Waiting     string // what has been waited for long, "" for nothing
}

// Options choose how progress is shown.
type Options struct {
	Terminal bool       // one live line instead of a line now and then
	Width    func() int // of the terminal, asked anew each time; nil or 0 means 80
}

// Between two looks.
const (
	everyTerminal = 200 * time.Millisecond
	everyLog      = 5 * time.Second
)

// window is the time over which the rate is measured.
const window = 10 * time.Second

// eraseLine goes to the start of the terminal's line and empties it (ECMA-48,
// 8.3.41: EL).
const eraseLine = "\r\x1b[K"

// Display shows how far a run is, from Start to Stop. Its methods may
// be called from any goroutine.
type Display struct {
	w        io.Writer
	o        Options
	snapshot func() Snapshot
	stop     func()
	stopping chan struct{}
	stopped  chan struct{}

	mu      sync.Mutex // guards what follows and w
	meter   meter
	live    string // the live line that is shown, "" for none
	printed *Snapshot
}

// Start shows on w what snapshot says, which has to be safe for
// concurrent use. Nothing is written before the first tick, so a run that ends
// sooner leaves no trace. Errors of w are ignored: progress is no result. The
// caller has to call Stop.
func Start(w io.Writer, o Options, snapshot func() Snapshot) *Display {
	every := everyLog
	if o.Terminal {
		every = everyTerminal
	}
	p := &Display{w: w, o: o, snapshot: snapshot, stopping: make(chan struct{}), stopped: make(chan struct{})}
	p.stop = sync.OnceFunc(func() { close(p.stopping) })
	p.meter.add(time.Now(), snapshot())
	ticker := time.NewTicker(every)
	go func() {
		defer close(p.stopped)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				p.tick()
			case <-p.stopping:
				return
			}
		}
	}()
	return p
}

// Stop ends the progress and removes the live line. When it returns, nothing
// is written any more. It may be called more than once.
func (p *Display) Stop() {
	p.stop()
	<-p.stopped
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

// Line writes a line of its own above the live line, made neutral.
func (p *Display) Line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	live := p.live
	p.erase()
	io.WriteString(p.w, failure.Plain(text)+"\n")
	if live != "" {
		p.show(live)
	}
}

func (p *Display) tick() {
	s := p.snapshot()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meter.add(time.Now(), s)
	if !p.o.Terminal {
		if p.printed == nil || advanced(*p.printed, s) {
			p.printed = &s
			io.WriteString(p.w, strings.Join(p.meter.parts(s), ", ")+"\n")
		}
		return
	}
	width := 0
	if p.o.Width != nil {
		width = p.o.Width()
	}
	if width <= 0 {
		width = 80
	}
	// The last column stays free: some terminals break the line there.
	p.show(fitParts(p.meter.parts(s), width-1))
}

func (p *Display) show(line string) {
	p.live = line
	io.WriteString(p.w, "\r"+line+"\x1b[K")
}

func (p *Display) erase() {
	if p.live != "" {
		io.WriteString(p.w, eraseLine)
		p.live = ""
	}
}

// grown is by how much the bytes have to grow for a line of their own in a log.
const grown = 1.25

// advanced reports whether something changed that is worth a line in a log. That
// the same file is waited for a little longer is not.
func advanced(a, b Snapshot) bool {
	waited := func(s Snapshot) string { what, _, _ := strings.Cut(s.Waiting, " "); return what }
	return a.Phase != b.Phase || a.Done != b.Done || a.Failed != b.Failed || a.Total != b.Total || a.Retrying != b.Retrying || waited(a) != waited(b) ||
		float64(b.DoneBytes) > grown*float64(a.DoneBytes)
}

// leastCut is the least that is shown of a part that does not fit.
const leastCut = 30

// fitParts joins as many parts as fit, at least the first; the last may be cut.
func fitParts(parts []string, width int) string {
	line := parts[0]
	for _, part := range parts[1:] {
		room := width - render.Cells(line) - 2
		if render.Cells(part) <= room {
			line += ", " + part
			continue
		}
		if room >= leastCut {
			line += ", " + head(part, room)
		}
		break
	}
	return render.Cut(line, width)
}

// head is the beginning of a text that is longer than room.
func head(text string, room int) string {
	for render.Cells(text) >= room {
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
	}
	return text + "…"
}

type meter struct {
	samples []sample // in order of time, the newest last
}

type sample struct {
	at    time.Time
	bytes int64
	done  int
}

// add takes a sample and forgets those that are older than the window, except
// for the newest of them, which the window begins with.
func (m *meter) add(at time.Time, s Snapshot) {
	m.samples = append(m.samples, sample{at, s.DoneBytes, s.Done + s.Failed})
	old := 0
	for old+1 < len(m.samples)-1 && at.Sub(m.samples[old+1].at) >= window {
		old++
	}
	m.samples = append(m.samples[:0], m.samples[old:]...)
}

// rates returns bytes and things per second, 0 when they are not known.
func (m *meter) rates() (bytes, things float64) {
	first, last := m.samples[0], m.samples[len(m.samples)-1]
	d := last.at.Sub(first.at).Seconds()
	if d <= 0 {
		return 0, 0
	}
	return max(float64(last.bytes-first.bytes)/d, 0), max(float64(last.done-first.done)/d, 0)
}

// parts says how far the run is, the most important first.
func (m *meter) parts(s Snapshot) []string {
	phase := failure.Neutral(s.Phase)
	if phase == "" {
		phase = "working"
	}
	if s.Total > 0 {
		phase += fmt.Sprintf(": %d of %s", s.Done, report.Count(s.Total, cmp.Or(s.Thing, "file")))
	}
	if s.Failed > 0 {
		phase += fmt.Sprintf(", %d failed", s.Failed)
	}
	parts := []string{phase}
	bytes, things := m.rates()
	switch {
	case s.LeftBytes > 0:
		parts = append(parts, of(report.Bytes(s.DoneBytes), report.Bytes(s.DoneBytes+s.LeftBytes)))
	case s.DoneBytes > 0:
		parts = append(parts, report.Bytes(s.DoneBytes))
	}
	left := lasting(float64(s.LeftBytes), bytes)
	if left == 0 {
		left = lasting(float64(s.Total-s.Done-s.Failed), things)
	}
	if left > 0 {
		parts = append(parts, "about "+estimate(left)+" left")
	}
	if s.Retrying != "" {
		parts = append(parts, "retrying "+failure.Neutral(s.Retrying))
	}
	if s.Waiting != "" {
		parts = append(parts, "waiting for "+failure.Neutral(s.Waiting))
	}
	if rate := report.Rate(bytes); rate != "" {
		parts = append(parts, rate)
	}
	return parts
}

// of is "26.8 of 61.1 MB", with one unit where both have the same.
func of(part, whole string) string {
	n, unit, _ := strings.Cut(part, " ")
	if strings.HasSuffix(whole, " "+unit) {
		part = n
	}
	return part + " of " + whole
}

// estimate renders a duration as roughly as it is known.
func estimate(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return report.Millis(float64(d.Milliseconds()))
}

// lasting estimates how long the rest takes, to the second. 0 means that it cannot be
// said.
func lasting(rest, perSecond float64) time.Duration {
	const most = 24 * 60 * 60
	seconds := rest / perSecond
	if !(seconds > 0 && seconds <= most) {
		return 0
	}
	return time.Duration(max(seconds, 1)) * time.Second
}
