package relay

import (
	"io"
	"os"
	"sync"

	"golang.org/x/mod/module"
)

// file names a zip or a go.mod.
type file struct {
	v    module.Version
	kind string
}

// deliveries know which files are being asked for, so that what nobody needs any more
// can go.
type deliveries struct {
	mu       sync.Mutex
	underway map[file]*delivery
	gone     map[file]bool // given up after it was delivered
	// keeps says that one of those was asked for again: there are several module caches,
	// and what one of them has, another one lacks.
	keeps bool
}

type delivery struct {
	askers int
	done   bool // somebody has all of it
	spare  *spare
}

// spare is a file that there was no room for: a temporary file that is removed already.
type spare struct {
	*os.File
	h1, etag string
	size     int64
}

func (s *spare) reader() io.ReadSeeker { return io.NewSectionReader(s.File, 0, s.size) }

// begin notes that somebody asks for a file; end has to follow.
func (d *deliveries) begin(f file) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.underway[f] == nil {
		d.underway[f] = &delivery{}
	}
	d.underway[f].askers++
	d.keeps = d.keeps || d.gone[f]
}

// end notes that somebody was answered, with all of the file if done. When nobody else
// asks for one that was delivered, it is given up with the function, unless that is nil.
func (d *deliveries) end(f file, done bool, giveUp func() error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.underway[f]
	at.done = at.done || done
	if at.askers--; at.askers > 0 {
		return
	}
	delete(d.underway, f)
	if at.spare != nil {
		at.spare.Close()
	}
	// Under the lock: who asks from now on finds that it is gone.
	if at.done && !d.keeps && giveUp != nil && giveUp() == nil {
		d.gone[f] = true
	}
}

// hold keeps a spare for those who ask for the file; false means that
// nobody does, or that there is one already.
func (d *deliveries) hold(f file, s *spare) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.underway[f]
	if at == nil || at.spare != nil {
		return false
	}
	at.spare = s
	return true
}

// spare is the one of a file with a hash, "" for any; nil for none. It is open until
// the asker ends.
func (d *deliveries) spare(f file, h1 string) *spare {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at := d.underway[f]; at != nil && at.spare != nil && (h1 == "" || at.spare.h1 == h1) {
		return at.spare
	}
	return nil
}
