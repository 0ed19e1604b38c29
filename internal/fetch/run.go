package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/outside"
	"github.com/modferry/modferry/internal/preflight"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/worklist"
)

// Run brings what is missing into the module cache. The result is complete
// whatever happens, also when ctx is cancelled meanwhile; beside it is the chain
// that was chosen, for session.Exports. rec follows the run; nil for nobody.
func Run(ctx context.Context, s *session.Session, rec *Recorder) (*report.Result, session.Chain) {
	r, res := begin(s, rec)
	return r.bring(ctx, res, r.named(nil))
}

// bring brings what is missing of the list of the run, and what find finds beyond it.
func (r *run) bring(ctx context.Context, res *report.Result, find search) (*report.Result, session.Chain) {
	defer r.close()
	ctx, end := r.limited(ctx)
	defer end()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	if err := r.openModCache(); err != nil {
		return r.refuse(res, err)
	}
	found, err := r.beyond(ctx, find)
	if err != nil {
		return r.refuse(res, err)
	}
	r.rec.enter(lookingAtCache)
	d := &downloads{r: r, ctx: ctx, stop: stop}
	t := &route{r: r, download: d.add}
	w := r.newWanted(t, found)
	d.wanted = w
	if r.Store.Kind == store.Off || len(r.List.Modules) == 0 {
		t.decide(nil)
	}
	if r.List.Bare != "" {
		r.rec.note(finding.Finding{
			Check: "scope-build", Severity: finding.Info, File: r.List.Bare, Found: "no Go files",
			Effect: "Nothing tells which packages will be built, so every module that go.mod requires is downloaded, as with --scope build.",
		})
	}
	if err := w.look(ctx); err != nil {
		stop(err)
		d.wait()
		return r.refuse(res, err)
	}
	cached := r.newSaved()
	if !t.empty() {
		r.rec.enter(restoring)
		if err := r.restore(ctx, w, t, cached, stop); err != nil {
			return r.refuse(res, err)
		}
	}
	d.wait()
	if refused := w.refused(); !refused && w.complete() {
		if err := w.known.remember(w.all()); err != nil {
			r.log("what imports need could not be remembered: %v", err)
		}
	}

	r.rec.enter(finishing)
	chosen := preflight.Unprobed(r.Session)
	chosen.Reasons = nil // nothing was measured
	items := w.brought()
	if p := d.p; p != nil {
		defer p.End()
		chosen = p.Final(slices.ContainsFunc(items, func(it *download.Item) bool { return it.Record.Source == report.FromFailed || it.Record.Source == "" }))
		res.SumDB = p.Database()
	}
	if found != nil && found.SumDB != nil {
		res.SumDB = found.SumDB
	}
	res.Modules = w.present
	res.Totals.Imported, res.Totals.Required = w.zips()
	cached.conclude(res) // notes findings, which fill collects
	for _, f := range r.List.CheckGoMods(r.readGoMod) {
		r.rec.note(f)
	}
	r.fill(res, chosen, r.refusals(chosen)...)
	r.collect(res, items)
	toolchains(res.Modules)
	r.conclude(ctx, res)
	return res, chosen.Chain()
}

// project is what is known of the checkout; nil for nothing.
func project(s *session.Session) *report.Project {
	for _, m := range s.List.Mains {
		if m.Path != "" {
			return &report.Project{Module: m.Path}
		}
	}
	return nil
}

// restore brings what layers have of what is wanted.
func (r *run) restore(ctx context.Context, w *wanted, t *route, cached *saved, stop context.CancelCauseFunc) error {
	items, err := w.may(ctx)
	if err != nil {
		return err
	}
	cached.lookup(ctx, items)
	cached.taken = func(it *download.Item) {
		if err := w.ended(ctx, it); err != nil {
			stop(err)
		}
	}
	held := cached.covered()
	for _, it := range held {
		it.Read = w.scoped // by the job that saved it
	}
	t.decide(held)
	cached.restore(ctx, stop)
	t.restored()
	return nil
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

// run is one run over a session.
type run struct {
	*session.Session
	List  *worklist.List // what is wanted of the session's
	rec   *Recorder
	cache *modcache.Cache // nil for a run without
	found *outside.Found  // beyond the list; nil for nothing
	began time.Time
	// planning says that nothing is to be written: what is here is taken as it is.
	planning bool
}

// begin begins a run and its result.
func begin(s *session.Session, rec *Recorder) (*run, *report.Result) {
	if rec == nil {
		rec = new(Recorder)
	}
	rec.begin()
	r := &run{Session: s, List: s.List, rec: rec, began: time.Now()}
	return r, &report.Result{
		Schema: report.Schema, Tool: r.Options.Tool, Started: r.began.UTC().Format(time.RFC3339), Outcome: report.OK,
		Machine:  &report.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.GOMAXPROCS(0)},
		Project:  project(s),
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
