package layer

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/store"
)

// parallelLayers is how many layers are received at a time.
const parallelLayers = 4

// mostRejected is how many rejections are told: a hostile archive has room for
// many.
const mostRejected = 1000

// Restorer brings members of layers into a module cache.
type Restorer struct {
	Store Store
	Cache *modcache.Cache
	// Sums are the h1 hashes that the members must have; a member without one
	// is not taken. Those of "info" members are "".
	Sums map[Member]string
	// Extract says whose trees are wanted, too; nil means nobody's.
	Extract func(Member) bool
	// Stall and Floor bound what is waited for, as in pace.
	Stall time.Duration
	Floor int64
	// Now is the clock of Floor; nil means time.Now.
	Now func() time.Time
	// Taken is called for each member that is in its place, from any goroutine;
	// nil means nobody is told.
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
	Name  string // "zip of example.test/m@v1.0.0", or as found in the archive, neutralised
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
	j := &restore{Restorer: r, result: &Restored{Members: map[Member]int64{}}, slots: make(chan struct{}, runtime.GOMAXPROCS(0)+1)}
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
	j.puts.Wait()
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
	slots chan struct{} // members between unpacking and being placed
	puts  sync.WaitGroup

	mu     sync.Mutex
	result *Restored
}

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
	open := maps.Clone(p.Take)
	in := &counter{r: j.pace.reader(body)}
	err = unpack(ctx, in,
		func(m Member) bool {
			if _, listed := p.Layer.Members[m]; !listed {
				j.reject(p, m.String(), "the index does not list it", failure.WrongContent)
				return false
			}
			_, summed := j.Sums[m]
			return open[m] && summed
		},
		func(m Member, size int64, r io.Reader) error {
			delete(open, m)
			return j.take(ctx, p, m, size, r)
		},
		func(x rejection) { j.reject(p, x.Name, x.Why, failure.WrongContent) })
	j.mu.Lock()
	j.result.Bytes += in.n
	j.mu.Unlock()
	if err != nil {
		j.gaveUp(ctx, p, err)
		return
	}
	for _, m := range slices.SortedFunc(maps.Keys(open), Member.compare) {
		if _, summed := j.Sums[m]; summed {
			j.reject(p, m.String(), "the index lists it, but it is not there", failure.WrongContent)
		}
	}
	j.mu.Lock()
	j.result.Layers++
	j.mu.Unlock()
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
	var broken *archiveError
	gone := errors.Is(err, store.ErrNotFound)
	if gone {
		err = errors.New("a layer is gone from the store")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if gone || errors.As(err, &broken) {
		j.result.Bad = append(j.result.Bad, p.Layer.Name)
	}
	if j.result.Err == nil {
		j.result.Reasons = append(j.result.Reasons, failure.Neutral(err.Error()))
	}
}

func (j *restore) reject(p Pick, name, why string, class failure.Class) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.result.Bad = append(j.result.Bad, p.Layer.Name)
	if len(j.result.Rejected) == mostRejected {
		return
	}
	j.result.Rejected = append(j.result.Rejected, Rejection{Layer: p.Layer.Name, Name: failure.Neutral(name), Why: failure.Neutral(why), Class: class})
}

// take reads one member and hands it to the module cache. Its error is about
// this machine and ends the restore.
func (j *restore) take(ctx context.Context, p Pick, m Member, size int64, body io.Reader) error {
	select {
	case j.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	put, err := j.receive(ctx, m, body)
	if err != nil {
		<-j.slots
		return err
	}
	j.puts.Go(func() {
		defer func() { <-j.slots }()
		j.placed(p, m, size, put())
	})
	return nil
}

// receive reads a member to where the module cache can take it from; the
// function it returns verifies it and puts it in its place.
func (j *restore) receive(ctx context.Context, m Member, body io.Reader) (func() error, error) {
	if m.Kind == kindInfo {
		data, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		return func() error { return j.Cache.PutInfo(ctx, m.Module, data) }, nil
	}
	tmp, err := j.Cache.Temp()
	if err != nil {
		return nil, j.broke(err)
	}
	if _, err := io.Copy(tmp, body); err != nil {
		tmp.Close()
		os.Remove(tmp.Name())
		var path *os.PathError
		if errors.As(err, &path) {
			err = j.broke(&failure.Error{Class: failure.Classify(err), Op: "write " + m.Module.String(), Err: err})
		}
		return nil, err
	}
	if m.Kind == kindMod {
		return func() error { return j.Cache.PutMod(ctx, m.Module, j.Sums[m], tmp) }, nil
	}
	o := modcache.PutOptions{Extract: j.Extract != nil && j.Extract(m), Parallel: runtime.GOMAXPROCS(0)}
	return func() error { return j.Cache.PutZip(ctx, m.Module, j.Sums[m], tmp, o) }, nil
}

func (j *restore) placed(p Pick, m Member, size int64, err error) {
	var tree *modcache.ExtractError
	if errors.As(err, &tree) {
		j.mu.Lock()
		j.result.Trees = append(j.result.Trees, tree)
		j.mu.Unlock()
		err = nil
	}
	if err == nil {
		j.mu.Lock()
		j.result.Members[m] = size
		j.mu.Unlock()
		if j.Taken != nil {
			j.Taken(m, size)
		}
		return
	}
	switch fe := failure.As(err); fe.Class {
	case failure.HashMismatch, failure.WrongContent, failure.UnsafeZip, failure.TooLarge:
		why := fe.Class.Title()
		if fe.Detail != "" {
			why += ": " + fe.Detail
		}
		j.reject(p, m.String(), why, fe.Class)
	case failure.Cancelled:
	default:
		if failure.TooManyOpen(j.broke(fe)) {
			j.mu.Lock()
			j.result.Reasons = append(j.result.Reasons, failure.Neutral(fe.Error()))
			j.mu.Unlock()
		}
	}
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

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
