package layer

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
)

// Whatever the bytes are: no panic, no line but those of the format, no more
// memory than the layer's size explains, and every error is damage with a
// neutral text.
func FuzzUnpack(f *testing.F) {
	const begin = "module example.test/a@v1.0.0\n"
	for _, text := range []string{
		begin + "mod 4\ntextinfo 0\nfile 3 a/b.go\nabczip 0\n",
		begin + "mod 4\ntext" + begin + "file 0 ../x\n",
		"mod 1\nx", "module ../x@v1\n", begin + "file 99999999999 a\n", begin + "mod", "\n", "",
	} {
		f.Add([]byte(text), true)
		f.Add(labelled("example.test/a@v1.0.0", stored(text)), false)
	}
	small := smallLayer(f)
	f.Add(small, false)
	f.Add(small[:len(small)/2], false)
	f.Add(zeros(begin+"file 524288000 a\n", 1<<20), false)
	f.Add(labelled("*", zeros(begin+"file 524288000 a\n", 1<<20)), false)
	f.Add([]byte("<html>"), false)
	f.Fuzz(func(t *testing.T, data []byte, isText bool) {
		if isText { // what a fuzzer would hardly get through the compression
			if len(data) > 128<<10 {
				return
			}
			data = labelled("*", stored(string(data)))
		}
		c, err := opened(t.Context(), bytes.NewReader(data))
		size := 0
		for _, f := range c.frames {
			for _, p := range f.parts {
				size += len(p.data)
				if p.kind != lineModule && int64(len(p.data)) > lineSize(p.kind) {
					t.Errorf("a %s of %d bytes", p.kind, len(p.data))
				}
			}
		}
		if size > freeUnpacked+maxRatio*len(data) {
			t.Errorf("%d bytes of %d were unpacked", size, len(data))
		}
		if _, damage := errors.AsType[*damageError](err); err != nil && (!damage || err.Error() != failure.Neutral(err.Error())) {
			t.Errorf("error %q", err)
		}
		for _, why := range c.spoilt {
			if _, why, _ = strings.Cut(why, ": "); why != failure.Neutral(why) { // without the frame's name
				t.Errorf("%q is not neutral", why)
			}
		}
	})
}
