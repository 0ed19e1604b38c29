package layer

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/modferry/modferry/internal/report"
)

// window is how much waiting the throughput is judged by.
const window = 5 * time.Second

// pace supervises the readers of a restore. Only the time in which at least
// one of them waits for bytes counts, not the time in which this machine
// verifies what it has. It ends the restore when nothing arrives for the stall
// limit, or when over a window of waiting less than the floor arrived: mirrors
// are faster then.
type pace struct {
	floor int64         // bytes a second, 0 for none
	stall time.Duration // 0 for none
	now   func() time.Time
	stop  context.CancelCauseFunc

	mu      sync.Mutex
	waiting int       // readers that wait for bytes
	since   time.Time // start of the current wait
	waited  time.Duration
	arrived int64
}

func newPace(floor int64, stall time.Duration, now func() time.Time, stop context.CancelCauseFunc) *pace {
	if now == nil {
		now = time.Now
	}
	return &pace{floor: floor, stall: stall, now: now, stop: stop}
}

// watch ends the restore unless the function it returns is called within the
// stall limit.
func (p *pace) watch() func() {
	if p.stall <= 0 {
		return func() {}
	}
	t := time.AfterFunc(p.stall, func() {
		p.stop(fmt.Errorf("the store sent nothing for %v, so the rest was left to the mirrors", p.stall))
	})
	return func() { t.Stop() }
}

func (p *pace) reader(r io.Reader) io.Reader { return &pacedReader{p, r} }

type pacedReader struct {
	pace *pace
	r    io.Reader
}

func (r *pacedReader) Read(b []byte) (int, error) {
	defer r.pace.watch()()
	r.pace.begin()
	n, err := r.r.Read(b)
	r.pace.end(n)
	return n, err
}

func (p *pace) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting++; p.waiting == 1 {
		p.since = p.now()
	}
}

func (p *pace) end(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	p.waited += now.Sub(p.since)
	p.since = now
	p.waiting--
	p.arrived += int64(n)
	if p.waited < window {
		return
	}
	if rate := float64(p.arrived) / p.waited.Seconds(); p.floor > 0 && rate < float64(p.floor) {
		p.stop(fmt.Errorf("the store sent %s, less than the minimum of %s, so the rest was left to the mirrors",
			cmp.Or(report.Rate(rate), "almost nothing"), report.Rate(float64(p.floor))))
	}
	p.waited, p.arrived = 0, 0
}
