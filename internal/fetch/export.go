package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/outside"
	"github.com/modferry/modferry/internal/proxydir"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// Export brings what Run and Modules bring and writes it as a module proxy to a
// directory, each file compared with its hash once more: with what checksum databases
// said of modules that no go.sum names.
func Export(ctx context.Context, s *session.Session, rec *Recorder, dir string, args []outside.Arg) (*report.Result, session.Chain) {
	r, res := begin(s, rec)
	res, chain := r.bring(ctx, res, r.named(args))
	if res.Outcome == report.Settings || ctx.Err() != nil {
		return res, chain
	}
	if err := r.export(ctx, res, dir); err != nil {
		if wrong := failure.As(err); wrong.Class == failure.HashMismatch {
			res.Outcome, res.Message = report.Integrity, fmt.Sprintf("the module cache has other bytes than it should; run modferry fetch --verify-present: %s", wrong)
		} else {
			res.Outcome, res.Message = report.Settings, fmt.Sprintf("export to %s: %v", dir, err)
		}
		return res, chain
	}
	if abs, err := filepath.Abs(dir); err == nil && res.Outcome == report.OK && res.Message == "" {
		res.Message = "exported, to be used with GOPROXY=" + session.FileURL(abs)
	}
	return res, chain
}

func (r *run) export(ctx context.Context, res *report.Result, dir string) error {
	cache, err := modcache.OpenForReading(r.Env.Get("GOMODCACHE"))
	if err != nil {
		return err
	}
	out, err := proxydir.Create(dir, r.Values.Checkout.Root)
	if err != nil {
		return err
	}
	defer out.Close()
	x := exporter{cache: cache, out: out, lists: map[string][]string{}}
	infos := map[module.Version]bool{}
	for _, m := range res.Modules {
		v := module.Version{Path: m.Path, Version: m.Version}
		if m.Source == report.FromFailed || m.Source == report.FromDeferred {
			continue
		}
		kind := m.Kind
		if kind == report.KindToolchain {
			kind = report.KindZip
		}
		if err := x.copy(ctx, v, kind, m.Sum); err != nil {
			return err
		}
		if !infos[v] {
			infos[v] = true
			if err := x.info(v); err != nil {
				return err
			}
		}
	}
	for path, versions := range x.lists {
		if err := out.List(path, versions); err != nil {
			return err
		}
	}
	// A database that is not here would be looked for elsewhere.
	for _, db := range r.SumDBs() {
		var said map[string][]byte
		if r.found != nil {
			said = r.found.Proofs[db.Name]
		}
		if err := out.SumDB(db.Name, said); err != nil {
			return err
		}
	}
	return nil
}

type exporter struct {
	cache *modcache.Cache
	out   *proxydir.Dir
	lists map[string][]string
}

// copy copies a file that has the hash.
func (x exporter) copy(ctx context.Context, v module.Version, kind, h1 string) error {
	var f *os.File
	var err error
	if kind == report.KindZip {
		f, err = x.cache.OpenWholeZip(ctx, v, h1)
		if errors.Is(err, fs.ErrNotExist) {
			err = misfit(v, kind)
		}
	} else if f, err = x.cache.OpenFile(v, kind); err == nil {
		var is string
		if is, err = modcache.HashMod(v, f); err == nil && is != h1 {
			err = misfit(v, kind)
		}
		if err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
	}
	if f != nil {
		defer f.Close()
	}
	if err != nil {
		return err
	}
	return x.out.Put(v, kind, f)
}

func misfit(v module.Version, kind string) error {
	e := failure.New(failure.HashMismatch, "read the module cache", "", nil)
	e.Detail = fmt.Sprintf("%s %s has another hash, or is gone", v, kind)
	return e
}

// info copies the .info of a module, if there is one: builds work without.
func (x exporter) info(v module.Version) error {
	if !x.cache.HasInfo(v) {
		return nil
	}
	f, err := x.cache.OpenFile(v, download.KindInfo)
	if err != nil {
		return err
	}
	defer f.Close()
	x.lists[v.Path] = append(x.lists[v.Path], v.Version)
	return x.out.Put(v, download.KindInfo, f)
}
