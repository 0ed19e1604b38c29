// Package relay is a module proxy in front of the mirrors of a session and its
// checksum database, for go commands that have no retry, no failover and no report of
// their own.
//
// Its main invariants: not a byte is answered before the whole file has the hash that
// go.sum or the database names; what the go command should ask elsewhere is a 404, and
// nothing else is; a name that the relay's settings call private is told to nobody,
// whatever the client says; and what a file costs upstream does not depend on how many
// ask for it.
package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/flight"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/relay/keep"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/sums"
)

// Options configure a relay. The zero value works.
type Options struct {
	// Log is told a line for every answer and every noteworthy event; nil means nobody
	// is.
	Log func(line string)
	// Waits is told what takes long, now and then while it does; nil means nobody is.
	Waits func(what string)
	// Keep is where files are kept, whose owner closes it after the relay; nil means a
	// directory of the relay's own beside the module cache.
	Keep *keep.Keep
	// Before is a relay whose place this one takes: what checksum databases told it is
	// known here as well. Nil means none.
	Before *Relay
	// Last is how many of the files and pages that were brought last the result has; 0
	// means 50,000.
	Last int
	// Once says that most zips are asked for once: those that were delivered are given up
	// until one is asked for again.
	Once bool
	// Now is the clock by which answers grow old; nil means the machine's.
	Now func() time.Time
	// Dir is where the relay makes a directory for what it keeps; "" means beside the
	// module cache.
	Dir string
}

// Relay answers as a module proxy. It is safe for concurrent use.
type Relay struct {
	s     *session.Session
	o     Options
	began time.Time
	ctx   context.Context // its own, which stop ends
	stop  context.CancelFunc

	shelf      shelf
	sums       *sums.Sums
	desk       *desk
	files      *flight.Group[request, brought]
	asks       *flight.Group[string, brought]
	pages      pages
	deliveries *deliveries

	answers atomic.Int64

	mu       sync.Mutex
	items    []*download.Item // the last ones, as a ring once it is full
	at       map[entry]int    // of an item in items
	findings []finding.Finding
	lost     int      // items that are not in the report
	passed   []string // what was passed on unverified, and why
}

// request is a file with the hash it must have.
type request struct {
	question
	want string
}

// brought is what became of an item.
type brought struct {
	it    *download.Item // nil where nothing had to be brought
	page  *download.Page // of a page
	err   error
	stale bool
	from  string // X-Cache of a file that came from no mirror; else ""
}

// Open opens a session for a relay, with all hashes of go.sum. A checkout that there
// is none of, or that cannot be read, is none: the go command will say so itself. The
// mirrors are the job's: a relay also says what @latest is, which is not the checkout's
// to decide.
func Open(v *settings.Values, env goenv.Env, o session.Options) (*session.Session, error) {
	all := *v
	all.Scope = "all"
	o.Stays = true
	if v.Offline {
		return session.OpenOffline(&all, env, o, session.OwnModCache(env)...)
	}
	return session.OpenJob(&all, env, o)
}

// New is a relay over a session of Open. It needs a place for files; the error says
// that there is none. No mirror is asked before the first question.
// The caller closes it.
func New(ctx context.Context, s *session.Session, o Options) (*Relay, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Last = cmp.Or(o.Last, mostItems)
	k := o.Keep
	if k == nil {
		var err error
		if k, err = ownKeep(s, o.Dir); err != nil {
			return nil, err
		}
	}
	d := &deliveries{underway: map[file]*delivery{}, gone: map[file]bool{}}
	r := &Relay{s: s, o: o, began: time.Now(), shelf: shelf{k, d}, deliveries: d, pages: pages{known: map[string]known{}}, at: map[entry]int{}}
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	r.ctx = ctx
	var err error
	if r.sums, err = sums.New(ctx, s, s.List.Modules); err != nil {
		if o.Keep == nil {
			err = errors.Join(err, k.Close())
		}
		return nil, err
	}
	if o.Before != nil {
		r.sums.Inherit(o.Before.sums)
		r.o.Before = nil // it is about to end
	}
	r.files, r.asks = flight.New[request, brought](ctx), flight.New[string, brought](ctx)
	r.desk = &desk{ctx: ctx, s: s, make: r.engine}
	return r, nil
}

// ownKeep makes a directory for files below dir, "" for beside the module cache.
func ownKeep(s *session.Session, dir string) (*keep.Keep, error) {
	if dir == "" {
		modcache := s.Env.Get("GOMODCACHE")
		if !filepath.IsAbs(modcache) {
			return nil, fmt.Errorf("GOMODCACHE: found %q, expected an absolute path", modcache)
		}
		if err := s.Confined("the module cache", modcache); err != nil {
			return nil, err
		}
		dir = filepath.Join(modcache, "cache", "modferry")
	}
	k, err := keep.Open(dir, keep.Options{})
	if err != nil {
		return nil, fmt.Errorf("make a directory for downloads: %w", err)
	}
	return k, nil
}

// help is how long a zip takes before a further request helps with it.
const help = 2 * time.Second

func (r *Relay) engine(c session.Chain) *download.Engine {
	o := download.Options{Began: r.began, Note: r.note, Help: help}
	if r.o.Log != nil {
		o.Log = func(format string, args ...any) { r.o.Log(fmt.Sprintf(format, args...)) }
	}
	return download.New(r.s, c, r.shelf, o)
}

// Close gives up what is under way and removes what was kept, unless that is somebody
// else's. Nobody may ask any more.
func (r *Relay) Close() error {
	r.stop()
	r.files.Close()
	r.asks.Close()
	r.sums.Close()
	r.desk.close()
	for _, h := range r.s.Chain.Hops {
		h.Close()
	}
	if r.o.Keep != nil {
		return nil
	}
	return r.shelf.Close()
}

// ServeHTTP answers a question of the module proxy protocol.
func (r *Relay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.answers.Add(1)
	if r.o.Log == nil {
		r.serve(w, req)
		return
	}
	seen := &answer{ResponseWriter: w}
	r.serve(seen, req)
	r.o.Log(fmt.Sprintf("%s %s: %d %s", req.Method, req.URL.Path, seen.status, w.Header().Get("X-Cache")))
}

func (r *Relay) serve(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		r.say(w, http.StatusMethodNotAllowed, "a module proxy answers GET and HEAD only")
		return
	}
	path := strings.TrimPrefix(req.URL.Path, "/")
	if rest, ok := strings.CutPrefix(path, "sumdb/"); ok {
		r.sumdb(w, req, rest)
		return
	}
	q, ok := parse(path)
	refused := r.s.Access.Refuses(q.v.Path)
	switch {
	case !ok:
		r.say(w, http.StatusNotFound, "no path of the module proxy protocol")
	case goenv.MatchPatterns(r.s.Access.NoProxy, q.v.Path):
		r.say(w, http.StatusNotFound, q.String()+": private: no mirror is asked for it")
	case refused != "":
		r.forbid(w, q, refused)
	case q.kind == report.KindZip || q.kind == report.KindMod:
		r.file(w, req, q)
	default:
		r.page(w, req, q)
	}
}

// mostFindings bounds what a result says about single modules.
const mostFindings = 1000

// note adds a finding to the result.
func (r *Relay) note(f finding.Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.findings) < mostFindings {
		r.findings = append(r.findings, f)
	}
}

// pass notes that a file was passed on unverified.
func (r *Relay) pass(q question, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.passed) < r.o.Last {
		r.passed = append(r.passed, q.String()+": "+why)
	}
}

var errNotFetched = errors.New("Disable-Module-Fetch: it is not here")
