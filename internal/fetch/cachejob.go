package fetch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/layer"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/dir"
)

// Restore brings into the module cache what the cache has of the work list,
// verified, and asks no mirror. What the cache does not have is no failure.
func (j *Job) Restore(ctx context.Context) *report.Result {
	res := j.newResult()
	defer j.close()
	ctx, end := j.limited(ctx)
	defer end()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if err := j.openModCache(); err != nil {
		return j.refuse(res, err)
	}
	items, present, err := j.missing(ctx, nil)
	if err != nil {
		return j.refuse(res, err)
	}
	res.Modules = present
	j.total.Store(int64(len(items)))
	j.phase.Store("restoring")
	cached := j.lookup(ctx, items)
	if j.spec.Kind == store.Off {
		cached.info.Reason = "there is no cache to restore from; choose one with --cache"
	}
	covered, rest := cached.apart(items)
	cached.restore(ctx, func(fe *failure.Error) { stop(fe) })
	rest = append(rest, cached.wait(covered)...)
	items = slices.DeleteFunc(items, func(it *item) bool { return it.rec.Source == "" })
	j.fillChainless(res)
	j.collect(res, items)
	cached.conclude(res)
	j.conclude(ctx, res)
	if n := countFiles(rest); res.Outcome == report.OK && n > 0 {
		res.Message = fmt.Sprintf("%s not in the cache; modferry fetch brings what is missing", filesAre(n))
	}
	return res
}

func countFiles(items []*item) int {
	n := 0
	for _, it := range items {
		if it.kind != kindInfo {
			n++
		}
	}
	return n
}

func filesAre(n int) string {
	if n == 1 {
		return "1 file is"
	}
	return fmt.Sprintf("%d files are", n)
}

// Save adds to the cache what the module cache has and the cache has not. That
// it could not is a reason in the result, and no failure: the job's own work
// is done.
func (j *Job) Save(ctx context.Context) *report.Result {
	res := j.newResult()
	defer j.close()
	ctx, end := j.limited(ctx)
	defer end()
	if err := j.openModCache(); err != nil {
		return j.refuse(res, err)
	}
	j.phase.Store("saving")
	res.Cache.Store = j.spec.String()
	saved := &report.Saved{}
	res.Cache.Saved = saved
	err := j.save(ctx, res, saved)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		saved.Reason = "interrupted: " + failure.Neutral(context.Cause(ctx).Error())
		saved.Failed, res.Interrupted = true, true
	default:
		saved.Reason, saved.Fix = failure.Neutral(err.Error()), j.saveFix(err)
		saved.Failed = true
	}
	saved.MS = j.elapsed()
	j.fillChainless(res)
	res.Totals.MS = j.elapsed()
	return res
}

func (j *Job) save(ctx context.Context, res *report.Result, saved *report.Saved) error {
	if j.spec.Kind == store.Off {
		return errors.New("there is no cache to save to; choose one with --cache")
	}
	s, err := j.openStore()
	if err != nil {
		return err
	}
	cached := j.newSaved()
	cached.store = s
	cached.find(ctx)
	res.Cache.Key, res.Cache.Hit = cached.info.Key, cached.info.Hit
	if cached.info.Reason != "" {
		// An index that cannot be read is replaced; a store that does not
		// answer would not take anything either.
		j.log("the index cannot be used: %s", cached.info.Reason)
	}
	bad, err := layer.Bad(j.cache.Dir())
	if err != nil {
		return err
	}
	saver := &layer.Saver{Store: s, Cache: j.cache, List: j.list, Bad: bad, Trees: j.values.Extract == "none" || j.values.Extract == "used"}
	done, err := saver.Save(ctx, cached.index)
	if err != nil {
		return err
	}
	*saved = report.Saved{Index: done.Index, Layers: done.Layers, Kept: done.Kept, Compact: done.Compact,
		Files: done.Files, Bytes: done.Bytes, Reason: done.Reason, Failed: done.Fault}
	if d, ok := s.(*dir.Store); ok {
		removed, err := d.Prune(ctx, j.limits())
		j.log("%d entries removed from the cache", len(removed))
		if err != nil && ctx.Err() == nil { // what was saved is saved
			res.Message = "what is old could not be removed from the cache: " + failure.Neutral(err.Error())
		}
	}
	return nil
}

// saveFix says what to do about a save that failed, "" where the error does.
func (j *Job) saveFix(err error) string {
	const later = "the next job tries again"
	switch {
	case j.spec.Kind == store.Off, j.spec.Kind == store.Dir, errors.Is(err, store.ErrUnavailable):
		return ""
	case errors.Is(err, store.ErrDenied) && j.spec.Kind == store.GHA:
		return "jobs for pull requests from forks may only read; a job of the default branch saves for all"
	case errors.Is(err, store.ErrDenied):
		return "give the credentials of the job the right to read and write there"
	case failure.As(err).Class.Transport():
		return later + "; see that jobs may connect to the hosts of the cache"
	}
	return later
}

// limits are how much a directory may keep for how long.
func (j *Job) limits() dir.Limits {
	return dir.Limits{Bytes: j.values.CacheMaxSize, Age: j.values.CacheMaxAge}
}

// Keeper is a store whose entries can be listed and removed.
type Keeper interface {
	layer.Store
	List(ctx context.Context, prefix string) ([]store.Entry, error)
	Delete(ctx context.Context, e store.Entry) error
}

// PrepareCache prepares a job that only lists or prunes the cache; it needs no
// checkout.
func PrepareCache(v *settings.Values, env goenv.Env, o Options) (*Job, error) {
	j, err := prepare(v, env, o)
	if err != nil {
		return nil, sourced(err, env)
	}
	if err := j.readSpec(); err != nil {
		return nil, err
	}
	if j.spec.Kind == store.Off {
		return nil, errors.New("there is no cache; name one with --cache dir:PATH or --cache s3://BUCKET/PREFIX?endpoint=https://HOST")
	}
	return j, nil
}

// keeper opens a store that can be tidied.
func (j *Job) keeper() (Keeper, error) {
	s, err := j.openStore()
	if err != nil {
		return nil, err
	}
	k, ok := s.(Keeper)
	if !ok {
		return nil, errors.New("a job cannot list or remove what GitHub's cache service keeps, and GitHub removes what is not used for a week; " +
			"gh cache list --key modferry- and gh cache delete do it for a person")
	}
	return k, nil
}

// List returns the entries of the cache, newest first. The error is for the
// user to act on.
func (j *Job) List(ctx context.Context) ([]store.Entry, error) {
	defer j.close()
	k, err := j.keeper()
	if err != nil {
		return nil, err
	}
	return k.List(ctx, layer.NamePrefix)
}

// Prune removes from the cache what is older or more than the settings allow
// and returns what it removed. What was used last goes last; a store that does
// not tell goes by the time of creation.
func (j *Job) Prune(ctx context.Context) ([]store.Entry, error) {
	defer j.close()
	k, err := j.keeper()
	if err != nil {
		return nil, err
	}
	if d, ok := k.(*dir.Store); ok {
		return d.Prune(ctx, j.limits())
	}
	entries, err := k.List(ctx, layer.NamePrefix)
	if err != nil {
		return nil, err
	}
	var removed []store.Entry
	var kept int64
	for _, e := range entries {
		kept += e.Size
		old := j.values.CacheMaxAge > 0 && time.Since(e.Created) > j.values.CacheMaxAge
		if big := j.values.CacheMaxSize > 0 && kept > j.values.CacheMaxSize; !old && !big {
			continue
		}
		kept -= e.Size
		if err := k.Delete(ctx, e); err != nil {
			return removed, err
		}
		removed = append(removed, e)
	}
	return removed, nil
}

// limited bounds a run by --timeout.
func (j *Job) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if j.values.Timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, j.values.Timeout,
		fmt.Errorf("the run was not complete after the %v of --timeout", j.values.Timeout))
}

// openModCache opens the module cache for writing.
func (j *Job) openModCache() error {
	var err error
	if err = j.confined("the module cache", j.env.Get("GOMODCACHE")); err != nil {
		return err
	}
	if j.cache, err = modcache.Open(j.env.Get("GOMODCACHE")); err != nil {
		return err
	}
	j.cache.ModCacheRW = goenv.BoolFlag(j.env.Get("GOFLAGS"), "modcacherw")
	return nil
}
