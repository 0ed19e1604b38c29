package fetch

import (
	"strings"

	"github.com/modferry/modferry/internal/report/progress"
)

// Snapshot is the progress so far. It is safe for concurrent use.
func (j *Job) Snapshot() progress.Snapshot {
	s := progress.Snapshot{Phase: j.phase.Load().(string), Total: int(j.total.Load()), Done: int(j.verified.Load()),
		DoneBytes: j.restored.Load() + j.fetched.Load()}
	if p := j.probing.Load(); p != nil && s.Phase == probingMirrors {
		s.Waiting = strings.Join(p.awaited(), ", ")
	}
	if r := j.progress.Load(); r != nil {
		s.Waiting = r.awaited()
		s.Done += int(r.done.Load())
		r.mu.Lock()
		s.InFlight = r.working
		s.DoneBytes += r.bytes.Load()
		for t := range r.active {
			s.DoneBytes += t.progress()
		}
		r.mu.Unlock()
	}
	return s
}
