package fetch

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/layer"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/dir"
)

// Restore brings into the module cache what the cache has of the work list,
// verified, and asks no mirror. What the cache does not have is no failure.
func Restore(ctx context.Context, s *session.Session, rec *Recorder) *report.Result {
	j, res := begin(s, rec)
	defer j.close()
	ctx, end := j.limited(ctx)
	defer end()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if err := j.openModCache(); err != nil {
		return j.refused(res, err)
	}
	items, present, err := j.missing(ctx, nil)
	if err != nil {
		return j.refused(res, err)
	}
	res.Modules = present
	j.rec.expect(len(items))
	j.rec.enter(restoring)
	cached := j.lookup(ctx, items)
	if j.Store.Kind == store.Off {
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
func Save(ctx context.Context, s *session.Session, rec *Recorder) *report.Result {
	j, res := begin(s, rec)
	defer j.close()
	ctx, end := j.limited(ctx)
	defer end()
	if err := j.openModCache(); err != nil {
		return j.refused(res, err)
	}
	j.rec.enter(savingToStore)
	res.Cache.Store = j.Store.String()
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

func (j *job) save(ctx context.Context, res *report.Result, saved *report.Saved) error {
	if j.Store.Kind == store.Off {
		return errors.New("there is no cache to save to; choose one with --cache")
	}
	s, err := j.OpenStore()
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
	saver := &layer.Saver{Store: s, Cache: j.cache, List: j.List, Bad: bad, Trees: j.Values.Extract == "none" || j.Values.Extract == "used"}
	done, err := saver.Save(ctx, cached.index)
	if err != nil {
		return err
	}
	*saved = report.Saved{Index: done.Index, Layers: done.Layers, Kept: done.Kept, Compact: done.Compact,
		Files: done.Files, Bytes: done.Bytes, Reason: done.Reason, Failed: done.Fault}
	if d, ok := s.(*dir.Store); ok {
		removed, err := d.Prune(ctx, limits(j.Session))
		j.log("%d entries removed from the cache", len(removed))
		if err != nil && ctx.Err() == nil { // what was saved is saved
			res.Message = "what is old could not be removed from the cache: " + failure.Neutral(err.Error())
		}
	}
	return nil
}

// saveFix says what to do about a save that failed, "" where the error does.
func (j *job) saveFix(err error) string {
	const later = "the next job tries again"
	switch {
	case j.Store.Kind == store.Off, j.Store.Kind == store.Dir, errors.Is(err, store.ErrUnavailable):
		return ""
	case errors.Is(err, store.ErrDenied) && j.Store.Kind == store.GHA:
		return "jobs for pull requests from forks may only read; a job of the default branch saves for all"
	case errors.Is(err, store.ErrDenied):
		return "give the credentials of the job the right to read and write there"
	case failure.As(err).Class.Transport():
		return later + "; see that jobs may connect to the hosts of the cache"
	}
	return later
}

// limited bounds a run by --timeout.
func (j *job) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if j.Values.Timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, j.Values.Timeout,
		fmt.Errorf("the run was not complete after the %v of --timeout", j.Values.Timeout))
}

// openModCache opens the module cache for writing.
func (j *job) openModCache() error {
	var err error
	if err = j.Confined("the module cache", j.Env.Get("GOMODCACHE")); err != nil {
		return err
	}
	if j.cache, err = modcache.Open(j.Env.Get("GOMODCACHE")); err != nil {
		return err
	}
	j.cache.ModCacheRW = goenv.BoolFlag(j.Env.Get("GOFLAGS"), "modcacherw")
	return nil
}
