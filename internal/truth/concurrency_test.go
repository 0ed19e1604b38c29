package truth

import (
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// together holds requests until n of them are in flight at a time, for ever if
// that never happens, and notes the most that ever were.
type together struct {
	mu       sync.Mutex
	n        int
	inFlight int
	peak     int
	reached  chan struct{} // closed when n are in flight
}

func newTogether(n int) *together { return &together{n: n, reached: make(chan struct{})} }

func (g *together) fault(w http.ResponseWriter, r *http.Request, next http.Handler) {
	g.mu.Lock()
	g.inFlight++
	if g.peak = max(g.peak, g.inFlight); g.inFlight == g.n && g.peak == g.n {
		select {
		case <-g.reached:
		default:
			close(g.reached)
		}
	}
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.inFlight--
	}()
	select {
	case <-g.reached:
		next.ServeHTTP(w, r)
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}

// most is the largest number that were in flight.
func (g *together) most() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.peak
}

// zipsAtATime says how many zips are under way at a time.
func zipsAtATime(id, says, leans, maxprocs, godebug string, want int) claim {
	return claim{id, says, leans, func(t *testing.T) string {
		f := mirrortest.Generate(t, 2*want, 0)
		zips := newTogether(want)
		s := serve(t, f, mirrortest.Always("*.zip", zips.fault))
		r := newJob(t, f, s.URL).set("GOMAXPROCS", maxprocs, "GODEBUG", godebug).run("mod", "download")
		return all(r.works(), equal("zips under way at a time", zips.most(), want))
	}}
}

// concurrencyClaims say how much is under way at a time.
func concurrencyClaims() []claim {
	const leans = "docs/mirrors.md (downloads at a time), internal/bench"
	claims := []claim{
		zipsAtATime("limited-by-cmdgonetlimit", "GODEBUG=cmdgonetlimit caps the requests under way", leans, "8", "cmdgonetlimit=2", 2),
		{"info-files-one-by-one", "go mod download asks for the .info files one by one", leans, func(t *testing.T) string {
			f := mirrortest.Generate(t, 12, 0)
			infos := newTogether(1)
			s := serve(t, f, mirrortest.Always("*.info", infos.fault))
			r := newJob(t, f, s.URL).set("GOMAXPROCS", "12").run("mod", "download")
			return all(r.works(), asked(s, "*.info", 12), equal(".info files under way at a time", infos.most(), 1))
		}},
	}
	for _, n := range []int{1, 2, 12} {
		claims = append(claims, zipsAtATime("zips-at-gomaxprocs-"+strconv.Itoa(n), "with GOMAXPROCS="+strconv.Itoa(n)+" go mod download has that many zips under way", leans, strconv.Itoa(n), "", n))
	}
	return claims
}
