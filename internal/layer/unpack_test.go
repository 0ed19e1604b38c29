package layer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/modferry/modferry/internal/failure"
)

// smallLayer is one with everything in it, and not much.
func smallLayer(t testing.TB) []byte {
	return layerOf(t,
		forged{"example.test/a@v1.0.0", []part{
			{lineModule, "example.test/a@v1.0.0", ""}, {kindInfo, "", `{"Version":"v1.0.0"}`}, {kindMod, "", "module example.test/a\n"},
			{lineFile, "a.go", "package a\n"}, {lineFile, "with blanks/and é.txt", "\n\nfile 5 x\n"},
		}},
		forged{"example.test/Zip@v1.0.0-RC1", []part{{lineModule, "example.test/Zip@v1.0.0-RC1", ""}, {kindZip, "", "PK"}}},
		forged{"*", []part{
			{lineModule, "example.test/b@v3.0.0+incompatible", ""}, {kindMod, "", ""},
			{lineModule, "gopkg.in/check.v1@v0.0.0-20161208181325-20d25e280405", ""}, {kindMod, "", "module x\n"},
		}})
}

func TestALayerIsReadAsWritten(t *testing.T) {
	t.Parallel()
	data := smallLayer(t)
	once, err := opened(t.Context(), bytes.NewReader(data))
	if err != nil || len(once.spoilt) > 0 || len(once.frames) != 3 {
		t.Fatalf("%v, %v, %d frames", err, once.spoilt, len(once.frames))
	}
	if got := layerOf(t, once.frames...); !bytes.Equal(got, data) {
		t.Error("what was read is not what was written")
	}
	for name, r := range map[string]io.Reader{
		"one byte at a time":         iotest.OneByteReader(bytes.NewReader(data)),
		"the last bytes and the end": iotest.DataErrReader(bytes.NewReader(data)),
		"a buffer":                   bytes.NewBuffer(bytes.Clone(data)),
	} {
		c, err := opened(t.Context(), r)
		if err != nil || fmt.Sprint(c.frames) != fmt.Sprint(once.frames) {
			t.Errorf("%s: %v, %v", name, err, c.frames)
		}
	}
}

func TestALayerOfNothingIsWhole(t *testing.T) {
	t.Parallel()
	if c, err := opened(t.Context(), strings.NewReader("")); err != nil || len(c.frames) > 0 {
		t.Errorf("%v, %v", err, c.frames)
	}
}

// A layer is unpacked by every zstd program.
func TestALayerIsAFileOfZstd(t *testing.T) {
	t.Parallel()
	z, err := newDecoder(bytes.NewReader(smallLayer(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	text, err := io.ReadAll(z)
	if err != nil || !strings.HasPrefix(string(text), "module example.test/a@v1.0.0\ninfo 20\n{") || !strings.HasSuffix(string(text), "module x\n") {
		t.Errorf("%v\n%s", err, text)
	}
}

// Cut anywhere but between two frames: then only the index can tell.
func TestALayerCutAnywhereIsAnError(t *testing.T) {
	t.Parallel()
	data := smallLayer(t)
	whole := 0
	for n := range data {
		c, err := opened(t.Context(), bytes.NewReader(data[:n]))
		if err == nil && len(c.spoilt) == 0 {
			whole++
			continue
		}
		if !isDamage(err) {
			t.Errorf("cut after %d of %d bytes: error %v", n, len(data), err)
		}
	}
	if whole != 3 { // before the first, second and third frame
		t.Errorf("%d cuts were no error, want 3", whole)
	}
}

func isDamage(err error) bool {
	_, ok := errors.AsType[*damageError](err)
	return ok
}

func TestDamageOutsideOfFramesEndsTheLayer(t *testing.T) {
	t.Parallel()
	good := labelled("example.test/good@v1.0.0", compressed(t, "module example.test/good@v1.0.0\nmod 4\ngood"))
	text := func(s string) []byte {
		return append(binary.LittleEndian.AppendUint32([]byte{0x50, 0x2a, 0x4d, 0x18}, uint32(len(s))), s...)
	}
	for name, bad := range map[string][]byte{
		"a page":                        []byte("<html>sign in</html>"),
		"a frame without a label":       compressed(t, "module example.test/a@v1.0.0\n"),
		"another skippable frame":       []byte("\x51\x2a\x4d\x18\x04\x00\x00\x00skip"),
		"a label of 4 GiB":              []byte("\x50\x2a\x4d\x18\xff\xff\xff\xffskip"),
		"a label beyond the limit":      text("1 example.test/" + strings.Repeat("a", maxLabel)),
		"an empty label":                text(""),
		"no module":                     text("1"),
		"no size":                       text(" example.test/a@v1.0.0"),
		"a negative size":               text("-1 example.test/a@v1.0.0"),
		"a size with a sign":            text("+1 example.test/a@v1.0.0"),
		"a size with zeros":             text("01 example.test/a@v1.0.0"),
		"a size in hexadecimal":         text("0x1 example.test/a@v1.0.0"),
		"a size beyond 64 bits":         text("99999999999999999999 example.test/a@v1.0.0"),
		"a size of a terabyte":          text("1099511627776 example.test/a@v1.0.0"),
		"a module path that leads out":  text("0 ../../evil@v1.0.0"),
		"a version that leads out":      text("0 example.test/a@../../v1.0.0"),
		"a version that is a branch":    text("0 example.test/a@master"),
		"a version that is short":       text("0 example.test/a@v1"),
		"a workflow command":            text("0 ::error::x@v1.0.0"),
		"a module with a control code":  text("0 example.test/\x1b[31m@v1.0.0"),
		"a frame that is longer":        text("100 example.test/a@v1.0.0"),
		"a frame of nothing, and bytes": append(text("0 *"), "garbage"...),
	} {
		c, err := opened(t.Context(), bytes.NewReader(append(bytes.Clone(good), bad...)))
		if !isDamage(err) {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		if why := err.Error(); why != failure.Neutral(why) {
			t.Errorf("%s: %q is not neutral", name, why)
		}
		if len(c.frames) == 0 || c.frames[0].label != "example.test/good@v1.0.0" {
			t.Errorf("%s: what came before is %v", name, c.frames)
		}
	}
}

func TestDamageInAFrameIsThatFramesAlone(t *testing.T) {
	t.Parallel()
	const begin = "module example.test/a@v1.0.0\n"
	good := labelled("example.test/good@v1.0.0", compressed(t, "module example.test/good@v1.0.0\nmod 4\ngood"))
	header := func(descriptor, window byte) []byte {
		return []byte{0x28, 0xb5, 0x2f, 0xfd, descriptor, window, 1, 0, 0}
	}
	wrong := compressed(t, begin+"mod 9\nincorrect")
	wrong[len(wrong)-1] ^= 1 // of the checksum
	for name, frame := range map[string][]byte{
		"nothing":                      {},
		"no zstd":                      []byte("<html>sign in</html>"),
		"half of a frame":              compressed(t, begin)[:8],
		"bytes behind the frame":       append(compressed(t, begin), "garbage"...),
		"another checksum":             wrong,
		"a window of 16 MiB":           header(0, 14<<3),
		"a window of 3.75 TiB":         header(0, 31<<3|7),
		"a segment of 4 GiB":           {0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xff, 0xff, 0xff, 0xff, 1, 0, 0},
		"a dictionary that nobody has": {0x28, 0xb5, 0x2f, 0xfd, 0x01, 12 << 3, 7, 1, 0, 0},
		"a body that is shorter":       stored(begin + "mod 5\n1234"),
		"no line feed":                 stored(begin + "mod 0"),
		"an empty line":                stored(begin + "\n"),
		"a kind that is none":          stored(begin + "ziphash 0\n"),
		"a kind in capital letters":    stored(begin + "MOD 0\n"),
		"a kind without a size":        stored(begin + "mod\n"),
		"a size with text behind it":   stored(begin + "mod 0 x\n"),
		"a size with zeros":            stored(begin + "mod 00\n"),
		"a negative size":              stored(begin + "file -1 a.go\n"),
		"a go.mod beyond the limit":    stored(begin + "mod 16777217\n"),
		"an .info beyond the limit":    stored(begin + "info 262145\n"),
		"a zip beyond the limit":       stored(begin + "zip 524288001\n"),
		"a file beyond the limit":      stored(begin + "file 524288001 a.go\n"),
		"a line that is too long":      stored(begin + "file 0 " + strings.Repeat("a/", maxLine/2) + "\n"),
		"a line that never ends":       stored(begin + "file 0 " + strings.Repeat("a", 100<<10)),
		"no module":                    stored("module \n"),
		"a module that leads out":      stored("module ../../evil@v1.0.0\n"),
		"a bomb in a body":             zeros(begin+"file 524288000 a\n", 200<<20),
		"a bomb in a line":             zeros(begin, 200<<20),
	} {
		data := append(labelled("example.test/a@v1.0.0", frame), good...)
		c, err := opened(t.Context(), bytes.NewReader(data))
		if err != nil || len(c.spoilt) != 1 {
			if name != "nothing" || err != nil { // zstd takes no bytes for no frames
				t.Errorf("%s: error %v, spoilt %q", name, err, c.spoilt)
			}
			continue
		}
		if why := c.spoilt[0]; why != failure.Neutral(why) {
			t.Errorf("%s: %q is not neutral", name, why)
		}
		if last := c.frames[len(c.frames)-1]; last.label != "example.test/good@v1.0.0" || len(last.parts) != 2 {
			t.Errorf("%s: the next frame is %v", name, last)
		}
	}
}

// All frames of a layer share what it may unpack to.
func TestManySmallBombsAreOne(t *testing.T) {
	t.Parallel()
	bomb := labelled("example.test/a@v1.0.0", zeros("module example.test/a@v1.0.0\nfile 33554432 a\n", 32<<20))
	data := bytes.Repeat(bomb, 1000)
	c, err := opened(t.Context(), bytes.NewReader(data))
	if err != nil || len(c.spoilt) < 900 {
		t.Errorf("error %v, %d frames refused", err, len(c.spoilt))
	}
}

func TestAnErrorOfReadingIsPassedOnAndIsNoDamage(t *testing.T) {
	t.Parallel()
	data := smallLayer(t)
	stall := failure.New(failure.Stall, "get", "https://store.example.test/layer", errors.New("nothing came"))
	for name, broken := range map[string]error{"a failure": stall, "an early end that the store noticed": io.ErrUnexpectedEOF} {
		for _, n := range []int{0, 1, 8, 9, 40, len(data) / 2, len(data) - 1, len(data)} {
			_, err := opened(t.Context(), io.MultiReader(bytes.NewReader(data[:n]), breaking{broken}))
			if !errors.Is(err, broken) || isDamage(err) {
				t.Errorf("%s after %d bytes: error %v", name, n, err)
			}
		}
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	why := errors.New("the restore was too slow")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := opened(ctx, bytes.NewReader(smallLayer(t))); !errors.Is(err, why) || isDamage(err) {
		t.Errorf("error %v", err)
	}
}

// What nobody wants is passed over and not unpacked.
func TestFramesThatNobodyWantsAreSkipped(t *testing.T) {
	t.Parallel()
	data := append(labelled("example.test/a@v1.0.0", []byte("no zstd at all")), smallLayer(t)...)
	var took []string
	u := &unpacker{
		in:    &input{ctx: t.Context(), r: bytes.NewReader(data), budget: &budget{}},
		want:  func(l label) bool { return l.name() == "*" },
		hold:  func(int64) error { return nil },
		letGo: func(int64) {},
		start: func(work func()) error { work(); return nil },
		take:  func(l label, c *contents) error { took = append(took, l.name()); return nil },
		spoilt: func(l label, err error) {
			t.Errorf("%s: %v", l.name(), err)
		},
	}
	if err := u.unpack(); err != nil || len(took) != 1 {
		t.Errorf("took %q, error %v", took, err)
	}
}
