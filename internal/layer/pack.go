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

	"golang.org/x/mod/module"
	"golang.org/x/sync/errgroup"

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
	err := g.Wait()
	return written, err
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
