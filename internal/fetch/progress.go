package fetch

// progress is how far a queue is.
type progress struct {
	waiting        string // what has been waited for longest; "" when nothing takes long
	done, inFlight int
	bytes          int64 // of the files kept and of those under way
}

func (r *run) progress() progress {
	p := progress{waiting: r.awaited(), done: int(r.done.Load())}
	r.mu.Lock()
	defer r.mu.Unlock()
	p.inFlight = r.working
	p.bytes = r.bytes.Load()
	for t := range r.active {
		p.bytes += t.progress()
	}
	return p
}
