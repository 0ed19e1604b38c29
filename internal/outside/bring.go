package outside

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/sums"
	"github.com/modferry/modferry/internal/worklist"
)

// shelf is a module cache that takes the first bytes of what no database is asked
// about, as the go command does.
type shelf struct{ *modcache.Cache }

func (s shelf) PutZip(ctx context.Context, v module.Version, h1 string, tmp *os.File, o modcache.PutOptions) error {
	if h1 == "" {
		var err error
		if h1, err = modcache.HashZip(v, tmp.Name()); err != nil {
			return discard(tmp, err)
		}
	}
	return s.Cache.PutZip(ctx, v, h1, tmp, o)
}

func (s shelf) PutMod(ctx context.Context, v module.Version, h1 string, tmp *os.File) error {
	if h1 == "" {
		var err error
		if h1, err = modcache.HashMod(v, tmp); err != nil {
			return discard(tmp, err)
		}
	}
	return s.Cache.PutMod(ctx, v, h1, tmp)
}

func discard(tmp *os.File, err error) error {
	tmp.Close()
	os.Remove(tmp.Name())
	return err
}

// module is a module with the hashes that are known of it. The error says that it
// cannot be verified.
func (f *Finder) module(ctx context.Context, v module.Version) (worklist.Module, error) {
	if why := f.unasked(v.Path); why != "" {
		if f.s.Values.Strict {
			fe := failure.New(failure.MissingSum, "verify", "", nil)
			fe.Detail = "strict refuses what cannot be verified: " + why
			return worklist.Module{Path: v.Path, Version: v.Version}, fe
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		m := f.first[v]
		m.Path, m.Version = v.Path, v.Version
		return m, nil
	}
	zip, mod, err := f.sums.Hashes(ctx, v)
	return worklist.Module{Path: v.Path, Version: v.Version, Zip: zip, Mod: mod}, err
}

// unasked says why the go command asks no database about a module; "" when it does.
func (f *Finder) unasked(path string) string {
	if path == sums.Toolchain {
		return ""
	}
	return f.sums.Unasked(path)
}

// bring has a file of a module be in the module cache, verified unless the go command
// would not verify it either.
func (f *Finder) bring(ctx context.Context, v module.Version, kind string) error {
	m, err := f.module(ctx, v)
	if err != nil {
		return err
	}
	it, err := download.NewItem(m, kind)
	if err != nil {
		return failure.New(failure.NotFound, "get", "", err)
	}
	it.Read = kind == report.KindZip
	failed, _, err := f.brings.Do(ctx, it.Member(), func(ctx context.Context) error {
		if has, err := f.has(ctx, it); err != nil || has {
			return err
		}
		if err := f.e.Bring(ctx, it); err != nil {
			return &asked{failure.As(err), it}
		}
		f.mu.Lock()
		f.items = append(f.items, it)
		f.mu.Unlock()
		if it.Want != "" || kind == download.KindInfo {
			return nil
		}
		f.pass(v, kind)
		_, err := f.has(ctx, it) // now it is
		return err
	}, func() bool { return false })
	if err != nil {
		return failure.New(failure.Cancelled, "get", "", err)
	}
	return failed
}

// has reports whether a file is in the module cache. Of what no database is asked
// about, it notes the hash.
func (f *Finder) has(ctx context.Context, it *download.Item) (bool, error) {
	switch {
	case it.Kind == download.KindInfo:
		return f.cache.HasInfo(it.Mod), nil
	case it.Want == "":
		return f.look(it)
	case it.Kind == report.KindMod:
		return f.cache.HasMod(it.Mod, it.Want)
	}
	ok, err := f.cache.HasTree(it.Mod, it.Want)
	if err == nil && !ok {
		ok, err = f.cache.HasZip(ctx, it.Mod, it.Want)
	}
	return ok, err
}

func (f *Finder) look(it *download.Item) (bool, error) {
	file, err := f.cache.OpenFile(it.Mod, it.Kind)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, failure.As(err)
	}
	defer file.Close()
	var h1 string
	if it.Kind == report.KindZip {
		h1, err = modcache.HashZip(it.Mod, file.Name())
	} else {
		h1, err = modcache.HashMod(it.Mod, file)
	}
	if err != nil {
		return false, nil // it is replaced
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.first[it.Mod]
	if it.Want = h1; it.Kind == report.KindZip {
		m.Zip = h1
	} else {
		m.Mod = h1
	}
	f.first[it.Mod] = m
	return true, nil
}

func (f *Finder) pass(v module.Version, kind string) {
	why := f.unasked(v.Path)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.passed = append(f.passed, v.String()+" "+kind+": "+why)
}

// goMod is the go.mod of a module, from the module cache.
func (f *Finder) goMod(ctx context.Context, v module.Version) ([]byte, error) {
	if err := f.bring(ctx, v, report.KindMod); err != nil {
		return nil, err
	}
	file, err := f.cache.OpenFile(v, report.KindMod)
	if err != nil {
		return nil, failure.As(err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, modzip.MaxGoMod))
	if err != nil {
		return nil, failure.As(err)
	}
	return data, nil
}
