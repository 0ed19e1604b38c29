package sums

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/flight"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/session"
)

// Database is a checksum database of a session, asked where the go command would
// ask it: through the first mirror that serves it, else itself. What it says is not
// verified here. It is safe for concurrent use.
type Database struct {
	s  *session.Session
	of goenv.SumDB
	// aside says that it answers for modules whose names no public mirror is told.
	aside bool
	reads *flight.Group[string, read]

	mu    sync.Mutex
	at    *download.Engine                  // of the one place that is asked; nil while it is not known
	hop   *session.Hop                      // the mirror there; nil for the database itself
	own   *download.Engine                  // of the database itself, for names that are kept from the mirror
	below string                            // the path of the database there
	left  map[*session.Hop]time.Time        // mirrors that it was not to be had from, and until when they are passed over
	by    map[*session.Hop]*download.Engine // of all places so far
	self  *session.Hop                      // the database itself, once it was looked for there
	again time.Time                         // when to look for it again, after it was not found
	lost  error                             // why it was not
	pages map[string][]byte
	size  int
}

type read struct {
	body []byte
	err  error
}

const (
	// mostPages bounds the memory for what the database said. A tile has 8 KiB, and a
	// build with a thousand new modules needs some hundred of them.
	mostPages = 64 << 20
	// largest is far more than any tile or record has.
	largest = 1 << 20
	// lookAgain is how long a database that was not found is not looked for.
	lookAgain = 10 * time.Second
	// mostWait bounds how long it is looked for.
	mostWait = 20 * time.Second
)

func newDatabase(ctx context.Context, s *session.Session, of goenv.SumDB, aside bool) *Database {
	return &Database{s: s, of: of, aside: aside, reads: flight.New[string, read](ctx), pages: map[string][]byte{},
		left: map[*session.Hop]time.Time{}, by: map[*session.Hop]*download.Engine{}}
}

// Name is the name in the paths below a mirror.
func (d *Database) Name() string { return d.of.Name }

func (d *Database) close() {
	d.reads.Close()
	for _, e := range d.by {
		e.Close()
	}
	if d.self != nil {
		d.self.Close()
	}
}

// engine asks at a place, through its hops.
func (d *Database) engine(hops ...*session.Hop) *download.Engine {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.by[hops[0]]
	if e == nil {
		e = download.New(d.s, session.Chain{Hops: hops, End: goenv.Mirror}, nil, download.Options{})
		d.by[hops[0]] = e
	}
	return e
}

// Supported says whether the database can be asked; nil means that it can.
func (d *Database) Supported(ctx context.Context) error {
	got, _, err := d.reads.Do(ctx, "/supported", func(ctx context.Context) read {
		_, _, err := d.place(ctx)
		return read{err: err}
	}, nil)
	if err != nil {
		return err
	}
	return got.err
}

// Read returns what the database says at a path, as "/lookup/MODULE@VERSION" or
// "/tile/8/0/000": tiles never change, and neither do records. The error is a
// *failure.Error, or says that ctx ended.
func (d *Database) Read(ctx context.Context, path string) ([]byte, error) {
	d.mu.Lock()
	body, ok := d.pages[path]
	d.mu.Unlock()
	if ok {
		return body, nil
	}
	got, _, err := d.reads.Do(ctx, path, func(ctx context.Context) read {
		body, err := d.read(ctx, path)
		return read{body, err}
	}, nil)
	if err != nil {
		return nil, failure.New(failure.Cancelled, "ask "+d.Name(), "", err)
	}
	return got.body, got.err
}

func (d *Database) read(ctx context.Context, path string) ([]byte, error) {
	for {
		e, below, err := d.placeFor(ctx, path)
		if err != nil {
			return nil, err
		}
		it := download.NewPage(module.Version{}, "sumdb", below+strings.TrimPrefix(path, "/"), download.PageOptions{Max: largest, Check: plausible(path)})
		if err = e.Bring(ctx, it); err == nil {
			body := it.Page().Body
			if path != "/latest" {
				d.keep(path, body)
			}
			return body, nil
		}
		if ctx.Err() != nil || !d.leave(e, failure.As(err)) {
			return nil, err
		}
	}
}

// leave gives up a mirror that failed, if the chain goes on after such a failure, and
// reports whether there may be another place. A go command stays with its first one; a
// server lives longer than many a mirror.
func (d *Database) leave(e *download.Engine, fe *failure.Error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if fe.Class == failure.NotFound || fe.Class == failure.Gone || d.s.Values.Offline {
		return false // what one has not, others have not
	}
	if d.self != nil && e == d.by[d.self] {
		if e == d.at {
			d.at = nil // the next read looks at the mirrors again
		}
		return false
	}
	if e != d.at {
		return true // another read gave it up
	}
	if !d.hop.Passes(fe.Class) {
		return false
	}
	d.left[d.hop] = time.Now().Add(lookAgain)
	d.at, d.hop = nil, nil
	return true
}

// placeFor is the place to ask at a path. A name that a rule keeps from the mirror where
// the database is found is asked of the database itself.
func (d *Database) placeFor(ctx context.Context, path string) (*download.Engine, string, error) {
	e, below, err := d.place(ctx)
	of, ok := strings.CutPrefix(path, "/lookup/")
	if err != nil || !ok {
		return e, below, err
	}
	v, err := Lookup(of)
	if err != nil {
		return nil, "", err
	}
	d.mu.Lock()
	at, own := d.hop, d.own
	d.mu.Unlock()
	if at == nil || d.s.Access.Rule(v.Path).Allows(at) {
		return e, below, nil
	}
	if own == nil {
		if own, err = d.itself(ctx); err != nil {
			return nil, "", err
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.own = own
	}
	return own, "", nil
}

// plausible refuses what cannot be the answer at a path, as of a captive portal: it
// would be kept.
func plausible(path string) func(body []byte) error {
	return func(body []byte) error {
		if strings.HasPrefix(path, "/lookup/") {
			_, _, _, err := tlog.ParseRecord(body)
			return err
		}
		t, err := tlog.ParseTilePath(strings.TrimPrefix(path, "/"))
		if err == nil && t.L >= 0 && len(body) != t.W*tlog.HashSize {
			return fmt.Errorf("a tile of %d bytes, expected %d", len(body), t.W*tlog.HashSize)
		}
		return nil
	}
}

// forget drops what was kept, some of which was wrong.
func (d *Database) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.pages)
	d.size = 0
}

// inherit takes over what another one was told.
func (d *Database) inherit(from *Database) {
	from.mu.Lock()
	pages, size := maps.Clone(from.pages), from.size
	from.mu.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pages, d.size = pages, size
}

func (d *Database) keep(path string, body []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.size += len(body); d.size > mostPages {
		clear(d.pages)
		d.size = len(body)
	}
	d.pages[path] = body
}

// place finds out where the database is asked, and stays with it (cmd/go
// modfetch/sumdb.go: initBase).
func (d *Database) place(ctx context.Context) (*download.Engine, string, error) {
	d.mu.Lock()
	at, below, lost, again := d.at, d.below, d.lost, d.again
	d.mu.Unlock()
	if at != nil {
		return at, below, nil
	}
	if lost != nil && time.Now().Before(again) {
		return nil, "", lost
	}
	at, below, hop, err := d.find(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err != nil:
		if ctx.Err() == nil {
			d.lost, d.again = err, time.Now().Add(lookAgain)
		}
		return nil, "", err
	case d.at == nil: // else another one was faster
		d.at, d.below, d.hop, d.lost = at, below, hop, nil
	}
	return d.at, d.below, nil
}

func (d *Database) find(ctx context.Context) (*download.Engine, string, *session.Hop, error) {
	if d.s.Values.Offline {
		// Directories: what one of them lacks of the database, the next may have.
		hops := d.s.Chain.Hops
		if len(hops) == 0 {
			return nil, "", nil, fmt.Errorf("%w: there is no directory to look in", ErrUnreachable)
		}
		return d.engine(hops...), "sumdb/" + d.Name() + "/", hops[0], nil
	}
	if !d.of.BypassMirrors {
		below := "sumdb/" + d.Name() + "/"
		for _, h := range d.s.Chain.Hops {
			if d.aside && h.Public || d.leftJustNow(h) {
				continue
			}
			e := d.engine(h)
			it := download.NewPage(module.Version{}, "sumdb", below+"supported", download.PageOptions{Max: largest})
			err := e.Bring(ctx, it)
			if err == nil {
				return e, below, h, nil
			}
			if fe := failure.As(err); ctx.Err() != nil || !h.Passes(fe.Class) {
				return nil, "", nil, fe
			}
		}
	}
	e, err := d.itself(ctx)
	return e, "", nil, err
}

// ErrUnreachable is wrapped by the error of a database that no mirror serves and that
// does not answer itself.
var ErrUnreachable = errors.New("no mirror serves it, and it does not answer itself")

// itself is the database behind no mirror, if it answers.
func (d *Database) itself(ctx context.Context) (*download.Engine, error) {
	h, err := d.hopItself()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	e := d.engine(h)
	ctx, cancel := mirror.WithLimit(ctx, mostWait, "the search for it")
	defer cancel()
	if err := e.Bring(ctx, download.NewPage(module.Version{}, "sumdb", "latest", download.PageOptions{Max: largest})); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return e, nil
}

// hopItself is the one place that is no mirror.
func (d *Database) hopItself() (*session.Hop, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.self == nil {
		m, err := d.s.Client.Open(d.of.URL, mirror.Limits{})
		if err != nil {
			return nil, err
		}
		d.self = &session.Hop{Mirror: m, URL: d.of.URL, Weight: 1}
	}
	return d.self, nil
}

func (d *Database) leftJustNow(h *session.Hop) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Before(d.left[h])
}

// Reached is where the database was asked: the redacted name of a mirror, "" for itself.
// asked is false while nobody needed it; the error says why it could not be asked.
func (d *Database) Reached() (via string, asked bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hop != nil {
		via = d.hop.Name()
	}
	return via, d.at != nil || d.lost != nil, d.lost
}

var errOtherDatabase = errors.New("no checksum database of the settings")
