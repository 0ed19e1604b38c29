package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/preflight"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// Run brings what is missing into the module cache. The result is complete
// whatever happens, also when ctx is cancelled meanwhile; beside it is the chain
// that was chosen, for session.Exports. rec follows the run; nil for nobody.
func Run(ctx context.Context, s *session.Session, rec *Recorder) (*report.Result, session.Chain) {
	r, res := begin(s, rec)
	defer r.close()
	ctx, end := r.limited(ctx)
	defer end()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	if err := r.openModCache(); err != nil {
		return r.refuse(res, err)
	}
	r.rec.enter(lookingAtCache)
	var p *preflight.Probes
	var once sync.Once
	items, present, err := r.missing(ctx, func(it *download.Item) {
		if !r.Values.NoProbe && len(r.Access.Route(r.Chain, it.Mod.Path)) > 0 {
			once.Do(func() { p = preflight.Start(ctx, s) })
		}
	})
	if p != nil {
		defer p.End()
		r.rec.probing(p)
	}
	if err != nil {
		return r.refuse(res, err)
	}
	res.Modules = present
	r.rec.expect(len(items))

	r.rec.enter(restoring)
	cached := r.lookup(ctx, items)
	covered, rest := cached.apart(items)
	cached.restore(ctx, stop)
	r.rec.did(len(items)-len(covered)-len(rest), 0)

	// What no layer has need not wait for the layers, and what one may have
	// need not wait for a mirror.
	fetch := func(items []*download.Item) {
		if len(items) > 0 {
			c := r.earlyChain(p)
			r.rec.enter(fetching)
			r.fetch(ctx, c, p, items, stop)
		}
	}
	fetch(rest)
	fetch(cached.wait(covered))

	r.rec.enter(finishing)
	chosen := preflight.Unprobed(s)
	chosen.Reasons = nil // nothing was measured
	if p != nil {
		chosen = p.Final(slices.ContainsFunc(items, func(it *download.Item) bool { return it.Record.Source == report.FromFailed || it.Record.Source == "" }))
		res.SumDB = p.Database()
	}
	cached.conclude(res) // notes findings, which fill collects
	for _, f := range r.List.CheckGoMods(r.readGoMod) {
		r.rec.note(f)
	}
	r.fill(res, chosen, r.refusals(chosen)...)
	r.collect(res, items)
	r.conclude(ctx, res)
	return res, chosen.Chain()
}

// earlyChain is the chain that the fetch begins with; p is nil without a
// preflight.
func (r *run) earlyChain(p *preflight.Probes) session.Chain {
	if p == nil {
		return preflight.Unprobed(r.Session).Chain()
	}
	r.rec.enter(probingMirrors)
	c := p.Early()
	r.log("chain chosen for the fetch: %s", c.List().Redacted())
	return c
}

// fetch brings items from mirrors. What the probes still say, p being nil for
// none, changes the order for those that are not begun.
func (r *run) fetch(ctx context.Context, c session.Chain, p *preflight.Probes, items []*download.Item, stop context.CancelCauseFunc) {
	e := download.New(r.Session, c, r.cache, download.Options{Began: r.began, Note: r.rec.note, Log: r.log})
	defer e.Close()
	if p != nil {
		defer p.Follow(e.SetChain)()
	}
	q := e.Queue(items)
	r.rec.follow(q)
	defer r.rec.follow(nil)
	if err := q.Run(ctx); err != nil {
		stop(err)
	}
}

// run is one run over a session.
type run struct {
	*session.Session
	rec   *Recorder
	cache *modcache.Cache // nil for a run without
	began time.Time
}

// begin begins a run and its result.
func begin(s *session.Session, rec *Recorder) (*run, *report.Result) {
	if rec == nil {
		rec = new(Recorder)
	}
	rec.begin()
	r := &run{Session: s, rec: rec, began: time.Now()}
	return r, &report.Result{
		Schema: report.Schema, Tool: r.Options.Tool, Started: r.began.UTC().Format(time.RFC3339), Outcome: report.OK,
		Machine:  &report.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.GOMAXPROCS(0)},
		Settings: r.Effective(), Cache: report.Cache{Store: "off", Hit: "off"},
		StatusCodes: map[string]map[string]int{},
	}
}

// limited bounds a run by --timeout.
func (r *run) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.Values.Timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, r.Values.Timeout,
		fmt.Errorf("the run was not complete after the %v of --timeout", r.Values.Timeout))
}

// openModCache opens the module cache for writing.
func (r *run) openModCache() error {
	var err error
	if err = r.Confined("the module cache", r.Env.Get("GOMODCACHE")); err != nil {
		return err
	}
	if r.cache, err = modcache.Open(r.Env.Get("GOMODCACHE")); err != nil {
		return err
	}
	r.cache.ModCacheRW = goenv.BoolFlag(r.Env.Get("GOFLAGS"), "modcacherw")
	return nil
}

// refuse ends a run that this machine does not allow.
func (r *run) refuse(res *report.Result, err error) (*report.Result, session.Chain) {
	r.fill(res, preflight.AsConfigured(r.Session))
	res.Outcome, res.Message = report.Settings, err.Error()
	if errors.Is(err, context.Canceled) {
		res.Outcome, res.Interrupted = report.Incomplete, true
	}
	return res, r.Chain
}

// refused is refuse for a run that chooses no chain.
func (r *run) refused(res *report.Result, err error) *report.Result {
	res, _ = r.refuse(res, err)
	return res
}

// log tells of an event, for --verbose.
func (r *run) log(format string, args ...any) {
	if r.Options.Log != nil {
		r.Options.Log(fmt.Sprintf(format, args...))
	}
}

func (r *run) close() {
	for _, h := range r.Chain.Hops {
		h.Close()
	}
	if r.cache != nil {
		if err := r.cache.Close(); err != nil {
			r.log("remove temporary files: %v", err)
		}
	}
}

func byModule(a, b report.Module) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Version, b.Version), -cmp.Compare(a.Kind, b.Kind))
}
