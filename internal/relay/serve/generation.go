package serve

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/relay"
	"github.com/modferry/modferry/internal/relay/keep"
	"github.com/modferry/modferry/internal/relay/watch"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/store"
)

// generation is a relay over the settings as they were at a time. A reload makes the
// next one; what is kept passes from one to the other.
type generation struct {
	session *session.Session
	relay   *relay.Relay
	users   sync.WaitGroup // requests; added to under the server's mutex, while it is the current one
}

// open checks settings and opens a session over them.
func (s *Server) open(v *settings.Values) (*generation, error) {
	opened, err := s.o.Open(v, s.o.Session)
	if err != nil {
		return nil, err
	}
	if len(opened.Chain.Hops) == 0 {
		return nil, fmt.Errorf("GOPROXY: found %q, expected a mirror: a relay without one has nothing to answer with", opened.Configured.Redacted())
	}
	for _, f := range append(opened.About, opened.Findings...) {
		if f.Severity != finding.Info {
			s.o.Log.Warn(failure.Plain(f.Effect), "setting", f.Setting, "found", f.Found, "fix", f.Fix)
		}
	}
	return &generation{session: opened}, nil
}

// begin makes the relay.
func (g *generation) begin(ctx context.Context, s *Server) (err error) {
	o := relay.Options{Log: s.relayLog(), Keep: s.keep, Last: lastFiles}
	if s.current != nil {
		o.Before = s.current.relay
	}
	g.relay, err = relay.New(ctx, g.session, o)
	return err
}

// close waits for who still uses the generation.
func (g *generation) close(s *Server) {
	g.users.Wait()
	if err := g.relay.Close(); err != nil {
		s.o.Log.Warn(err.Error())
	}
}

// enter takes part in the current generation until users.Done.
func (s *Server) enter() *generation {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.current.users.Add(1)
	return s.current
}

// look takes over files that have changed: all of them, or none.
func (s *Server) look(ctx context.Context) {
	changed := s.files.changed()
	if len(changed) == 0 {
		return
	}
	err := s.reload(ctx)
	s.watch.Reloaded(err == nil, time.Now())
	if err != nil {
		s.o.Log.Error("changed files are not used, and everything stays as it was: "+failure.Plain(err.Error()), "files", changed)
		return
	}
	s.o.Log.Info("changed files are in use", "files", changed, "mirrors", s.chain())
}

func (s *Server) reload(ctx context.Context) error {
	v, err := s.o.Load()
	if err != nil {
		return err
	}
	g, err := s.open(v)
	if err != nil {
		return err
	}
	if err := s.secure(v); err != nil {
		return err
	}
	if err := g.begin(ctx, s); err != nil {
		return err
	}
	s.mu.Lock()
	before := s.current
	s.current = g
	s.mu.Unlock()
	s.files.follow(v)
	s.old.Go(func() { before.close(s) })
	return nil
}

// chain is the mirrors, redacted.
func (s *Server) chain() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current.session.Chain.List().Redacted()
}

// state is what metrics are read from.
func (s *Server) state() watch.State {
	if !s.ready() {
		return watch.State{}
	}
	now := watch.State{Keep: s.keep.Stats()}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, h := range s.current.session.Chain.Hops {
		now.Mirrors = append(now.Mirrors, watch.Mirror{Name: h.Name(), Up: !h.Health.Out()})
	}
	return now
}

// sharedStore opens the store behind the directory; nil for none.
func sharedStore(v *settings.Values, g *generation) (keep.Store, error) {
	if v.SharedStore == "" {
		return nil, nil
	}
	source := v.Sources["shared-store"]
	spec, err := store.Parse(v.SharedStore)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	if spec.Kind != store.Dir && spec.Kind != store.S3 {
		return nil, fmt.Errorf("%s: found %s, expected dir:PATH or s3://BUCKET/PREFIX: only these can be shared by servers", source, spec)
	}
	opened, err := g.session.OpenStoreOf(spec)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	return opened, nil
}
