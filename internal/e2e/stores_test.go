package e2e

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/gha"
	"github.com/modferry/modferry/internal/store/s3"
	"github.com/modferry/modferry/internal/store/storetest"
)

// TestStoresOnServersThatWeDidNotWrite holds the stores to the suite that they
// all pass, in front of the counterparts.
func TestStoresOnServersThatWeDidNotWrite(t *testing.T) {
	for _, c := range counterparts {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.start(t, false) // to skip here and once, if so
			// Which counterpart is behind the store of a subtest.
			var behind sync.Map
			open := func(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper) storetest.Store {
				at := c.start(t, false)
				s := at.open(t, wrap(at.transport(t)))
				behind.Store(s, at)
				return s
			}
			at := func(s storetest.Store) *counterpart {
				at, _ := behind.Load(s)
				return at.(*counterpart)
			}
			storetest.Run(t, func(t *testing.T) storetest.Store {
				return open(t, func(rt http.RoundTripper) http.RoundTripper { return rt })
			}, storetest.Options{
				TakesNamesAgain:  c.takesNamesAgain,
				KeepsFailedNames: c.keepsFailedNames,
				Tick:             func(t *testing.T, s storetest.Store) { at(s).age(t) },
				Through:          open,
				Tamper: func(t *testing.T, s storetest.Store, e store.Entry, data []byte) {
					at(s).kept.write(t, e.Name, data)
				},
				Lose: func(t *testing.T, s storetest.Store, e store.Entry) {
					at(s).kept.write(t, e.Name, nil)
				},
			})
		})
	}
}

// transport is a transport for one test.
func (c *counterpart) transport(t *testing.T) *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// open opens the store as a job would; it does not really wait between
// attempts.
func (c *counterpart) open(t *testing.T, transport http.RoundTripper) storetest.Store {
	t.Helper()
	spec, err := store.Parse(c.cache)
	if err != nil {
		t.Fatal(err)
	}
	now := func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	var s storetest.Store
	switch spec.Kind {
	case store.GHA:
		s, err = gha.Open(gha.Options{
			Getenv: c.getenv, Protocol: spec.Protocol, Transport: transport, UserAgent: "modferry-e2e",
			Sleep: now,
		})
	case store.S3:
		s, err = s3.Open(s3.Options{Spec: spec, Getenv: c.getenv, Transport: transport, Sleep: now})
	default:
		t.Fatalf("no store of the kind %s here", spec.Kind)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}
