package download

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/modferry/modferry/internal/mirror"
)

// part is a range of bytes still to come. The end of one in work may be taken
// away by a helper.
type part struct {
	at, end int64 // end is MaxInt64 while the size is unknown
	busy    bool
	drop    context.CancelFunc // ends the request of another mirror; nil for one of from

	// requests counts those made for the part, so that a piece of it knows
	// whether the response it was split off from is still the one being read.
	requests int
	// split is what a helper's part was split off from while no byte of it is
	// here; nil afterwards. Until then the one who reads the other half may have
	// it back: that the server sends parts at all is not proven.
	split *origin
}

// origin is the part that another one is the second half of.
type origin struct {
	whole    *part
	requests int // of whole at that time: its response reaches to the end of both
	cancel   context.CancelFunc
}

// left is what is still to come of a part in work, in bytes. At its end a second
// half that was split off and has not begun is taken back: the response that is
// being read has it as well, and whether the server sends parts is not known.
func (t *transfer) left(p *part) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.at >= p.end {
		for _, q := range t.parts {
			if t.joinable(q) && q.split.whole == p {
				t.join(q)
				break
			}
		}
	}
	return p.end - p.at
}

// joinable reports whether a part can go back to the one it was split off from:
// no byte of it is here, and the response for both is still being read.
func (t *transfer) joinable(q *part) bool {
	o := q.split
	return o != nil && o.whole.busy && o.whole.end == q.at && o.whole.requests == o.requests
}

// join gives a part back to the one it was split off from.
func (t *transfer) join(q *part) {
	o := q.split
	o.whole.end, q.split = q.end, nil
	t.parts = slices.DeleteFunc(t.parts, func(p *part) bool { return p == q })
	o.cancel()
}

// release gives the part back, done or not.
func (t *transfer) release(p *part) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.busy = false
	t.cond.Broadcast()
}

// claim returns an unfinished part that nobody works on, waiting for the
// helpers if all are in work. Other mirrors are not waited for: the rest of
// their parts is taken from them. Nil means that the file is complete, or that
// ctx has ended.
func (t *transfer) claim(ctx context.Context) *part {
	stop := context.AfterFunc(ctx, func() { t.mu.Lock(); t.cond.Broadcast(); t.mu.Unlock() })
	defer stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	for ctx.Err() == nil {
		busy, own := false, false
		for _, p := range t.parts {
			if p.at < p.end && !p.busy {
				p.busy, p.drop, p.split = true, nil, nil
				p.requests++
				return p
			}
			busy = busy || p.busy
			own = own || (p.busy && p.drop == nil)
		}
		if !busy {
			return nil
		}
		for _, p := range t.parts {
			if !own && p.busy {
				p.drop()
			}
		}
		t.cond.Wait()
	}
	return nil
}

// settle waits until no helper writes to the file any more. Their context has
// ended by then.
func (t *transfer) settle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for slices.ContainsFunc(t.parts, func(p *part) bool { return p.busy }) {
		t.cond.Wait()
	}
}

// remaining is the largest unfinished part in bytes, 0 when nothing can be
// split off: not from a part either of which no byte is here yet.
func (t *transfer) remaining() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.largest(); p != nil {
		return p.end - p.at
	}
	return 0
}

func (t *transfer) largest() *part {
	if t.validator == "" || t.whole || t.helpers >= maxHelpers || t.ctx.Err() != nil {
		return nil
	}
	var best *part
	for _, p := range t.parts {
		if left := p.end - p.at; p.split == nil && left >= 2*leastPart && (best == nil || left > best.end-best.at) {
			best = p
		}
	}
	return best
}

// source is the mirror whose turn it is to help.
func (t *transfer) source() *mirror.Mirror {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn++
	if k := t.turn % (len(t.others) + 1); k > 0 {
		return t.others[k-1]
	}
	return t.from
}

// help takes the second half of the largest part over and brings it from a
// mirror with a request of its own. What it cannot bring goes back to where it
// was split off, or is left to the others; a mirror that answers with anything
// but a part of the same entity is no help.
func (t *transfer) help(from *mirror.Mirror) {
	t.mu.Lock()
	whole := t.largest()
	if whole == nil {
		t.mu.Unlock()
		return
	}
	middle := whole.at + (whole.end-whole.at)/2
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	p := &part{at: middle, end: whole.end, busy: true, split: &origin{whole, whole.requests, cancel}}
	if from != t.from {
		p.drop = cancel
	}
	whole.end = middle
	t.parts = append(t.parts, p)
	t.helpers++
	t.spliced = true
	req := t.request(p)
	t.mu.Unlock()

	begin := time.Now()
	resp, err := from.Get(ctx, req)
	if err == nil {
		if resp.Status == http.StatusPartialContent && resp.Size == t.size && t.proven(p) {
			err = t.copy(resp, p)
		} else {
			err = errAnew
		}
		resp.Close()
	}
	t.mu.Lock()
	taken := !slices.Contains(t.parts, p)
	if from != t.from {
		if n := p.at - middle; n > 0 {
			t.supplied[from] += n
			from.Health.Received(n, time.Since(begin))
		}
		if err != nil && !taken {
			t.others = slices.DeleteFunc(slices.Clone(t.others), func(m *mirror.Mirror) bool { return m == from })
		}
	}
	if err == nil || taken || from != t.from {
		t.helpers--
	}
	if t.joinable(p) {
		// Refused: what the server says of a part is no word about the file, which
		// is on its way in one piece.
		t.whole = t.whole || from == t.from
		t.join(p)
	}
	t.mu.Unlock()
	t.release(p)
}

// proven notes that the server sends a part. False means that whoever reads the
// other half has taken it back meanwhile.
func (t *transfer) proven(p *part) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	there := slices.Contains(t.parts, p)
	p.split = nil
	return there
}
