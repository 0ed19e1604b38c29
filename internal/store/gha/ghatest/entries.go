package ghatest

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// entry is an entry, complete or being written.
type entry struct {
	id           int
	key, version string
	complete     bool
	created      time.Time
	order        int // of completion: the newest has the greatest
	revision     int // of the bytes, for the entity tag
	content      content
	staged       map[string]piece // uncommitted blocks by id (v2), chunks by offset (v1)
	file         *os.File         // where the bytes are, nil in memory
	end          int64            // of what is used in file
}

// content is what an entry holds, made of pieces in order.
type content []piece

// piece is a run of bytes, in memory or in a file.
type piece struct {
	data []byte
	file *os.File
	at   int64 // in file
	size int64
}

func (c content) size() (n int64) {
	for _, p := range c {
		n += p.size
	}
	return n
}

// ReadAt is io.ReaderAt over all pieces.
func (c content) ReadAt(b []byte, off int64) (int, error) {
	n := 0
	for _, p := range c {
		if off >= p.size {
			off -= p.size
			continue
		}
		if n == len(b) {
			return n, nil
		}
		want := b[n:min(len(b), n+int(min(p.size-off, int64(len(b)))))]
		if p.file == nil {
			copy(want, p.data[off:])
		} else if m, err := p.file.ReadAt(want, p.at+off); err != nil {
			return n + m, err
		}
		n += len(want)
		off = 0
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// grant is what a signed URL allows.
type grant struct {
	id    int
	write bool
}

// entries are all entries of a server.
type entries struct {
	dir string
	now func() time.Time

	mu     sync.Mutex
	byID   map[int]*entry
	order  int
	grants map[string]grant // by signature
	issued []string         // every signature ever handed out
}

// errTaken: the name is in use.
var errTaken = errors.New("cache entry already exists")

// reserve makes an entry that is not complete.
func (es *entries) reserve(key, version string, again bool) (*entry, error) {
	es.mu.Lock()
	defer es.mu.Unlock()
	for _, e := range es.byID {
		if !again && strings.EqualFold(e.key, key) && e.version == version {
			return nil, errTaken
		}
	}
	e := &entry{id: len(es.byID) + 1, key: key, version: version, staged: map[string]piece{}}
	for es.byID[e.id] != nil {
		e.id++
	}
	if es.dir != "" {
		f, err := os.CreateTemp(es.dir, "entry-*")
		if err != nil {
			return nil, err
		}
		e.file = f
	}
	es.byID[e.id] = e
	return e, nil
}

// store takes n bytes of r into a piece of the entry's.
func (es *entries) store(e *entry, r io.Reader, n int64) (piece, error) {
	if e.file == nil {
		data := make([]byte, n)
		_, err := io.ReadFull(r, data)
		return piece{data: data, size: n}, err
	}
	es.mu.Lock()
	at := e.end
	e.end += n
	es.mu.Unlock()
	m, err := io.Copy(io.NewOffsetWriter(e.file, at), io.LimitReader(r, n))
	if err == nil && m < n {
		err = io.ErrUnexpectedEOF
	}
	return piece{file: e.file, at: at, size: n}, err
}

// stage keeps a block or chunk until the entry is put together.
func (es *entries) stage(e *entry, name string, p piece) {
	es.mu.Lock()
	defer es.mu.Unlock()
	e.staged[name] = p
}

// assemble makes the content from staged pieces, false when one is missing.
func (es *entries) assemble(e *entry, names []string) bool {
	es.mu.Lock()
	defer es.mu.Unlock()
	c := content{}
	for _, name := range names {
		p, ok := e.staged[name]
		if !ok {
			return false
		}
		c = append(c, p)
	}
	e.content = c
	return true
}

// finish makes the entry visible.
func (es *entries) finish(e *entry) {
	es.mu.Lock()
	defer es.mu.Unlock()
	es.order++
	e.complete, e.order, e.created = true, es.order, es.now()
}

// match finds a complete entry as GitHub does: for each key in turn the exact
// one, else the newest that begins with it.
func (es *entries) match(keys []string, version string) *entry {
	es.mu.Lock()
	defer es.mu.Unlock()
	fold := strings.ToLower
	for _, key := range keys {
		var exact, prefix *entry
		for _, e := range es.byID {
			switch {
			case !e.complete || e.version != version:
			case fold(e.key) == fold(key):
				exact = newer(exact, e)
			case strings.HasPrefix(fold(e.key), fold(key)):
				prefix = newer(prefix, e)
			}
		}
		if exact != nil {
			return exact
		}
		if prefix != nil {
			return prefix
		}
	}
	return nil
}

func newer(a, b *entry) *entry {
	if a == nil || b.order > a.order {
		return b
	}
	return a
}

// pending finds the entry that is being written under a name.
func (es *entries) pending(key, version string) *entry {
	es.mu.Lock()
	defer es.mu.Unlock()
	for _, e := range es.byID {
		if strings.EqualFold(e.key, key) && e.version == version && !e.complete {
			return e
		}
	}
	return nil
}

func (es *entries) get(id int) *entry {
	es.mu.Lock()
	defer es.mu.Unlock()
	return es.byID[id]
}

// sign makes the query of a URL that gives access to an entry. The signature
// holds characters that must be encoded, as Azure's do.
func (es *entries) sign(e *entry, write bool) string {
	var random [24]byte
	rand.Read(random[:])
	sig := "+/" + base64.StdEncoding.EncodeToString(random[:]) + "="
	es.mu.Lock()
	defer es.mu.Unlock()
	es.grants[sig] = grant{e.id, write}
	es.issued = append(es.issued, sig)
	return "sv=2025-11-05&sp=" + map[bool]string{true: "cw", false: "r"}[write] + "&sig=" + url.QueryEscape(sig)
}

// granted is the entry that a signature gives access to.
func (es *entries) granted(id int, sig string, write bool) (*entry, bool) {
	es.mu.Lock()
	defer es.mu.Unlock()
	g, ok := es.grants[sig]
	return es.byID[id], ok && g.id == id && g.write == write
}

// snapshot is what a download serves, whatever changes meanwhile.
func (es *entries) snapshot(e *entry) (content, string, time.Time) {
	es.mu.Lock()
	defer es.mu.Unlock()
	return e.content, fmt.Sprintf(`"0x8DE%06X%04X"`, e.id, e.revision), e.created
}

func (es *entries) secrets(origin string) []string {
	es.mu.Lock()
	defer es.mu.Unlock()
	var all []string
	for _, sig := range es.issued {
		all = append(all, sig, url.QueryEscape(sig), url.PathEscape(sig))
	}
	return all
}

func (es *entries) close() error {
	es.mu.Lock()
	defer es.mu.Unlock()
	var errs []error
	for _, e := range es.byID {
		errs = append(errs, e.discard())
	}
	clear(es.byID)
	return errors.Join(errs...)
}

// discard removes the bytes.
func (e *entry) discard() error {
	if e.file == nil {
		return nil
	}
	return errors.Join(e.file.Close(), os.Remove(filepath.Clean(e.file.Name())))
}
