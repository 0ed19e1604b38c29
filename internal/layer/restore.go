package layer

import (
	"cmp"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/store"
)

const (
	// parallelLayers is how many layers are received at a time.
	parallelLayers = 4
	// mostUnpackers is how many frames are unpacked at a time: each takes as
	// much memory as zstd looks back.
	mostUnpackers = 8
	// mostRejected is how many rejections are told: a hostile layer has room for
	// many.
	mostRejected = 1000
)

// Restorer brings members of layers into a module cache.
type Restorer struct {
	Store Store
	Cache *modcache.Cache
	// Sums are what the members must have; a member that is not in it is not
	// taken.
	Sums Sums
	// Zips says that the zip of every tree is wanted, too.
	Zips bool
	// Stall and Floor bound what is waited for, as in pace.
	Stall time.Duration
	Floor int64
	// Now is the clock of Floor; nil means time.Now.
	Now func() time.Time
	// Taken is called for each member that is in its place, from any goroutine;
	// nil means nobody is told. size is that of the file, or of all files of the
	// tree, in bytes.
	Taken func(m Member, size int64)
}

// Restored is what became of a restore.
type Restored struct {
	Layers   int              // received whole
	Bytes    int64            // received
	Members  map[Member]int64 // in the module cache now → size in bytes
	Rejected []Rejection      // sorted by layer and name
	Bad      []string         // layers with something rejected, or gone: not to be relied on
	Reasons  []string         // why layers were not received whole
	Trees    []*modcache.ExtractError
	// Err is about this machine (disk full, permission): going on is of no use.
	Err error
}

// Rejection is a file of a layer that was not let into the module cache.
type Rejection struct {
	Layer string
	Name  string // "zip of example.test/m@v1.0.0", or as found in the layer, neutralised
	Why   string // neutralised
	Class failure.Class
}

func (m Member) String() string { return m.Kind + " of " + m.Module.String() }

func (r Rejection) String() string { return r.Name + " in " + r.Layer + ": " + r.Why }

// Restore receives the layers and takes from each what its pick says, several
// at a time. It returns when nothing is under way any more, also after ctx has
// ended. What fails is in the result: a restore has no errors that matter to a
// build.
func (r *Restorer) Restore(ctx context.Context, picks []Pick) *Restored {
	j := &restore{
		Restorer: r, result: &Restored{Members: map[Member]int64{}},
		slots: make(chan struct{}, min(runtime.GOMAXPROCS(0), mostUnpackers)),
		held:  semaphore.NewWeighted(heldTogether),
	}
	ctx, j.stop = context.WithCancelCause(ctx)
	defer j.stop(nil)
	j.pace = newPace(r.Floor, r.Stall, r.Now, j.stop)
	var g errgroup.Group
	g.SetLimit(parallelLayers)
	for _, p := range picks {
		g.Go(func() error {
			j.layer(ctx, p)
			return nil
		})
	}
	_ = g.Wait() // none of them returns an error
	res := j.result
	slices.SortFunc(res.Rejected, func(a, b Rejection) int { return cmp.Compare(a.String(), b.String()) })
	slices.Sort(res.Bad)
	res.Bad = slices.Compact(res.Bad)
	slices.Sort(res.Reasons)
	res.Reasons = slices.Compact(res.Reasons)
	return res
}

// restore is a Restore under way.
type restore struct {
	*Restorer
	stop  context.CancelCauseFunc
	pace  *pace
	slots chan struct{}       // frames being unpacked
	held  *semaphore.Weighted // bytes of frames in memory

	mu     sync.Mutex
	result *Restored
}

// layer receives one layer.
func (j *restore) layer(ctx context.Context, p Pick) {
	if ctx.Err() != nil {
		j.gaveUp(ctx, p, nil)
		return
	}
	body, err := j.open(ctx, p.Layer.Name)
	if err != nil {
		j.gaveUp(ctx, p, err)
		return
	}
	defer body.Close()
	in := &input{ctx: ctx, r: j.pace.reader(body), budget: &budget{}}
	r := &receiver{restore: j, ctx: ctx, pick: p, labels: map[module.Version]bool{}, met: map[Member]bool{}}
	var frames sync.WaitGroup
	u := &unpacker{
		in: in, want: r.wants, take: r.frame, spoilt: r.spoilt,
		hold:  func(n int64) error { return j.held.Acquire(ctx, n) },
		letGo: j.held.Release,
		start: func(work func()) error {
			select {
			case j.slots <- struct{}{}:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			frames.Go(func() {
				defer func() { <-j.slots }()
				work()
			})
			return nil
		},
	}
	err = u.unpack()
	frames.Wait()
	j.mu.Lock()
	j.result.Bytes += in.budget.read.Load()
	j.mu.Unlock()
	if err == nil && ctx.Err() == nil {
		r.missing()
		j.mu.Lock()
		j.result.Layers++
		j.mu.Unlock()
		return
	}
	j.gaveUp(ctx, p, err)
}

func (j *restore) open(ctx context.Context, name string) (io.ReadCloser, error) {
	defer j.pace.watch()()
	e, err := j.Store.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	return j.Store.Open(ctx, e)
}

// gaveUp notes why a layer was not received whole: what ended the restore, if
// something did, else err.
func (j *restore) gaveUp(ctx context.Context, p Pick, err error) {
	err = cmp.Or(context.Cause(ctx), err)
	_, broken := errors.AsType[*damageError](err)
	gone := errors.Is(err, store.ErrNotFound)
	why := failure.Neutral(err.Error())
	switch {
	case gone:
		why = "a layer is gone from the store"
	case broken:
		why = "a layer cannot be read: " + why
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if gone || broken {
		j.result.Bad = append(j.result.Bad, p.Layer.Name)
	}
	if j.result.Err == nil {
		j.result.Reasons = append(j.result.Reasons, why)
	}
}

func (j *restore) reject(p Pick, name, why string, class failure.Class) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Contains(j.result.Bad, p.Layer.Name) {
		j.result.Bad = append(j.result.Bad, p.Layer.Name)
	}
	if len(j.result.Rejected) == mostRejected {
		return
	}
	j.result.Rejected = append(j.result.Rejected, Rejection{Layer: p.Layer.Name, Name: failure.Neutral(name), Why: failure.Neutral(why), Class: class})
}

// broke ends the restore for a reason of this machine. Too many open files are
// none: that passes, and what is left out is brought in another way.
func (j *restore) broke(err error) error {
	if failure.TooManyOpen(err) {
		return err
	}
	j.mu.Lock()
	if j.result.Err == nil {
		j.result.Err = err
	}
	j.mu.Unlock()
	j.stop(err)
	return err
}
