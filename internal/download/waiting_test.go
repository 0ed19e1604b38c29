package download

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/session/sessiontest"
)

func TestProgressTellsWhatHasBeenWaitedForLongest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := sessiontest.Chain(t, session.FallbackPolicy, goenv.Direct, "https://a.example.test |", "https://b.example.test |")
		r := &Engine{asked: map[*Item]asked{}}
		old, young := &Item{Mod: module.Version{Path: "example.test/old", Version: "v1.0.0"}, Kind: "zip"}, &Item{}
		expect := func(want string) {
			t.Helper()
			if got := r.Waiting(); got != want {
				t.Errorf("waiting for %q, want %q", got, want)
			}
		}
		expect("")
		r.waiting(old, c.Hops[0], "")
		time.Sleep(tellAfter - time.Second)
		expect("")
		r.waiting(young, c.Hops[0], "")
		old.Record.Attempts = make([]report.Attempt, 2)
		r.waiting(old, c.Hops[1], failure.Refused)
		if got, want := r.retrying(), "(connection refused, 3rd try) example.test/old@v1.0.0"; got != want {
			t.Errorf("retrying %q, want %q", got, want)
		}
		time.Sleep(2 * time.Second)
		expect("example.test/old@v1.0.0 zip from https://b.example.test for 4 s")
		r.waiting(old, nil, "")
		if got := r.Waiting(); strings.Contains(got, "old") {
			t.Errorf("waiting for %q, which is there", got)
		}
	})
}
