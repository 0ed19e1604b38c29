package layer

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/modferry/modferry/internal/mirror"
)

func TestTooManyRejectionsEndIt(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for range maxRejected + 1 {
		text.WriteString(rawFile(tar.TypeSymlink, "x", ""))
	}
	u := unpackAll(t.Context(), bytes.NewReader(compressed(t, text.String()+endOfTar)))
	if len(u.rejected) != maxRejected || !isArchiveError(u.err) {
		t.Errorf("%d rejections, error %v", len(u.rejected), u.err)
	}
}

func TestTooManyMembersEndIt(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	defer r.Close()
	go func() {
		z, err := zstd.NewWriter(w, encoding()...)
		if err != nil {
			_ = w.CloseWithError(err)
			return
		}
		for i := range maxMembers + 1 {
			if _, err := z.Write(rawHeader(tar.TypeReg, fmt.Sprintf("cache/download/example.test/a/@v/v1.0.%d.mod", i), 0)); err != nil {
				return // the reader has gone
			}
		}
		_, _ = io.WriteString(z, endOfTar)
		_ = w.CloseWithError(z.Close())
	}()
	n := 0
	err := unpack(t.Context(), r, func(Member) bool { n++; return false }, nil, nil)
	if n != maxMembers || !isArchiveError(err) {
		t.Errorf("%d members, error %v", n, err)
	}
}

func TestAHeaderThatClaimsATerabyte(t *testing.T) {
	t.Parallel()
	text := tarWithoutEnd(t, file(zipName, "good")) + string(rawHeader(tar.TypeReg, strings.Replace(zipName, "good", "large", 1), 1<<40)) + "a few bytes"
	u := unpackAll(t.Context(), bytes.NewReader(compressed(t, text)))
	if len(u.rejected) != 1 || !errors.Is(u.err, io.ErrUnexpectedEOF) || !isArchiveError(u.err) || u.content[zipName] != "good" {
		t.Errorf("took %q, rejected %q, error %v", u.content, u.rejected, u.err)
	}
}

func TestAMemberShorterThanItsHeader(t *testing.T) {
	t.Parallel()
	text := string(rawHeader(tar.TypeReg, zipName, 5000)) + strings.Repeat("x", 4999)
	u := unpackAll(t.Context(), bytes.NewReader(compressed(t, text)))
	if !errors.Is(u.err, io.ErrUnexpectedEOF) || !isArchiveError(u.err) || len(u.content) != 0 {
		t.Errorf("took %d members, error %v", len(u.content), u.err)
	}
}

// smallArchive is one with everything in it, and not much.
func smallArchive(t testing.TB) []byte {
	return packed(t,
		packable(member("example.test/a", "v1.0.0", kindMod), "module example.test/a\n"),
		packable(member("example.test/a", "v1.0.0", kindZip), randomText(4, 600)),
		packable(member("example.test/B", "v1.0.0-RC1", kindInfo), `{"Version":"v1.0.0-RC1"}`))
}

func TestAnArchiveCutAnywhereIsAnError(t *testing.T) {
	t.Parallel()
	archive := smallArchive(t)
	for n := range archive {
		if u := unpackAll(t.Context(), bytes.NewReader(archive[:n])); !isArchiveError(u.err) {
			t.Errorf("cut after %d of %d bytes: error %v", n, len(archive), u.err)
		}
	}
	// Cut before it was compressed, so that only the tar can tell.
	text := tarOf(t, "", file(zipName, randomText(5, 600)), file("cache/download/example.test/good/@v/v1.0.0.mod", "module"))
	for n := range len(text) {
		if u := unpackAll(t.Context(), bytes.NewReader(stored(text[:n]))); !isArchiveError(u.err) {
			t.Errorf("tar cut after %d of %d bytes: error %v", n, len(text), u.err)
		}
	}
}

// Whatever bit flips, either it is found or it made no difference.
func TestAFlippedBitIsFoundByTheChecksum(t *testing.T) {
	t.Parallel()
	archive := smallArchive(t)
	good := unpackAll(t.Context(), bytes.NewReader(archive))
	if good.err != nil || len(good.content) != 3 {
		t.Fatalf("took %d members, error %v", len(good.content), good.err)
	}
	harmless := 0
	for i := range archive {
		for bit := range 8 {
			flipped := bytes.Clone(archive)
			flipped[i] ^= 1 << bit
			u := unpackAll(t.Context(), bytes.NewReader(flipped))
			switch {
			case isArchiveError(u.err):
			case u.err != nil:
				t.Errorf("bit %d of byte %d: error %v", bit, i, u.err)
			case !maps.Equal(u.content, good.content) || len(u.rejected) > 0:
				t.Errorf("bit %d of byte %d made a difference that nobody found", bit, i)
			default:
				harmless++
			}
		}
	}
	// There are a few, like the bit that the format does not use.
	if harmless > len(archive)/10 {
		t.Errorf("%d flips made no difference", harmless)
	}
}

// As if the checksum were right: only the structure is left to tell.
func TestAFlippedByteInTheTarNeverMakesAnotherName(t *testing.T) {
	t.Parallel()
	text := tarOf(t, "", file(zipName, randomText(5, 600)), file("cache/download/example.test/good/@v/v1.0.0.mod", "module"))
	for i := range len(text) {
		for _, bits := range []byte{1, 0x20, 0xff} {
			flipped := []byte(text)
			flipped[i] ^= bits
			u := unpackAll(t.Context(), bytes.NewReader(stored(string(flipped))))
			for name := range u.content {
				if _, err := parseName(name); err != nil {
					t.Errorf("bits %#x of byte %d: took %s: %v", bits, i, name, err)
				}
			}
			if u.err != nil && !isArchiveError(u.err) {
				t.Errorf("bits %#x of byte %d: error %v", bits, i, u.err)
			}
			if u.err == nil && len(u.content)+len(u.rejected) != 2 {
				t.Errorf("bits %#x of byte %d: %d taken and %d rejected, without an error", bits, i, len(u.content), len(u.rejected))
			}
		}
	}
}

func TestMoreAfterTheEndIsAnError(t *testing.T) {
	t.Parallel()
	good := tarOf(t, "", file(zipName, "good"))
	for name, archive := range map[string][]byte{
		"zeros in the frame":         compressed(t, good+"\x00"),
		"another tar in the frame":   compressed(t, good+good),
		"text in the frame":          compressed(t, good+"garbage"),
		"another frame":              append(compressed(t, good), compressed(t, "garbage")...),
		"one byte behind the frame":  append(compressed(t, good), 'x'),
		"bytes behind the frame":     append(compressed(t, good), "garbage"...),
		"the beginning of a frame":   append(compressed(t, good), "\x28\xb5\x2f\xfd"...),
		"a block after only one end": compressed(t, strings.TrimSuffix(good, endOfTar)+endOfTar[:512]+strings.Repeat("x", 512)),
	} {
		u := unpackAll(t.Context(), bytes.NewReader(archive))
		if !isArchiveError(u.err) || u.content[zipName] != "good" {
			t.Errorf("%s: took %q, error %v", name, u.content, u.err)
		}
		if strings.HasSuffix(name, "in the frame") && !strings.HasSuffix(fmt.Sprint(u.err), "found data after its end") {
			t.Errorf("%s: error %v", name, u.err)
		}
	}
}

func TestFramesThatFollowEachOtherAreOneArchive(t *testing.T) {
	t.Parallel()
	good := tarOf(t, "", file(zipName, randomText(6, 3000)))
	skippable := []byte("\x50\x2a\x4d\x18\x04\x00\x00\x00skip")
	for name, archive := range map[string][]byte{
		"two frames":                   append(compressed(t, good[:700]), compressed(t, good[700:])...),
		"a skippable frame before it":  append(bytes.Clone(skippable), compressed(t, good)...),
		"a skippable frame after it":   append(compressed(t, good), skippable...),
		"an empty frame between two":   bytes.Join([][]byte{compressed(t, good[:700]), compressed(t, "", zstd.WithZeroFrames(true)), compressed(t, good[700:])}, nil),
		"a frame for each single byte": bytes.Join(single(t, good), nil),
	} {
		u := unpackAll(t.Context(), bytes.NewReader(archive))
		if u.err != nil || len(u.content[zipName]) != 3000 {
			t.Errorf("%s: took %d bytes, error %v", name, len(u.content[zipName]), u.err)
		}
	}
	cut := append(compressed(t, good), skippable[:10]...)
	if u := unpackAll(t.Context(), bytes.NewReader(cut)); !isArchiveError(u.err) {
		t.Errorf("a skippable frame that is cut short: error %v", u.err)
	}
}

func TestAFrameWithAHugeWindowIsRefused(t *testing.T) {
	t.Parallel()
	header := func(descriptor, window byte) []byte { return []byte{0x28, 0xb5, 0x2f, 0xfd, descriptor, window} }
	empty := []byte{1, 0, 0} // the last block, raw, of no bytes
	for name, archive := range map[string][]byte{
		"16 MiB":                       append(header(0, 14<<3), empty...),
		"9 MiB":                        append(header(0, 13<<3|1), empty...),
		"3.75 TiB":                     append(header(0, 31<<3|7), empty...),
		"a single segment of 4 GiB":    append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xff, 0xff, 0xff, 0xff}, empty...),
		"a single segment of 16 EiB":   append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, empty...),
		"a dictionary that nobody has": append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x01, 13 << 3, 7}, empty...),
		"a second frame with a dictionary": append(compressed(t, tarWithoutEnd(t, file(zipName, "good"))),
			append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x01, 13 << 3, 7}, empty...)...),
	} {
		if u := unpackAll(t.Context(), bytes.NewReader(archive)); !isArchiveError(u.err) || errors.Is(u.err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: error %v", name, u.err)
		}
	}
	// 8 MiB is what every decoder has to take.
	text := tarOf(t, "", file(zipName, "good"))
	archive := append(header(0, 13<<3), rawBlock(text, true)...)
	if u := unpackAll(t.Context(), bytes.NewReader(archive)); u.err != nil || u.content[zipName] != "good" {
		t.Errorf("8 MiB: took %q, error %v", u.content, u.err)
	}
}

func TestABombIsFoundBeforeItHasUnpackedMuch(t *testing.T) {
	t.Parallel()
	const bomb = 100 << 30
	begin := func(text string) io.Reader {
		return io.MultiReader(strings.NewReader("\x28\xb5\x2f\xfd\x00\x68"), bytes.NewReader(rawBlock(text, false)))
	}
	many := []io.Reader{begin("")}
	for i := range bomb / mirror.MaxZip {
		many = append(many,
			bytes.NewReader(rawBlock(string(rawHeader(tar.TypeReg, fmt.Sprintf("cache/download/example.test/a/@v/v1.0.%d.zip", i), mirror.MaxZip)), false)),
			zeros(mirror.MaxZip))
	}
	for _, tt := range []struct {
		name string
		r    io.Reader
	}{
		{"in a file of 100 GiB", io.MultiReader(begin(string(rawHeader(tar.TypeReg, zipName, bomb))), zeros(bomb))},
		{"in files of a size that is allowed", io.MultiReader(many...)},
		{"in a link's body", io.MultiReader(begin(string(rawHeader(tar.TypeGNUSparse, zipName, bomb))), zeros(bomb))},
		{"behind the end", io.MultiReader(begin(tarOf(t, "", file(zipName, "good"))), zeros(bomb))},
		{"in attributes", io.MultiReader(begin(string(rawHeader(tar.TypeXHeader, "pax", bomb))), zeros(bomb))},
		{"in a long name", io.MultiReader(begin(string(rawHeader(tar.TypeGNULongName, "x", bomb))), zeros(bomb))},
		{"of nothing but zeros", io.MultiReader(begin(""), zeros(bomb))},
	} {
		for _, wanted := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, wanted %v", tt.name, wanted), func(t *testing.T) {
				in := &input{ctx: t.Context(), r: tt.r}
				var got int64
				err := unpack(t.Context(), in, func(Member) bool { return wanted },
					func(_ Member, _ int64, body io.Reader) error {
						n, err := io.Copy(io.Discard, body)
						got += n
						return err
					}, func(rejection) {})
				if !isArchiveError(err) {
					t.Errorf("error %v", err)
				}
				if got > freeUnpacked+maxRatio*in.n || in.n > 100<<10 {
					t.Errorf("%d bytes were read and %d taken", in.n, got)
				}
			})
		}
	}
}

// Nothing but text that comes again and again is a layer, too, while it is
// small.
func TestAFewFilesThatCompressWellAreNoBomb(t *testing.T) {
	t.Parallel()
	var files []source
	for i := range 20 {
		files = append(files, packable(member("example.test/a", fmt.Sprintf("v1.0.%d", i), kindZip), strings.Repeat("x", 3<<20)))
	}
	archive := packed(t, files...)
	if u := unpackAll(t.Context(), bytes.NewReader(archive)); u.err != nil || len(u.content) != len(files) || len(archive) > 100<<10 {
		t.Errorf("took %d members of %d bytes, error %v", len(u.content), len(archive), u.err)
	}
}
