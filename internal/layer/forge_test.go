package layer

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/module"
)

// part is a line in a frame with what follows it.
type part struct {
	kind, name string // as in line
	data       string
}

// forged is a frame as a test wants it: a label and parts.
type forged struct {
	label string // path@version, or "*"
	parts []part
}

// of is the first part of a kind, and a file's of that name.
func (f *forged) of(kind, name string) *part {
	i := slices.IndexFunc(f.parts, func(p part) bool { return p.kind == kind && (name == "" || p.name == name) })
	if i < 0 {
		panic("the frame has no " + kind + " " + name)
	}
	return &f.parts[i]
}

// text is the frame before compression.
func (f forged) text() string {
	var b strings.Builder
	for _, p := range f.parts {
		switch p.kind {
		case lineModule:
			b.WriteString("module " + p.name + "\n")
		case lineFile:
			b.WriteString("file " + strconv.Itoa(len(p.data)) + " " + p.name + "\n" + p.data)
		default:
			b.WriteString(p.kind + " " + strconv.Itoa(len(p.data)) + "\n" + p.data)
		}
	}
	return b.String()
}

func compressed(t testing.TB, text string) []byte {
	t.Helper()
	z, err := newEncoder(int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	return z.EncodeAll([]byte(text), nil)
}

// labelled is a frame with a label before it.
func labelled(name string, frame []byte) []byte {
	text := strconv.Itoa(len(frame)) + " " + name
	head := []byte{0x50, 0x2a, 0x4d, 0x18, byte(len(text)), byte(len(text) >> 8), 0, 0}
	return append(append(head, text...), frame...)
}

// layerOf is a layer of the frames.
func layerOf(t testing.TB, frames ...forged) []byte {
	t.Helper()
	var out []byte
	for _, f := range frames {
		out = append(out, labelled(f.label, compressed(t, f.text()))...)
	}
	return out
}

// collector unpacks a layer into forged frames.
type collector struct {
	mu     sync.Mutex
	frames []forged
	spoilt []string
}

// opened is what a layer holds, in order.
func opened(ctx context.Context, r io.Reader) (*collector, error) {
	c := &collector{}
	in := &input{ctx: ctx, r: r, budget: &budget{}}
	u := &unpacker{
		in:    in,
		want:  func(label) bool { return true },
		hold:  func(int64) error { return nil },
		letGo: func(int64) {},
		start: func(work func()) error { work(); return nil },
		take: func(l label, from *contents) error {
			f := forged{label: l.name()}
			err := readParts(from, func(p part) { f.parts = append(f.parts, p) })
			c.mu.Lock()
			defer c.mu.Unlock()
			c.frames = append(c.frames, f)
			return err
		},
		spoilt: func(l label, err error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.spoilt = append(c.spoilt, l.name()+": "+err.Error())
		},
	}
	return c, u.unpack()
}

func readParts(from *contents, add func(part)) error {
	for {
		l, err := from.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		p := part{kind: l.kind, name: l.name}
		if l.kind == lineModule {
			p.name = l.module.String()
		} else {
			data, err := io.ReadAll(from)
			if err != nil {
				return err
			}
			p.data = string(data)
		}
		add(p)
	}
}

// tampered changes the frames of the layers of s by edit.
func tampered(t *testing.T, s *memory, edit func([]forged) []forged) {
	t.Helper()
	for _, name := range s.layers() {
		c, err := opened(t.Context(), bytes.NewReader(s.data[name]))
		if err != nil || len(c.spoilt) > 0 {
			t.Fatal(err, c.spoilt)
		}
		slices.SortFunc(c.frames, func(a, b forged) int { return strings.Compare(a.label, b.label) })
		s.data[name] = layerOf(t, edit(c.frames)...)
	}
}

// stored is text, at most a block of it, as zstd without compression and without
// a checksum.
func stored(text string) []byte {
	return append([]byte("\x28\xb5\x2f\xfd\x00\x38"), rawBlock(text, true)...)
}

// rawBlock is text as a block of zstd that is not compressed.
func rawBlock(text string, last bool) []byte {
	h := uint32(len(text)) << 3
	if last {
		h |= 1
	}
	return append([]byte{byte(h), byte(h >> 8), byte(h >> 16)}, text...)
}

// zeros is a frame of text and then n zeros, a multiple of 128 KiB: 4 bytes for
// each 128 KiB.
func zeros(text string, n int64) []byte {
	const block = 128 << 10
	const h = block<<3 | 1<<1
	out := append([]byte("\x28\xb5\x2f\xfd\x00\x58"), rawBlock(text, false)...)
	out = append(out, bytes.Repeat([]byte{h & 0xff, h >> 8 & 0xff, h >> 16, 0}, int(n/block))...)
	return append(out, 1, 0, 0)
}

func member(path, version, kind string) Member {
	return Member{module.Version{Path: path, Version: version}, kind}
}
