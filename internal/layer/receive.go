package layer

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/modcache"
)

// receiver takes members from the frames of one layer, several at a time.
type receiver struct {
	*restore
	ctx  context.Context
	pick Pick
	// labels are the modules whose frames came so far. Frames are unpacked side
	// by side, but come one after the other: of two for one module the first in
	// the layer counts, whichever is unpacked first.
	labels map[module.Version]bool

	mu  sync.Mutex
	met map[Member]bool // found in a frame, or known to be in a spoilt one
}

// wants reports whether a frame may hold something to take. It is asked about
// each in the order of the layer, never by two goroutines at a time.
func (r *receiver) wants(l label) bool {
	if l.module == (module.Version{}) {
		return true
	}
	listed, wanted := false, false
	for _, m := range membersOf(l.module) {
		_, in := r.pick.Layer.Members[m]
		listed = listed || in
		wanted = wanted || r.takes(m)
	}
	if !listed {
		r.reject(r.pick, l.module.String(), "the index does not list it", failure.WrongContent)
	}
	if r.labels[l.module] {
		r.reject(r.pick, l.module.String(), "it is there twice", failure.WrongContent)
		return false
	}
	r.labels[l.module] = true
	return wanted
}

// takes reports whether a member is to be taken from the layer.
func (r *receiver) takes(m Member) bool {
	_, summed := r.Sums[m]
	return summed && r.pick.Take[m]
}

// meet notes a member that was found and reports whether it is to be taken.
func (r *receiver) meet(m Member) bool {
	if _, listed := r.pick.Layer.Members[m]; !listed {
		r.reject(r.pick, m.String(), "the index does not list it", failure.WrongContent)
		return false
	}
	r.mu.Lock()
	again := r.met[m]
	r.met[m] = true
	r.mu.Unlock()
	if again {
		r.reject(r.pick, m.String(), "it is there twice", failure.WrongContent)
	}
	return !again && r.takes(m)
}

// missing tells of what the index lists and no frame had.
func (r *receiver) missing() {
	for _, m := range slices.SortedFunc(maps.Keys(r.pick.Take), Member.compare) {
		if r.takes(m) && !r.met[m] {
			r.reject(r.pick, m.String(), "the index lists it, but it is not there", failure.WrongContent)
		}
	}
}

// spoilt tells of a frame that was not read to its end, unless that is because
// the restore has ended.
func (r *receiver) spoilt(l label, err error) {
	if r.ctx.Err() != nil {
		return
	}
	name := "what several modules share"
	if l.module != (module.Version{}) {
		name = l.module.String()
		r.mu.Lock()
		for _, m := range membersOf(l.module) {
			r.met[m] = true
		}
		r.mu.Unlock()
	}
	r.reject(r.pick, name, err.Error(), failure.WrongContent)
}

// frame takes what is to be taken from a frame. Its error is about the frame,
// or reading it.
func (r *receiver) frame(l label, c *contents) error {
	var m module.Version
	skipped := false // the rest of the current tree
	for {
		now, err := c.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if now.kind == lineModule {
			m, skipped = now.module, false
			if l.module != (module.Version{}) && l.module != m {
				return damaged("it holds %s", m)
			}
			continue
		}
		if m == (module.Version{}) {
			return damaged("found a line %q before the first module", now.kind)
		}
		member := Member{m, now.kind}
		if now.kind == lineFile {
			member.Kind = kindZip
			if skipped {
				continue
			}
			skipped = true
		}
		if !r.meet(member) {
			if now.kind == lineFile && l.module == m {
				return nil // nothing comes after it
			}
			continue
		}
		if err := r.take(member, now, c); err != nil {
			return err
		}
	}
}

// take brings one member into the module cache. Its error is about the frame,
// or reading it; all else is noted.
func (r *receiver) take(m Member, now line, c *contents) error {
	size := now.size
	var err error
	switch {
	case now.kind == lineFile:
		files := &tree{c: c}
		if err = r.Cache.PutTree(r.ctx, m.Module, r.Sums[m], files); err == nil && r.Zips {
			err = r.Cache.RebuildZip(r.ctx, m.Module, r.Sums[m])
		}
		size = files.size
	case m.Kind == kindInfo:
		var data []byte
		if data, err = io.ReadAll(c); err == nil {
			err = r.Cache.PutInfo(r.ctx, m.Module, data)
		}
	default:
		err = r.takeFile(m, c)
	}
	if c.failed != nil {
		return c.failed
	}
	r.placed(r.pick, m, size, err)
	return nil
}

// takeFile brings a zip or a go.mod into the module cache.
func (r *receiver) takeFile(m Member, body io.Reader) error {
	tmp, err := r.Cache.Temp()
	if err != nil {
		return err
	}
	if _, err := io.Copy(tmp, body); err != nil {
		tmp.Close()
		os.Remove(tmp.Name())
		return &failure.Error{Class: failure.Classify(err), Op: "write " + m.Module.String(), Err: err}
	}
	if m.Kind == kindMod {
		return r.Cache.PutMod(r.ctx, m.Module, r.Sums[m], tmp)
	}
	// What has no tree in the layer gets one here, so that nothing but trees is
	// left to be read.
	o := modcache.PutOptions{Extract: true, Parallel: runtime.GOMAXPROCS(0)}
	return r.Cache.PutZip(r.ctx, m.Module, r.Sums[m], tmp, o)
}

// placed notes what became of a member. A tree with names that this file system
// does not take is left to whoever brings the zip.
func (j *restore) placed(p Pick, m Member, size int64, err error) {
	var tree *modcache.ExtractError
	if errors.As(err, &tree) {
		j.mu.Lock()
		j.result.Trees = append(j.result.Trees, tree)
		j.mu.Unlock()
		err = nil
	}
	if err == nil {
		j.mu.Lock()
		j.result.Members[m] = size
		j.mu.Unlock()
		if j.Taken != nil {
			j.Taken(m, size)
		}
		return
	}
	switch fe := failure.As(err); fe.Class {
	case failure.HashMismatch, failure.WrongContent, failure.UnsafeZip, failure.TooLarge:
		why := fe.Class.Title()
		if fe.Detail != "" {
			why += ": " + fe.Detail
		}
		j.reject(p, m.String(), why, fe.Class)
	case failure.Cancelled, failure.Timeout: // the restore has ended
	default:
		if errors.Is(err, syscall.ENAMETOOLONG) || failure.TooManyOpen(j.broke(fe)) {
			j.mu.Lock()
			j.result.Reasons = append(j.result.Reasons, failure.Neutral(fe.Error()))
			j.mu.Unlock()
		}
	}
}
