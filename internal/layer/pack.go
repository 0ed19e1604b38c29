package layer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/module"
	"golang.org/x/sync/errgroup"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/modcache"
)

const (
	// mostPackers is how many frames are packed at a time: each takes some
	// twenty megabytes.
	mostPackers = 4
	// sharedFrame is how many go.mod and .info files share a frame.
	sharedFrame = 2000
)

// packer writes layers of what a module cache has.
type packer struct {
	cache *modcache.Cache
	sums  Sums
}

// pack writes a layer of the members to w, several frames at a time, and
// returns its length in bytes. Everything is held against its hash once more
// while it is read; what is wrong is an error, after which what was written is
// no layer. sizes are those of the members, which decide the order and how hard
// to compress.
func (p *packer) pack(ctx context.Context, w io.Writer, sizes map[Member]int64) (int64, error) {
	frames := framesOf(sizes)
	var total, written int64
	for _, n := range sizes {
		total += n
	}
	workers := make(chan *frameWriter, min(runtime.GOMAXPROCS(0), mostPackers))
	for range cap(workers) {
		z, err := newEncoder(total)
		if err != nil {
			return 0, fmt.Errorf("pack a layer: %w", err)
		}
		workers <- &frameWriter{packer: p, z: z, spool: spool{cache: p.cache}, content: contentWriter{w: z, buf: make([]byte, contentBuffer)}}
	}
	var writing sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cap(workers))
	for _, f := range frames {
		g.Go(func() error {
			worker := <-workers
			defer func() { workers <- worker }()
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			defer worker.spool.reset()
			if err := worker.frame(ctx, f); err != nil {
				return err
			}
			// In the order in which they are ready: a slow one holds up nobody.
			writing.Lock()
			defer writing.Unlock()
			n, err := worker.write(w, f.label)
			written += n
			return err
		})
	}
	return written, g.Wait()
}

// measure is the size of a member's file, or of all files of its tree.
func (p *packer) measure(ctx context.Context, m Member) (int64, error) {
	if m.Kind == kindZip {
		t, err := p.cache.OpenTree(ctx, m.Module, p.sums[m])
		if errors.Is(err, fs.ErrNotExist) {
			t, err = p.cache.OpenZip(ctx, m.Module, p.sums[m])
		}
		if err == nil {
			return t.Size(), t.Close()
		}
		// What is wrong there shows when it is packed.
	}
	f, err := p.cache.OpenFile(m.Module, m.Kind)
	if errors.Is(err, fs.ErrNotExist) {
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// frame is what a frame is to hold.
type frame struct {
	label
	members []Member // sorted; the contents of a module come after its small files
	size    int64    // in bytes, before compression
}

// framesOf divides members into frames: one for each module with contents, and
// what is only small files together. The largest come first, so that at the end
// all processors have something to do.
func framesOf(sizes map[Member]int64) []frame {
	byModule := map[module.Version]*frame{}
	for m, size := range sizes {
		f := byModule[m.Module]
		if f == nil {
			f = &frame{}
			byModule[m.Module] = f
		}
		f.members = append(f.members, m)
		f.size += size
		if m.Kind == kindZip {
			f.module = m.Module
		}
	}
	var frames []frame
	var small []Member
	for _, f := range byModule {
		slices.SortFunc(f.members, Member.compare) // info, mod, zip
		if f.module == (module.Version{}) {
			small = append(small, f.members...)
		} else {
			frames = append(frames, *f)
		}
	}
	slices.SortFunc(frames, func(a, b frame) int {
		return cmp.Or(cmp.Compare(b.size, a.size), a.members[0].compare(b.members[0]))
	})
	slices.SortFunc(small, Member.compare)
	for part := range slices.Chunk(small, sharedFrame) {
		frames = append(frames, frame{members: part})
	}
	return frames
}

// frameWriter packs one frame after the other.
type frameWriter struct {
	*packer
	z       *zstd.Encoder
	spool   spool
	content contentWriter
}

// frame packs a frame into the spool.
func (w *frameWriter) frame(ctx context.Context, f frame) error {
	err := w.try(func() error { return w.members(ctx, f, w.tree) })
	for _, other := range []func(context.Context, Member) error{w.zipTree, w.zip} {
		if !errors.Is(err, errOther) {
			return err
		}
		err = w.try(func() error { return w.members(ctx, f, other) })
	}
	return err
}

// errOther says that the contents of a module have to be taken from elsewhere.
var errOther = errors.New("the contents are not to be had in this way")

// errWrong says that the contents of a module are not what go.sum names.
var errWrong = errors.New("what the module cache has of it is not what go.sum names; go clean -modcache removes it")

// try packs into an empty spool.
func (w *frameWriter) try(write func() error) error {
	if err := w.spool.reset(); err != nil {
		return err
	}
	w.z.Reset(&w.spool)
	w.content.err = nil
	if err := write(); err != nil {
		return err
	}
	return w.z.Close()
}

// members packs the members of a frame, contents by the function given.
func (w *frameWriter) members(ctx context.Context, f frame, contents func(context.Context, Member) error) error {
	var now module.Version
	for _, m := range f.members {
		if m.Module != now {
			now = m.Module
			w.content.line(lineModule, now.String())
		}
		pack := w.small
		if m.Kind == kindZip {
			pack = contents
		}
		if err := pack(ctx, m); err != nil {
			return fmt.Errorf("pack %s: %w", m, err)
		}
	}
	return w.content.err
}

// small packs a go.mod or an .info.
func (w *frameWriter) small(ctx context.Context, m Member) error {
	if m.Kind == kindMod {
		// The go command replaces files by renaming only.
		if has, err := w.cache.HasMod(m.Module, w.sums[m]); err != nil {
			return err
		} else if !has {
			return errors.New("it has been changed meanwhile")
		}
	}
	f, err := w.cache.OpenFile(m.Module, m.Kind)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return w.content.part(m.Kind, "", info.Size(), f)
}

// tree packs the extracted tree of a module.
func (w *frameWriter) tree(ctx context.Context, m Member) error {
	t, err := w.cache.OpenTree(ctx, m.Module, w.sums[m])
	if errors.Is(err, fs.ErrNotExist) {
		return errOther
	}
	if err == nil {
		err = w.files(t)
	}
	return w.elsewhere(err)
}

// elsewhere is what an error says of the place that contents were taken from.
func (w *frameWriter) elsewhere(err error) error {
	if err == nil {
		return nil
	}
	switch failure.As(err).Class {
	case failure.HashMismatch, failure.UnsafeZip, failure.WrongContent, failure.TooLarge:
		return errOther
	}
	return err
}

// zipTree packs the files of a module's zip.
func (w *frameWriter) zipTree(ctx context.Context, m Member) error {
	t, err := w.cache.OpenZip(ctx, m.Module, w.sums[m])
	if errors.Is(err, modcache.ErrNoTree) || errors.Is(err, fs.ErrNotExist) {
		return errOther
	}
	if err == nil {
		err = w.files(t)
	}
	return w.elsewhere(err)
}

// zip packs a module's zip as it is.
func (w *frameWriter) zip(ctx context.Context, m Member) error {
	f, err := w.cache.OpenWholeZip(ctx, m.Module, w.sums[m])
	if errors.Is(err, fs.ErrNotExist) {
		return errWrong
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return w.content.part(lineZip, "", info.Size(), f)
}

func (w *frameWriter) files(t *modcache.Tree) error {
	defer t.Close()
	for {
		name, size, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.content.part(lineFile, name, size, t); err != nil {
			return err
		}
	}
}

// write writes the frame in the spool with its label.
func (w *frameWriter) write(out io.Writer, l label) (int64, error) {
	l.length = w.spool.size
	head, err := l.encode()
	if err != nil {
		return 0, err
	}
	n, err := out.Write(head)
	if err != nil {
		return int64(n), err
	}
	more, err := w.spool.WriteTo(out)
	return int64(n) + more, err
}
