package layer

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/worklist"
)

// The beginnings of entry names; the number is that of the format.
const (
	IndexPrefix = "modferry-i2-"
	LayerPrefix = "modferry-l2-"
	NamePrefix  = "modferry-" // of both
)

// indexSchema names the format of an index.
const indexSchema = "modferry.index/2"

// Bounds of an index: far above any real one, far below what hurts.
const (
	maxIndex  = 64 << 20
	maxLayers = 1000
)

// Key says whose modules an index lists.
type Key struct {
	Project string // of the main modules
	Sums    string // of the go.sum lines that the checkout needs
}

// KeyOf is the key of a work list. The order of lines in go.sum, comments and
// lines that nobody needs make no difference.
func KeyOf(list *worklist.List) Key {
	var mains, sums []string
	for _, m := range list.Mains {
		mains = append(mains, m.Dir+" "+m.Path)
	}
	for _, m := range list.Modules {
		sums = append(sums, m.Path+" "+m.Version+" "+m.Zip+" "+m.Mod)
	}
	return Key{Project: digest(mains, 4), Sums: digest(sums, 8)}
}

// String begins the name of every index of the key.
func (k Key) String() string { return IndexPrefix + k.Project + "-" + k.Sums + "-" }

// prefixes are what indexes are looked for by: the key's, the project's, and
// that of anybody who uses the same store.
func (k Key) prefixes() []string {
	return []string{k.String(), IndexPrefix + k.Project + "-", IndexPrefix}
}

func digest(lines []string, n int) string {
	lines = slices.Clone(lines)
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:n])
}

// Index says which layer holds what. The zero value holds nothing.
type Index struct {
	Layers []Layer

	// Name of the entry it was read from, "" for a new one; Exact says that it
	// was saved for the very same go.sum lines.
	Name  string
	Exact bool
}

// Layer is one layer of an index.
type Layer struct {
	Name    string
	Bytes   int64            // of the entry
	Members map[Member]int64 // → size before compression in bytes
}

// The JSON of an index. What there is of one module stands together; 0 or absent
// means that the layer does not hold it.
type (
	indexJSON struct {
		Schema string      `json:"schema"`
		Layers []layerJSON `json:"layers"`
	}
	layerJSON struct {
		Name  string     `json:"name"`
		Bytes int64      `json:"bytes"`
		Files []fileJSON `json:"files"`
	}
	fileJSON struct {
		Module string `json:"module"` // path@version
		Zip    int64  `json:"zip,omitempty"`
		Mod    int64  `json:"mod,omitempty"`
		Info   int64  `json:"info,omitempty"`
	}
)

func (f *fileJSON) of(kind string) *int64 {
	switch kind {
	case kindZip:
		return &f.Zip
	case kindMod:
		return &f.Mod
	}
	return &f.Info
}

// encode makes the same bytes of the same index, whoever saves it.
func (x *Index) encode() ([]byte, error) {
	out := indexJSON{Schema: indexSchema, Layers: []layerJSON{}}
	for _, l := range x.Layers {
		files := map[module.Version]*fileJSON{}
		for m, size := range l.Members {
			f := files[m.Module]
			if f == nil {
				f = &fileJSON{Module: m.Module.String()}
				files[m.Module] = f
			}
			*f.of(m.Kind) = size
		}
		lj := layerJSON{Name: l.Name, Bytes: l.Bytes}
		for _, f := range files {
			lj.Files = append(lj.Files, *f)
		}
		slices.SortFunc(lj.Files, func(a, b fileJSON) int { return cmp.Compare(a.Module, b.Module) })
		out.Layers = append(out.Layers, lj)
	}
	data, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode the index: %w", err)
	}
	return data, nil
}

// decode reads an index. Its text is not trusted: names are checked as if a
// stranger had written them.
func decode(r io.Reader) (*Index, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxIndex+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxIndex {
		return nil, fmt.Errorf("the index has more than %d bytes", maxIndex)
	}
	var in indexJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("the index is not JSON: %s", failure.Neutral(err.Error()))
	}
	if in.Schema != indexSchema {
		return nil, fmt.Errorf("the index has the schema %q, expected %q", failure.Neutral(in.Schema), indexSchema)
	}
	if len(in.Layers) > maxLayers {
		return nil, fmt.Errorf("the index lists %d layers, expected at most %d", len(in.Layers), maxLayers)
	}
	x := &Index{}
	for _, lj := range in.Layers {
		if err := store.CheckName(lj.Name); err != nil || !strings.HasPrefix(lj.Name, LayerPrefix) || lj.Bytes < 0 {
			return nil, fmt.Errorf("the index lists %q, which is not a layer", failure.Neutral(lj.Name))
		}
		l := Layer{Name: lj.Name, Bytes: lj.Bytes, Members: map[Member]int64{}}
		for _, f := range lj.Files {
			m, err := parseModule(f.Module)
			if err != nil {
				return nil, fmt.Errorf("read its list of modules: %w", err)
			}
			for _, kind := range []string{kindZip, kindMod, kindInfo} {
				switch size := *f.of(kind); {
				case size < 0:
					return nil, fmt.Errorf("the index gives %s a size of %d", m, size)
				case size > 0:
					l.Members[Member{m, kind}] = size
				}
			}
		}
		x.Layers = append(x.Layers, l)
	}
	return x, nil
}
