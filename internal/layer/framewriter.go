package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/modcache"
)

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
	return elsewhere(err)
}

// elsewhere is what an error says of the place that contents were taken from.
func elsewhere(err error) error {
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
	return elsewhere(err)
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
