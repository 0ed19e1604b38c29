package fetch

import (
	"fmt"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/worklist"
)

// kindInfo is the .info beside a zip. The go command builds without it, so it
// has no entry in the result.
const kindInfo = "info"

// item is one file to bring.
type item struct {
	mod  module.Version
	kind string // report.KindZip, report.KindMod or kindInfo
	want string // the hash it must have; "" for an .info
	path string // below a mirror
	rec  report.Module
	sum  worklist.Position // the line that names the hash
	// alone says that parts of several mirrors did not fit together once: the
	// zip is then brought from one mirror at a time. suspects are the mirrors
	// that had helped.
	alone    bool
	suspects []*mirror.Mirror
	// whole are the mirrors whose own parts did not fit together: they are
	// asked for the zip in one piece.
	whole map[*mirror.Mirror]bool
	// used says that jobs so far used the module, as the index of the cache
	// knows: the go command will want its tree.
	used bool
}

func newItem(m worklist.Module, kind string) (*item, error) {
	v := module.Version{Path: m.Path, Version: m.Version}
	path, err := mirror.FilePath(v, kind)
	if err != nil {
		return nil, fmt.Errorf("%s@%s: %w", m.Path, m.Version, err)
	}
	it := &item{mod: v, kind: kind, path: path,
		rec: report.Module{Path: m.Path, Version: m.Version, Kind: kind, Low: m.Low}}
	switch kind {
	case report.KindZip:
		it.want, it.sum = m.Zip, m.ZipSum
	case report.KindMod:
		it.want, it.sum = m.Mod, m.ModSum
	}
	pos := m.Position()
	it.rec.File, it.rec.Line = pos.File, pos.Line
	return it, nil
}

// entry is the item in the result: its record, with the hash of a file that is
// there.
func (it *item) entry() report.Module {
	e := it.rec
	switch e.Source {
	case report.FromPresent, report.FromCache, report.FromMirror:
		e.Sum = it.want
	}
	return e
}

// limit is the largest size of the file that the go command accepts.
func (it *item) limit() int64 {
	switch it.kind {
	case report.KindZip:
		return mirror.MaxZip
	case report.KindMod:
		return mirror.MaxMod
	}
	return mirror.MaxInfo
}

// rank orders the queue: zips first, since large ones decide when the run
// ends; then what builds read, then what only graph commands read.
func (it *item) rank() int {
	switch {
	case it.kind == report.KindZip:
		return 0
	case it.kind == report.KindMod && !it.rec.Low:
		return 1
	case it.kind == kindInfo:
		return 2
	}
	return 3
}
