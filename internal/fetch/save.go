package fetch

import (
	"context"
	"errors"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/layer"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/dir"
)

// Save adds to the cache what the module cache has and the cache has not. That
// it could not is a reason in the result, and no failure: the job's own work
// is done.
func Save(ctx context.Context, s *session.Session, rec *Recorder) *report.Result {
	r, res := begin(s, rec)
	defer r.close()
	ctx, end := r.limited(ctx)
	defer end()
	if err := r.openModCache(); err != nil {
		return r.refused(res, err)
	}
	r.rec.enter(savingToStore)
	res.Cache.Store = r.Store.String()
	saved := &report.Saved{}
	res.Cache.Saved = saved
	err := r.save(ctx, res, saved)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		saved.Reason = "interrupted: " + failure.Neutral(context.Cause(ctx).Error())
		saved.Failed, res.Interrupted = true, true
	default:
		saved.Reason, saved.Fix = failure.Neutral(err.Error()), r.saveFix(err)
		saved.Failed = true
	}
	saved.MS = r.elapsed()
	r.fillChainless(res)
	res.Totals.MS = r.elapsed()
	return res
}

func (r *run) save(ctx context.Context, res *report.Result, saved *report.Saved) error {
	if r.Store.Kind == store.Off {
		return errors.New("there is no cache to save to; choose one with --cache")
	}
	s, err := r.OpenStore()
	if err != nil {
		return err
	}
	cached := r.newSaved()
	cached.store = s
	cached.find(ctx)
	res.Cache.Key, res.Cache.Hit = cached.info.Key, cached.info.Hit
	if cached.info.Reason != "" {
		// An index that cannot be read is replaced; a store that does not
		// answer would not take anything either.
		r.log("the index cannot be used: %s", cached.info.Reason)
	}
	bad, err := layer.Bad(r.cache.Dir())
	if err != nil {
		return err
	}
	need, optional, err := r.toSave(ctx)
	if err != nil {
		return err
	}
	saver := &layer.Saver{Store: s, Cache: r.cache, Key: cached.key, Need: need, Optional: optional, Bad: bad}
	done, err := saver.Save(ctx, cached.index)
	if err != nil {
		return err
	}
	*saved = report.Saved{Index: done.Index, Layers: done.Layers, Kept: done.Kept, Compact: done.Compact,
		Files: done.Files, Bytes: done.Bytes, Reason: done.Reason, Failed: done.Fault}
	if d, ok := s.(*dir.Store); ok {
		removed, err := d.Prune(ctx, limits(r.Session))
		r.log("%d entries removed from the cache", len(removed))
		if err != nil && ctx.Err() == nil { // what was saved is saved
			res.Message = "what is old could not be removed from the cache: " + failure.Neutral(err.Error())
		}
	}
	return nil
}

// toSave is what is saved: need is what the work list, or the imports, need, whole;
// optional is what else of the work list later steps have made the go command use,
// and what only graph commands read.
func (r *run) toSave(ctx context.Context) (need, optional layer.Sums, err error) {
	w := r.newWanted(&route{r: r}, nil)
	if err := w.look(ctx); err != nil {
		return nil, nil, err
	}
	need, optional = layer.Sums{}, layer.Sums{}
	for v, m := range w.modules {
		zip, mod := w.asked[layer.Member{Module: v, Kind: report.KindZip}], w.asked[layer.Member{Module: v, Kind: report.KindMod}]
		if zip {
			need.Add(v, m.Zip, "")
		} else if m.Zip != "" && r.cache.Extracted(v) {
			optional.Add(v, m.Zip, "")
		}
		if mod && !m.Optional {
			need.Add(v, "", m.Mod)
		} else {
			optional.Add(v, "", m.Mod)
		}
	}
	return need, optional, nil
}

// saveFix says what to do about a save that failed, "" where the error does.
func (r *run) saveFix(err error) string {
	const later = "the next job tries again"
	switch {
	case r.Store.Kind == store.Off, r.Store.Kind == store.Dir, errors.Is(err, store.ErrUnavailable):
		return ""
	case errors.Is(err, store.ErrDenied) && r.Store.Kind == store.GHA:
		return "jobs for pull requests from forks may only read; a job of the default branch saves for all"
	case errors.Is(err, store.ErrDenied):
		return "give the credentials of the job the right to read and write there"
	case failure.As(err).Class.Transport():
		return later + "; see that jobs may connect to the hosts of the cache"
	}
	return later
}
