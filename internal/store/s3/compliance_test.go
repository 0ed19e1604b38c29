package s3_test

import (
	"net/http"
	"testing"

	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/s3"
	"github.com/modferry/modferry/internal/store/storetest"
)

// served is a store together with the double behind it.
type served struct {
	*s3.Store
	d *double
}

func TestEveryServerKeepsTheContractOfAStore(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*double)
		can    storetest.Options
	}{
		{"a server like Amazon's", func(*double) {}, storetest.Options{}},
		{"a server that pages and has no ranges", func(d *double) { d.page, d.noRange = 3, true }, storetest.Options{}},
		// Without conditions, two writers of the same moment may both win.
		{"a server without conditional writes", func(d *double) { d.noCondition = 501 }, storetest.Options{TakesNamesAgain: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			open := func(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper) storetest.Store {
				d := newDouble(t)
				tt.change(d)
				base := http.DefaultTransport.(*http.Transport).Clone()
				t.Cleanup(base.CloseIdleConnections)
				return served{d.open(t, func(o *s3.Options) {
					o.Transport = wrap(base)
					o.PartSize, o.Segment = 1<<20, 512<<10
				}), d}
			}
			o := tt.can
			o.Large = 12 << 20
			o.Through = open
			o.Tamper = func(_ *testing.T, s storetest.Store, e store.Entry, data []byte) {
				s.(served).d.put(e.Name, string(data))
			}
			storetest.Run(t, func(t *testing.T) storetest.Store {
				return open(t, func(base http.RoundTripper) http.RoundTripper { return base })
			}, o)
		})
	}
}
