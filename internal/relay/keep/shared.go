package keep

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/store"
)

// Store is a store of named, immutable entries that several relays share. One that
// can also Delete an entry gets rid of those that are not what they must be.
type Store interface {
	Find(ctx context.Context, name string, prefixes ...string) (store.Entry, error)
	Open(ctx context.Context, e store.Entry) (io.ReadCloser, error)
	Create(ctx context.Context, name string, write func(io.Writer) error) error
}

// shared is the store behind a directory: one entry for each file, which is written
// after the file was answered with. Nobody locks anything: entries are immutable, and
// who comes second finds what he would have written.
type shared struct {
	k      *Keep
	store  Store
	ctx    context.Context
	cancel context.CancelFunc
	offers chan key
	wg     sync.WaitGroup

	mu    sync.Mutex
	until time.Time // the store is left alone
	pause time.Duration

	hits, misses, writes, lost, failures, rejected atomic.Int64
}

// SharedStats are what came of a store.
type SharedStats struct {
	Hits, Misses int64
	Writes       int64
	Lost         int64 // files that it was not given, since too many waited
	Failures     int64
	Rejected     int64 // entries that were not what they must be
}

const (
	writers = 4
	// mostOffers bounds the files that wait for being written.
	mostOffers = 4096
	// findLimit and moveLimit bound questions and transfers.
	findLimit = 5 * time.Second
	moveLimit = 5 * time.Minute
	// closeLimit bounds what Close waits for.
	closeLimit = 10 * time.Second
	// A store that fails is left alone for a while, which doubles.
	firstPause = time.Second
	mostPause  = 30 * time.Second
)

func newShared(k *Keep, s Store) *shared {
	c := &shared{k: k, store: s, offers: make(chan key, mostOffers)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	for range writers {
		c.wg.Go(func() {
			for of := range c.offers {
				c.write(of)
			}
		})
	}
	return c
}

func (c *shared) close() {
	close(c.offers)
	late := time.AfterFunc(closeLimit, c.cancel)
	c.wg.Wait()
	late.Stop()
	c.cancel()
}

func (c *shared) stats() SharedStats {
	return SharedStats{c.hits.Load(), c.misses.Load(), c.writes.Load(), c.lost.Load(), c.failures.Load(), c.rejected.Load()}
}

// entryName is the name of a file in the store: "f1-" for the file, "h1-" for the hash
// that counts where nobody knows one.
func entryName(prefix string, of key) string {
	sum := sha256.Sum256([]byte(of.v.String() + "." + of.kind))
	return prefix + hex.EncodeToString(sum[:])
}

// storeKey is of the contexts of files that come from the store.
type storeKey struct{}

func fromStore(ctx context.Context) bool { return ctx.Value(storeKey{}) != nil }

// Recall reports whether the store had a file with the hash, which is kept now. With
// the hash "" that is the one that counts as the first.
func (k *Keep) Recall(ctx context.Context, v module.Version, kind, h1 string) bool {
	if k.shared == nil || k.shared.resting() {
		return false
	}
	found, err := k.shared.read(ctx, key{v, kind}, h1)
	switch {
	case err == nil && found:
		k.shared.hits.Add(1)
		return true
	case err == nil:
		k.shared.misses.Add(1)
	case ctx.Err() == nil:
		k.shared.failed("read "+v.String()+" "+kind, err)
	}
	return false
}

// read puts an entry of the store among what is kept; false when there is none that is
// of any use.
func (c *shared) read(ctx context.Context, of key, h1 string) (bool, error) {
	known := h1 != ""
	if !known {
		var err error
		if h1, err = c.first(ctx, of); h1 == "" {
			return false, err
		}
	}
	e, body, err := c.open(ctx, entryName("f1-", of))
	if err != nil || body == nil {
		return false, err
	}
	defer body.Close()
	tmp, err := c.k.Temp()
	if err != nil {
		return false, nil // of this machine: a download will say so
	}
	most := int64(modzip.MaxZipFile)
	if of.kind == report.KindMod {
		most = modzip.MaxGoMod
	}
	if _, err := io.Copy(tmp, io.LimitReader(body, most+1)); err != nil {
		return false, discard(tmp, err)
	}
	ctx = context.WithValue(ctx, storeKey{}, true)
	if of.kind == report.KindMod {
		err = c.k.PutMod(ctx, of.v, h1, tmp)
	} else {
		err = c.k.PutZip(ctx, of.v, h1, tmp, modcache.PutOptions{})
	}
	switch fe := failure.As(err); {
	case fe == nil:
		return true, nil
	case fe.Class == failure.HashMismatch, fe.Class == failure.WrongContent, fe.Class == failure.UnsafeZip, fe.Class == failure.TooLarge:
		c.reject(ctx, e, of, fe, known)
	}
	return false, nil
}

// reject has an entry make way for the right one, if it is known which that is.
func (c *shared) reject(ctx context.Context, e store.Entry, of key, fe *failure.Error, known bool) {
	c.rejected.Add(1)
	c.k.log("the shared store has wrong bytes for %s %s: %v", of.v, of.kind, fe)
	if d, ok := c.store.(interface {
		Delete(ctx context.Context, e store.Entry) error
	}); ok && known {
		if err := d.Delete(ctx, e); err != nil {
			c.failed("delete them", err)
		}
	}
}

// open opens an entry; the body is nil when there is none.
func (c *shared) open(ctx context.Context, name string) (store.Entry, io.ReadCloser, error) {
	finding, cancel := context.WithTimeout(ctx, findLimit)
	e, err := c.store.Find(finding, name)
	cancel()
	if errors.Is(err, store.ErrNotFound) {
		c.well()
		return e, nil, nil
	}
	if err != nil {
		return e, nil, err
	}
	moving, cancel := context.WithTimeout(ctx, moveLimit)
	body, err := c.store.Open(moving, e)
	if err != nil {
		cancel()
		if errors.Is(err, store.ErrNotFound) { // deleted meanwhile
			err = nil
		}
		return e, nil, err
	}
	c.well()
	return e, limited{body, cancel}, nil
}

// limited is a body whose limit ends with it.
type limited struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (l limited) Close() error {
	defer l.cancel()
	return l.ReadCloser.Close()
}

// first is the hash of a file that nobody knows one of, as it was when the store was
// first given it; "" when it was not.
func (c *shared) first(ctx context.Context, of key) (string, error) {
	_, body, err := c.open(ctx, entryName("h1-", of))
	if err != nil || body == nil {
		return "", err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, 200))
	if err != nil {
		return "", err
	}
	h1 := strings.TrimSpace(string(text))
	if !strings.HasPrefix(h1, "h1:") {
		return "", nil
	}
	return h1, nil
}

// isFirst is the hash that counts for a file that nobody knows one of: h1, unless
// somebody else came first. Without the store each relay judges by itself.
func (c *shared) isFirst(ctx context.Context, of key, h1 string) string {
	if c.resting() {
		return h1
	}
	limit, cancel := context.WithTimeout(ctx, findLimit)
	defer cancel()
	err := c.store.Create(limit, entryName("h1-", of), func(w io.Writer) error {
		_, err := io.WriteString(w, h1)
		return err
	})
	if errors.Is(err, store.ErrExists) {
		var was string
		if was, err = c.first(ctx, of); was != "" {
			return was
		}
	}
	if err != nil && ctx.Err() == nil {
		c.failed("remember the hash of "+of.v.String(), err)
	}
	return h1
}

// offer has a file written, unless too many wait for that already.
func (c *shared) offer(of key) {
	select {
	case c.offers <- of:
	default:
		c.lost.Add(1)
	}
}

func (c *shared) write(of key) {
	if c.resting() || c.ctx.Err() != nil {
		c.lost.Add(1)
		return
	}
	f, err := c.k.Open(of.v, of.kind, "")
	if err != nil {
		return // given up meanwhile
	}
	defer f.Close()
	ctx, cancel := context.WithTimeout(c.ctx, moveLimit)
	defer cancel()
	err = c.store.Create(ctx, entryName("f1-", of), func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
	switch {
	case err == nil:
		c.writes.Add(1)
		c.well()
		// For the time when the checksum database is down: then this one is the first.
		c.isFirst(ctx, of, f.H1)
	case !errors.Is(err, store.ErrExists):
		c.failed("write "+of.v.String()+" "+of.kind, err)
	}
}

// resting reports whether the store failed just now.
func (c *shared) resting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Before(c.until)
}

func (c *shared) failed(what string, err error) {
	c.failures.Add(1)
	c.mu.Lock()
	c.pause = min(max(firstPause, 2*c.pause), mostPause)
	c.until = time.Now().Add(c.pause)
	c.mu.Unlock()
	c.k.log("the shared store: cannot %s: %v", what, err)
}

func (c *shared) well() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pause = 0
}
