package fetch

import (
	"slices"
	"strings"
	"sync"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/preflight"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/progress"
)

// Recorder follows a run: how far it is, and what it finds on the way. The zero
// value is ready to be given to a run, which begins it anew; one follows one run
// at a time. It is safe for concurrent use.
type Recorder struct {
	mu       sync.Mutex
	phase    string
	total    files
	done     files             // dealt with, but those of the queue under way
	failed   int               // zips of those
	bytes    int64             // of those files
	queue    *download.Queue   // under way; nil for none
	probes   *preflight.Probes // nil for none
	findings []finding.Finding
}

// files are counts of files, and of the zips among them: as many modules as people
// count.
type files struct{ all, zips int }

func (f *files) add(g files) { f.all, f.zips = f.all+g.all, f.zips+g.zips }

// filesOf counts items.
func filesOf(items ...*download.Item) files {
	n := files{all: len(items)}
	for _, it := range items {
		if it.Kind == report.KindZip {
			n.zips++
		}
	}
	return n
}

// The phases of a run.
const (
	resolving      = "resolving versions"
	lookingAtCache = "looking at the module cache"
	restoring      = "restoring"
	probingMirrors = "probing mirrors"
	fetching       = "fetching"
	finishing      = "finishing"
	verifyingCache = "verifying"
	savingToStore  = "saving"
)

// begin begins a run.
func (r *Recorder) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.phase, r.total, r.done, r.failed, r.bytes, r.queue, r.probes, r.findings = "", files{}, files{}, 0, 0, nil, nil, nil
}

// enter begins a phase.
func (r *Recorder) enter(phase string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.phase = phase
}

// expect says that the run is about so many more files.
func (r *Recorder) expect(n files) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total.add(n)
}

// did notes files that are dealt with, and their bytes.
func (r *Recorder) did(n files, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done.add(n)
	r.bytes += bytes
}

// note adds a finding of the run.
func (r *Recorder) note(f finding.Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.findings = append(r.findings, f)
}

// noted are the findings so far.
func (r *Recorder) noted() []finding.Finding {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.findings)
}

// probing says which probes are under way.
func (r *Recorder) probing(p *preflight.Probes) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.probes = p
}

// follow says which queue is under way, nil that it is over: then what it did
// counts as done.
func (r *Recorder) follow(q *download.Queue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old := r.queue; old != nil {
		p := old.Progress()
		r.done.add(files{p.Done, p.Zips})
		r.failed += p.Failed
		r.bytes += p.Bytes
	}
	r.queue = q
}

// Snapshot is the progress so far.
func (r *Recorder) Snapshot() progress.Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := progress.Snapshot{Phase: r.phase, DoneBytes: r.bytes}
	done, failed := r.done, r.failed
	if r.probes != nil && s.Phase == probingMirrors {
		s.Waiting = strings.Join(r.probes.Awaited(), ", ")
	}
	if q := r.queue; q != nil {
		p := q.Progress()
		s.Waiting, s.Retrying, s.LeftBytes = p.Waiting, p.Retrying, p.Left
		done.add(files{p.Done, p.Zips})
		failed += p.Failed
		s.DoneBytes += p.Bytes
	}
	if s.Thing, s.Done, s.Failed, s.Total = "module", done.zips-failed, failed, r.total.zips; s.Total == 0 { // of go.mod files only
		s.Thing, s.Done, s.Total = "file", done.all, r.total.all
	}
	return s
}
