package relay

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/preflight"
	"github.com/modferry/modferry/internal/relay/child"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/store"
)

// Execution is what came of a command that ran with a relay.
type Execution struct {
	Code int // of the command, or what a shell says of one that it cannot run
	// Result is what was downloaded and restored. Idle says that this is nothing at all,
	// which few want to read.
	Result *report.Result
	Idle   bool
	Chain  session.Chain // that was chosen
	// Remarks say what kept the relay or the cache from helping.
	Remarks []string
}

// interrupted is the exit code of who was stopped before the command began.
const interrupted = 130

// Exec runs a command whose go commands, and those of its children, ask a relay on
// loopback over a session of Open. What the cache has of the checkout, with the scope
// of v, is restored before, and saved after a command that succeeds. A relay that
// cannot start is a remark: the command runs without. The error says that the command
// could not be started. ctx bounds what happens before the command, not the command.
func Exec(ctx context.Context, s *session.Session, v *settings.Values, c child.Command, o Options) (Execution, error) {
	x := Execution{Idle: true, Chain: preflight.Unprobed(s).Chain()}
	if v.Checkout.ProxyList() != "" || v.FromCheckout("mirrors") {
		x.Remarks = append(x.Remarks, "the mirrors that the checkout names are not asked: they would decide what @latest is")
	}
	cached := x.cached(s, v)
	restored := restore(ctx, cached)
	o.Once = true // into the module cache
	r, at, err := start(ctx, s, o)
	if err != nil {
		x.Remarks = append(x.Remarks, "without a relay: "+err.Error())
	}
	if err = ctx.Err(); err == nil {
		c.Env = slices.Concat(c.Env, environment(s, at))
		enough := r.tell()
		x.Code, err = child.Run(c)
		enough()
	} else {
		x.Code = interrupted
	}
	x.end(s, r, at)
	x.add(restored)
	x.Result.ExitCode = x.Code
	x.Result.Interrupted = x.Result.Interrupted || ctx.Err() != nil
	if cached != nil && x.Code == 0 && ctx.Err() == nil {
		saved := fetch.Save(ctx, cached, nil).Cache.Saved
		if saved.Failed {
			x.Remarks = append(x.Remarks, strings.TrimSuffix("nothing saved to the cache: "+saved.Reason+"; "+saved.Fix, "; "))
		}
	}
	return x, err
}

// often is how often it is told what takes long.
const often = 15 * time.Second

// tell tells what takes long until enough is called. A nil relay tells nothing.
func (r *Relay) tell() (enough func()) {
	if r == nil || r.o.Waits == nil {
		return func() {}
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		t := time.NewTicker(often)
		defer t.Stop()
		for {
			select {
			case <-t.C:
			case <-stop:
				return
			}
			if what := r.desk.waiting(); what != "" {
				r.o.Waits(what)
			}
		}
	})
	return func() {
		close(stop)
		wg.Wait()
	}
}

// environment is what the command's differs in; at is nil without a relay.
func environment(s *session.Session, at *Loopback) []string {
	var env []string
	for _, e := range s.Exports(session.Chain{}, false) {
		env = append(env, e.Name+"="+e.Value)
	}
	switch {
	case at != nil:
		env = append(env, "GOPROXY="+Proxy(s, at.URL))
	case s.Values.Offline:
		env = append(env, "GOPROXY=off")
	case s.Values.ProxyList() != "":
		env = append(env, "GOPROXY="+s.Chain.List().String())
	}
	if s.Values.Offline {
		// Private modules come from the directories as well, and neither version control
		// nor a database that GOSUMDB names by its URL is asked.
		env = append(env, "GONOPROXY=none", "GOVCS=*:off")
		if !s.SumDB.Off {
			env = append(env, "GOSUMDB="+s.SumDB.Key)
		}
	}
	return env
}

// start starts a relay, if there is a mirror that it can ask or a rule that it has to
// obey.
func start(ctx context.Context, s *session.Session, o Options) (*Relay, *Loopback, error) {
	if len(s.Chain.Hops) == 0 && len(s.Access.Rules) == 0 {
		return nil, nil, nil
	}
	r, err := New(ctx, s, o)
	if err != nil {
		return nil, nil, err
	}
	at, err := Listen(r)
	if err != nil {
		return nil, nil, errors.Join(err, r.Close())
	}
	s.Options.Secrets.Add(at.Secret)
	if s.Options.Mask != nil {
		s.Options.Mask(at.Secret)
	}
	return r, at, nil
}

// end ends a relay and takes its result; r is nil for none.
func (x *Execution) end(s *session.Session, r *Relay, at *Loopback) {
	if r == nil {
		x.Result = fetch.Nothing(s)
		return
	}
	if err := at.Close(); err != nil {
		x.Remarks = append(x.Remarks, err.Error())
	}
	x.Result, x.Chain, x.Idle = r.Result(), r.desk.chain(), r.Answers() == 0
	if err := r.Close(); err != nil {
		x.Remarks = append(x.Remarks, "remove what the relay kept: "+err.Error())
	}
}

// cached opens the session of the cache, nil for none: its scope is that of what is
// restored, where a relay knows all hashes.
func (x *Execution) cached(s *session.Session, v *settings.Values) *session.Session {
	if s.Store.Kind == store.Off || s.Store.Kind == "" || len(s.List.Modules) == 0 {
		return nil
	}
	cached, err := session.Open(v, s.Env, s.Options)
	if err != nil {
		x.Remarks = append(x.Remarks, "without the cache: "+err.Error())
		return nil
	}
	if _, err := cached.OpenStore(); errors.Is(err, store.ErrUnavailable) && strings.HasPrefix(v.Sources["cache"], "default") {
		return nil // nobody asked for it: a run: step of GitHub has none
	}
	return cached
}

func restore(ctx context.Context, cached *session.Session) *report.Result {
	if cached == nil {
		return nil
	}
	return fetch.Restore(ctx, cached, nil)
}

// add puts what was restored into the result.
func (x *Execution) add(restored *report.Result) {
	if restored == nil {
		return
	}
	if restored.Cache.Files > 0 || len(restored.Cache.Rejected) > 0 {
		x.Idle = false
	}
	x.Result.Cache = restored.Cache
	for _, m := range restored.Modules {
		if m.Source == report.FromCache {
			x.Result.Modules = append(x.Result.Modules, m)
		}
	}
	for _, f := range restored.Findings {
		if !slices.Contains(x.Result.Findings, f) {
			x.Result.Findings = append(x.Result.Findings, f)
		}
	}
	ms, bytes := x.Result.Totals.MS, x.Result.Totals.Bytes+restored.Totals.Bytes
	report.Aggregate(x.Result)
	x.Result.Totals.MS, x.Result.Totals.Bytes = ms, bytes
}

// Proxy is the GOPROXY for clients of a relay at a URL, which stands for all mirrors
// of the chain.
func Proxy(s *session.Session, url string) string {
	if s.Chain.End == goenv.Direct {
		return url + ",direct"
	}
	return url
}
