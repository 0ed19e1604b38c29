// Package flight brings each thing once, however many ask for it at the same time.
//
// Its main invariant: whoever asks may leave at any time, and that takes nothing
// from the others.
package flight

import (
	"context"
	"errors"
	"sync"
)

// errLeft is why a flight was cancelled that nobody waited for any more.
var errLeft = errors.New("nobody waits for it any more")

// Group is the flights of a kind. It is safe for concurrent use.
type Group[K comparable, V any] struct {
	ctx  context.Context
	stop context.CancelCauseFunc
	wg   sync.WaitGroup

	mu      sync.Mutex
	flights map[K]*flight[V]
}

type flight[V any] struct {
	done    chan struct{}
	value   V // once done is closed
	waiting int
	cancel  context.CancelCauseFunc
}

// New is a group whose flights end with ctx. The caller closes it.
func New[K comparable, V any](ctx context.Context) *Group[K, V] {
	g := &Group[K, V]{flights: map[K]*flight[V]{}}
	g.ctx, g.stop = context.WithCancelCause(ctx)
	return g
}

// Close cancels the flights and waits for their end. Nobody may ask any more.
func (g *Group[K, V]) Close() {
	g.stop(errLeft)
	g.wg.Wait()
}

// Do joins the flight of the key, or begins one with bring, whose context ends with the
// group's and not with that of anybody who waits; it has the values of ctx. shared says that somebody else had begun
// it. When the last one leaves, the flight is cancelled unless worth says that it
// should go on; a nil worth lets it. The error is that ctx ended first.
func (g *Group[K, V]) Do(ctx context.Context, key K, bring func(context.Context) V, worth func() bool) (value V, shared bool, err error) {
	g.mu.Lock()
	f, shared := g.flights[key]
	if !shared {
		f = &flight[V]{done: make(chan struct{})}
		var flying context.Context
		flying, f.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
		closing := context.AfterFunc(g.ctx, func() { f.cancel(context.Cause(g.ctx)) })
		g.flights[key] = f
		g.wg.Go(func() {
			f.value = bring(flying)
			closing()
			f.cancel(nil)
			g.mu.Lock()
			g.forget(key, f)
			g.mu.Unlock()
			close(f.done)
		})
	}
	f.waiting++
	g.mu.Unlock()
	select {
	case <-f.done:
		return f.value, shared, nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if f.waiting--; f.waiting == 0 && worth != nil && !worth() {
		g.forget(key, f) // who asks now begins anew
		f.cancel(errLeft)
	}
	return value, shared, context.Cause(ctx)
}

func (g *Group[K, V]) forget(key K, f *flight[V]) {
	if g.flights[key] == f {
		delete(g.flights, key)
	}
}
