package download

import (
	"fmt"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/layer"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/worklist"
)

// KindInfo is the .info beside a zip. The go command builds without it, so it
// has no entry in the result of a run.
const KindInfo = report.KindInfo

// Item is one file to bring, and what became of it. One goroutine works on it at
// a time.
type Item struct {
	Mod  module.Version
	Kind string // report.KindZip, report.KindMod or KindInfo; of a page what its reader calls it
	// Want is the hash it must have; "" for an .info and a page, and for what only the
	// shelf can judge.
	Want string
	// Record is the file in the result: where it is from, and every attempt.
	Record report.Module
	Sum    worklist.Position // the line that names the hash
	// Read says that builds read the module: the go command will want its tree.
	Read bool
	// Onward says of an item that was not brought that every failure falls back and
	// that the chain ends in direct: the go command would go on to version control.
	Onward bool

	path string // below a mirror
	page *page  // nil for what is put on the shelf
	// alone says that parts of several mirrors did not fit together once: the
	// zip is then brought from one mirror at a time. suspects are the mirrors
	// that had helped.
	alone    bool
	suspects []*mirror.Mirror
	// whole are the mirrors whose own parts did not fit together: they are
	// asked for the zip in one piece.
	whole map[*mirror.Mirror]bool
}

// NewItem is a file of a module that is to be brought: kind is report.KindZip,
// report.KindMod or KindInfo.
func NewItem(m worklist.Module, kind string) (*Item, error) {
	v := m.ID()
	path, err := mirror.FilePath(v, kind)
	if err != nil {
		return nil, fmt.Errorf("%s@%s: %w", m.Path, m.Version, err)
	}
	it := &Item{Mod: v, Kind: kind, path: path,
		Record: report.Module{Path: m.Path, Version: m.Version, Kind: kind, Optional: m.Optional}}
	switch kind {
	case report.KindZip:
		it.Want, it.Sum = m.Zip, m.ZipSum
	case report.KindMod:
		it.Want, it.Sum = m.Mod, m.ModSum
	}
	pos := m.Position()
	it.Record.File, it.Record.Line = pos.File, pos.Line
	return it, nil
}

// Entry is the item in the result: its record, with the hash of a file that is
// there.
func (it *Item) Entry() report.Module {
	e := it.Record
	switch e.Source {
	case report.FromPresent, report.FromCache, report.FromMirror:
		e.Sum = it.Want
	}
	return e
}

// Member is the item as layers name it.
func (it *Item) Member() layer.Member {
	return layer.Member{Module: it.Mod, Kind: it.Kind}
}

// Extracts reports whether the item's tree is wanted, too.
func (it *Item) Extracts(v *settings.Values) bool {
	switch v.Extract {
	case "all":
		return true
	case "needed":
		return it.Read
	}
	return false
}

// limit is the largest size of the file that the go command accepts.
func (it *Item) limit() int64 {
	switch {
	case it.page != nil:
		return it.page.o.Max
	case it.Kind == report.KindZip:
		return mirror.MaxZip
	case it.Kind == report.KindMod:
		return mirror.MaxMod
	}
	return mirror.MaxInfo
}
