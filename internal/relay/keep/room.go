package keep

import (
	"container/list"
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// file is a file that is kept.
type file struct {
	key
	h1    string
	bytes int64

	once sync.Once
	etag string // once
	err  error  // likewise

	// Of Keep's mutex:
	at      *list.Element // nil once it was given up
	readers int
	since   time.Time // it is kept
	opened  bool
	body    []byte // nil for what is not in memory
}

// cost is what a file takes on disk, with its hash, its lock and its directories.
func (f *file) cost() int64 { return (f.bytes+4095)&^4095 + 4096 }

// soon is how long a file waits for those who had it brought.
const soon = time.Minute

// awaited reports whether somebody reads a file, or is about to.
func (f *file) awaited() bool {
	return f.readers > 0 || !f.opened && time.Since(f.since) < soon
}

// use finds a file for somebody who reads it until leave; nil when there is none.
func (k *Keep) use(of key, h1 string) *file {
	k.mu.Lock()
	defer k.mu.Unlock()
	f := k.files[of]
	if f == nil || h1 != "" && f.h1 != h1 {
		return nil
	}
	f.readers, f.opened = f.readers+1, true
	k.order.MoveToFront(f.at)
	return f
}

func (k *Keep) leave(f *file) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f.readers--
}

// kept notes a file that is there now.
func (k *Keep) kept(of key, h1 string, size int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if was := k.files[of]; was != nil {
		k.remove(was)
	}
	f := &file{key: of, h1: h1, bytes: size, since: time.Now()}
	f.at = k.order.PushFront(f)
	k.files[of] = f
	k.size += f.cost()
}

// forget gives up what is not on disk any more.
func (k *Keep) forget(f *file) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f.at != nil {
		k.remove(f)
	}
}

// remove takes a file out of the books. The caller holds the mutex.
func (k *Keep) remove(f *file) {
	delete(k.files, f.key)
	k.order.Remove(f.at)
	f.at = nil
	k.size -= f.cost()
	k.inMemory -= int64(len(f.body))
	f.body = nil
}

// body is the content of a small file, which is in memory from then on while there
// is room.
func (k *Keep) body(f *file) ([]byte, error) {
	k.mu.Lock()
	body := f.body
	k.mu.Unlock()
	if body != nil {
		return body, nil
	}
	r, err := k.OpenFile(f.v, f.kind)
	if err != nil {
		if absent(err) {
			k.forget(f)
		}
		return nil, err
	}
	defer r.Close()
	if body, err = io.ReadAll(io.LimitReader(r, f.bytes)); err != nil {
		return nil, failure.As(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if f.at == nil || f.body != nil {
		return body, nil
	}
	f.body = body
	k.inMemory += int64(len(body))
	for at := k.order.Back(); at != nil && k.inMemory > mostSmall; at = at.Prev() {
		old := at.Value.(*file)
		k.inMemory -= int64(len(old.body))
		old.body = nil
	}
	return body, nil
}

// Evict makes room on a full disk: half of what is kept is given up, what was not asked
// for the longest first, and nothing that is being read.
func (k *Keep) Evict(context.Context) {
	k.mu.Lock()
	half := k.size / 2
	k.mu.Unlock()
	k.evict(half)
}

// evict gives files up until the others take no more than so many bytes.
func (k *Keep) evict(most int64) {
	k.puts.Lock() // nobody makes the directories that are removed
	defer k.puts.Unlock()
	var gone []*file
	k.mu.Lock()
	for at := k.order.Back(); at != nil && k.size > most; {
		f := at.Value.(*file)
		at = at.Prev()
		if !f.awaited() {
			k.remove(f)
			gone = append(gone, f)
		}
	}
	k.mu.Unlock()
	k.evicted.Add(int64(len(gone)))
	for _, f := range gone {
		k.erase(f.key)
	}
}

// erase removes a file and, with the last one of a version and of a module, what it
// came with. What cannot be removed stays until Close.
func (k *Keep) erase(of key) {
	path, err := module.EscapePath(of.v.Path)
	if err != nil {
		return
	}
	version, err := module.EscapeVersion(of.v.Version)
	if err != nil {
		return
	}
	top := filepath.Join(k.Dir(), "cache", "download")
	dir := filepath.Join(top, filepath.FromSlash(path), "@v")
	base := filepath.Join(dir, version)
	other := report.KindMod
	if of.kind == report.KindZip {
		os.Remove(base + ".ziphash")
	} else {
		other = report.KindZip
	}
	os.Remove(base + "." + of.kind)
	if _, err := os.Lstat(base + "." + other); err == nil {
		return
	}
	os.Remove(base + ".lock")
	if left, err := os.ReadDir(dir); err == nil && len(left) == 1 && left[0].Name() == "list" {
		os.Remove(filepath.Join(dir, "list"))
	}
	for ; dir != top && os.Remove(dir) == nil; dir = filepath.Dir(dir) {
	}
}
