package fetch

import (
	"context"
	"os"
	"sync"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/imports"
	"github.com/modferry/modferry/internal/report"
)

// earlyFiles are the Go files of a module whose zip has not been verified yet.
type earlyFiles struct {
	mu    sync.RWMutex
	files imports.Files // nil for wrong bytes that others have taken the place of
	zip   *os.File      // open until they are settled
}

func (e *earlyFiles) Package(dir string) ([]imports.File, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.files == nil {
		return nil, false
	}
	return e.files.Package(dir)
}

// beforeVerification follows the imports of a zip that has arrived: a mirror that
// sends wrong bytes makes us download what go.sum has lines for, and no more. The
// error is this machine's.
func (w *wanted) beforeVerification(ctx context.Context, it *download.Item, zip *os.File) error {
	if len(w.following()) == 0 {
		return nil
	}
	f, err := diskfile.Open(zip.Name())
	if err != nil {
		return nil // it will be followed once it is in the module cache
	}
	files, err := w.r.cache.ZipGoFiles(it.Mod, f)
	if err != nil {
		f.Close()
		return nil // verification tells
	}
	e := &earlyFiles{files: files, zip: f}
	w.mu.Lock()
	before := w.early[it.Mod]
	w.early[it.Mod] = e
	w.mu.Unlock()
	err = w.step(ctx, w.arrive(it.Mod, e))
	if before != nil {
		before.settle(nil)
	}
	return err
}

// settle says where the files are from now on, once the zip has its fate.
func (e *earlyFiles) settle(files imports.Files) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.files = files
	e.zip.Close()
}

// ended follows an item that has its fate. The error is this machine's.
func (w *wanted) ended(ctx context.Context, it *download.Item) error {
	there := it.Record.Source == report.FromCache || it.Record.Source == report.FromMirror
	switch it.Kind {
	case report.KindMod:
		return w.step(ctx, w.selected(it.Mod, there))
	case report.KindZip:
	default:
		return nil
	}
	w.mu.Lock()
	early := w.early[it.Mod]
	delete(w.early, it.Mod)
	w.mu.Unlock()
	files := w.r.cache.GoFiles(it.Mod)
	if early != nil {
		early.settle(files)
	}
	switch {
	case !there:
		w.absent(it.Mod)
	case early == nil:
		return w.step(ctx, w.arrive(it.Mod, files))
	}
	return nil
}
