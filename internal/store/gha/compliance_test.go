package gha_test

import (
	"net/http"
	"testing"

	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/gha"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
	"github.com/modferry/modferry/internal/store/storetest"
)

// served is a store together with the double behind it.
type served struct {
	*gha.Store
	server *ghatest.Server
}

func TestEveryServiceKeepsTheContractOfAStore(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		server ghatest.Options
		can    storetest.Options
	}{
		{"v2 of GitHub", ghatest.Options{}, storetest.Options{KeepsFailedNames: true}},
		{"v2 of Gitea", ghatest.Options{Like: ghatest.Gitea, Camel: true}, storetest.Options{KeepsFailedNames: true}},
		{"v2 without ranges and entity tags", ghatest.Options{NoRanges: true, NoETag: true}, storetest.Options{KeepsFailedNames: true}},
		{"v1 of an enterprise server", ghatest.Options{Protocol: "v1"}, storetest.Options{KeepsFailedNames: true}},
		{"v1 of act", ghatest.Options{Protocol: "v1", Like: ghatest.Act}, storetest.Options{TakesNamesAgain: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			start := func(t *testing.T, change func(o *gha.Options)) storetest.Store {
				server := ghatest.Start(t, tt.server)
				return served{open(t, server, func(o *gha.Options) {
					o.Segment, o.Block = 512*kib, 512*kib
					change(o)
				}), server}
			}
			o := tt.can
			o.Large = 12 * mib
			o.Through = func(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper) storetest.Store {
				return start(t, func(o *gha.Options) {
					o.Transport = wrap(o.Transport)
				})
			}
			o.Tamper = func(_ *testing.T, s storetest.Store, e store.Entry, data []byte) {
				s.(served).server.Change(e.Name, func([]byte) []byte { return data })
			}
			o.Lose = func(_ *testing.T, s storetest.Store, e store.Entry) { s.(served).server.Delete(e.Name) }
			storetest.Run(t, func(t *testing.T) storetest.Store { return start(t, func(*gha.Options) {}) }, o)
		})
	}
}
