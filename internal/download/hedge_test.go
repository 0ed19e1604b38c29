package download_test

import (
	"testing"
	"time"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

func TestASlowFirstByteIsHedged(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 30, 100)
	late := f.Versions()[29]
	slow := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*/m029/@v/*.mod", mirrortest.SlowFirstByte(never))}})
	spare := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.NoProbe = true
	b.Values.Concurrency = 2 // so that waiting times are known before the last go.mod's turn
	b.Values.FirstByteTimeout = time.Minute
	b.Options.Hedge = time.Second
	r := b.Run(slow.URL + "|" + spare.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	b.Complete()
	for _, m := range r.Modules {
		if m.Path == late.Path && m.Kind == report.KindMod {
			if n := len(m.Attempts); m.Mirror != spare.URL || n != 1 || !m.Attempts[0].Hedge {
				t.Errorf("the slow file came from %s with %+v, want a hedge at %s", m.Mirror, m.Attempts, spare.URL)
			}
		}
	}
}
