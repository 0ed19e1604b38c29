package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
)

// zipName is the name of a member that is in order.
const zipName = "cache/download/example.test/good/@v/v1.0.0.zip"

// entry is a member as tar has it. A header with a name in Raw is written as it
// stands, without the checks of tar.Writer.
type entry struct {
	tar.Header
	body string
}

// file is a regular file as pack writes it.
func file(name, body string) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(body))}, body}
}

// rawHeader is a ustar header of that type, name and size, written by hand:
// tar.Writer refuses the odd ones.
func rawHeader(flag byte, name string, size int64) []byte {
	h := make([]byte, 512)
	copy(h[0:100], name)
	copy(h[100:108], "0000444\x00")
	copy(h[108:116], "0000000\x00")
	copy(h[116:124], "0000000\x00")
	if size < 1<<33 {
		copy(h[124:136], fmt.Sprintf("%011o\x00", size))
	} else {
		binary.BigEndian.PutUint64(h[128:136], uint64(size))
		h[124] = 0x80 // base 256, as GNU tar writes large numbers
	}
	copy(h[136:148], "00000000000\x00")
	h[156] = flag
	copy(h[257:265], "ustar\x0000")
	return summed(h)
}

// sparseHeader is that of GNU tar for a file with four bytes at its beginning
// and none in the rest.
func sparseHeader(name string, size int64) []byte {
	h := rawHeader(tar.TypeGNUSparse, name, 4)
	copy(h[257:265], "ustar  \x00")
	copy(h[386:410], "00000000000\x0000000000004\x00")
	copy(h[483:495], fmt.Sprintf("%011o\x00", size))
	return summed(h)
}

// summed puts the checksum into a header.
func summed(h []byte) []byte {
	copy(h[148:156], "        ")
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return h
}

// rawFile is a file with a header written by hand.
func rawFile(flag byte, name, body string) string {
	return string(rawHeader(flag, name, int64(len(body)))) + body + strings.Repeat("\x00", -len(body)&511)
}

// endOfTar is how a tar ends.
var endOfTar = strings.Repeat("\x00", 1024)

// tarOf is a tar of the entries, with what is in raw before it.
func tarOf(t testing.TB, raw string, entries ...entry) string {
	t.Helper()
	var out bytes.Buffer
	out.WriteString(raw)
	w := tar.NewWriter(&out)
	for _, e := range entries {
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// compressed is text as zstd.
func compressed(t testing.TB, text string, o ...zstd.EOption) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil, append(encoding(), o...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	return z.EncodeAll([]byte(text), nil)
}

// stored is text, at most a block of it, as zstd without compression and without
// a checksum.
func stored(text string) []byte {
	return append([]byte("\x28\xb5\x2f\xfd\x00\x38"), rawBlock(text, true)...)
}

// isArchiveError reports whether err is about the archive and not about reading
// it.
func isArchiveError(err error) bool {
	var broken *archiveError
	return errors.As(err, &broken)
}

func TestMembersThatAreNoFilesOfALayerAreRejectedAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	const elsewhere = "cache/download/example.test/other/@v/v1.0.0.zip"
	odd := func(h tar.Header) string {
		t.Helper()
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, h.Size)); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	pax := func(records string) string { return rawFile(tar.TypeXHeader, "pax", records) }
	for _, tt := range []struct{ name, raw, why string }{
		{"a symbolic link", odd(tar.Header{Typeflag: tar.TypeSymlink, Name: elsewhere, Linkname: "../../../../../../etc/passwd"}), "a symbolic link"},
		{"a hard link", odd(tar.Header{Typeflag: tar.TypeLink, Name: elsewhere, Linkname: zipName}), "a hard link"},
		{"a directory", odd(tar.Header{Typeflag: tar.TypeDir, Name: "cache/download/example.test/other/@v/v1.0.0.zip/"}), "a directory"},
		{"a character device", odd(tar.Header{Typeflag: tar.TypeChar, Name: elsewhere, Devmajor: 1, Devminor: 3}), "a device"},
		{"a block device", odd(tar.Header{Typeflag: tar.TypeBlock, Name: elsewhere, Devmajor: 8}), "a device"},
		{"a named pipe", odd(tar.Header{Typeflag: tar.TypeFifo, Name: elsewhere}), "a named pipe"},
		{"a contiguous file", rawFile(tar.TypeCont, elsewhere, "text"), "a file of type '7'"},
		{"a multi-volume file", rawFile('M', elsewhere, "text"), "a file of type 'M'"},
		{"a sparse file of GNU tar", string(sparseHeader(elsewhere, 1<<32)) + "text" + strings.Repeat("\x00", 508), "a sparse file"},
		{"a sparse file by PAX 0.1", pax(paxRecord("GNU.sparse.map", "0,4")+paxRecord("GNU.sparse.numblocks", "1")+paxRecord("GNU.sparse.size", "1099511627776")) + rawFile(tar.TypeReg, elsewhere, "text"), "PAX attributes"},
		{"a sparse file by PAX 1.0 that has another name", pax(paxRecord("GNU.sparse.major", "1")+paxRecord("GNU.sparse.minor", "0")+paxRecord("GNU.sparse.name", elsewhere)+paxRecord("GNU.sparse.realsize", "4")) + rawFile(tar.TypeReg, "GNUSparseFile.0/x", "1\n0\n4\n"+strings.Repeat("\x00", 506)+"text"), "PAX attributes"},
		{"attributes for all, with a path", odd(tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"path": "../../evil"}}), "attributes for all files"},
		{"extended attributes", odd(tar.Header{Typeflag: tar.TypeReg, Name: elsewhere, PAXRecords: map[string]string{"SCHILY.xattr.user.x": "1"}}), "PAX attributes"},
		{"a size by PAX", pax(paxRecord("size", "4")) + rawFile(tar.TypeReg, elsewhere, "text"), "PAX attributes"},
		{"a path by PAX that leads out", pax(paxRecord("path", "../../evil.zip")) + rawFile(tar.TypeReg, elsewhere, "text"), "does not begin with"},
		{"a long name of GNU tar that leads out", rawFile(tar.TypeGNULongName, "././@LongLink", "../../evil.zip\x00") + rawFile(tar.TypeReg, elsewhere, "text"), "in a form other than"},
		{"a long name of GNU tar that is in order", rawFile(tar.TypeGNULongName, "././@LongLink", elsewhere+"\x00") + rawFile(tar.TypeReg, "x", "text"), "in a form other than"},
		{"a long name of GNU tar and one of PAX", rawFile(tar.TypeGNULongName, "././@LongLink", elsewhere+"\x00") + pax(paxRecord("path", elsewhere)) + rawFile(tar.TypeReg, "x", "text"), "in a form other than"},
		{"a long link name of GNU tar", rawFile(tar.TypeGNULongLink, "././@LongLink", "/etc/passwd\x00") + rawFile(tar.TypeReg, elsewhere, "text"), "in a form other than"},
		{"a header of GNU tar", odd(tar.Header{Typeflag: tar.TypeReg, Name: elsewhere, Format: tar.FormatGNU}), "in a form other than"},
		{"a name that is not ASCII", rawFile(tar.TypeReg, "cache/download/example.test/é/@v/v1.0.0.zip", "text"), "in a form other than"},
		{"a name of 10,000 characters", odd(tar.Header{Typeflag: tar.TypeReg, Name: strings.Repeat("a/", 4999) + "bc"}), "has 10000 bytes"},
		{"an info beyond the limit", rawFile(tar.TypeReg, "cache/download/example.test/a/@v/v1.0.0.info", strings.Repeat("x", mirror.MaxInfo+1)), "found 1048577 bytes, expected at most 1048576"},
		{"a file for the second time", tarWithoutEnd(t, file(zipName, "again")), "there twice"},
		{"a lock", rawFile(tar.TypeReg, "cache/download/example.test/a/@v/v1.0.0.lock", ""), "expected .zip, .mod or .info"},
		{"a folder's slash after a name", rawFile(tar.TypeRegA, zipName+"/", ""), "a directory"},
		{"text behind the NUL of a name", rawFile(tar.TypeReg, "../evil\x00"+zipName, "text"), "does not begin with"},
		{"no name", rawFile(tar.TypeReg, "", "text"), "does not begin with"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			first := tarWithoutEnd(t, file(zipName, "good"))
			last := tarOf(t, "", file("cache/download/example.test/good/@v/v1.0.0.mod", "also good"))
			u := unpackAll(t.Context(), bytes.NewReader(compressed(t, first+tt.raw+last)))
			if u.err != nil {
				t.Fatal(u.err)
			}
			want := map[string]string{zipName: "good", "cache/download/example.test/good/@v/v1.0.0.mod": "also good"}
			if !maps.Equal(u.content, want) {
				t.Errorf("took %q", u.content)
			}
			if len(u.rejected) != 1 || !strings.Contains(u.rejected[0].Why, tt.why) {
				t.Fatalf("rejected %q, expected one because of %q", u.rejected, tt.why)
			}
			for _, s := range []string{u.rejected[0].Name, u.rejected[0].Why} {
				if s != failure.Neutral(s) {
					t.Errorf("%q is not neutral", s)
				}
			}
		})
	}
}

// tarWithoutEnd is a tar that others can follow.
func tarWithoutEnd(t testing.TB, entries ...entry) string {
	return strings.TrimSuffix(tarOf(t, "", entries...), endOfTar)
}

// paxRecord is "length key=value\n", where the length counts itself.
func paxRecord(key, value string) string {
	n := len(key) + len(value) + 3
	for n != len(fmt.Sprintf("%d %s=%s\n", n, key, value)) {
		n++
	}
	return fmt.Sprintf("%d %s=%s\n", n, key, value)
}

func TestOddNamesAreRejectedByHeaderAndByPAX(t *testing.T) {
	t.Parallel()
	for odd, name := range oddNames {
		t.Run(odd, func(t *testing.T) {
			t.Parallel()
			tars := map[string]string{}
			if name != "" { // an empty path means the header's
				tars["PAX"] = rawFile(tar.TypeXHeader, "pax", paxRecord("path", name)) + rawFile(tar.TypeReg, zipName, "evil") + endOfTar
			}
			if len(name) <= 100 {
				tars["header"] = rawFile(tar.TypeReg, name, "evil") + endOfTar
			}
			for by, text := range tars {
				u := unpackAll(t.Context(), bytes.NewReader(compressed(t, text)))
				for taken := range u.content {
					// Only what stands before a NUL is the name in a header.
					if before, _, cut := strings.Cut(name, "\x00"); !cut || taken != before {
						t.Errorf("by %s: %q was taken as %s", by, name, taken)
					}
				}
				if len(u.content) == 0 && len(u.rejected) == 0 && !isArchiveError(u.err) {
					t.Errorf("by %s: %q vanished without a word, error %v", by, name, u.err)
				}
			}
		})
	}
}

// A PAX path is the only name that counts.
func TestAPathByPAXReplacesTheHeadersName(t *testing.T) {
	t.Parallel()
	text := rawFile(tar.TypeXHeader, "pax", paxRecord("path", zipName)) + rawFile(tar.TypeReg, "../../evil", "good") + endOfTar
	u := unpackAll(t.Context(), bytes.NewReader(compressed(t, text)))
	if u.err != nil || u.content[zipName] != "good" || len(u.rejected) != 0 {
		t.Errorf("took %q, rejected %q, error %v", u.content, u.rejected, u.err)
	}
}

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

func TestAnErrorOfTheBodyIsTheArchivesWhateverTakeMakesOfIt(t *testing.T) {
	t.Parallel()
	text := string(rawHeader(tar.TypeReg, zipName, 5000)) + strings.Repeat("x", 4999)
	for name, returns := range map[string]error{"take returns nil": nil, "take returns another error": errors.New("the zip is bad")} {
		err := unpack(t.Context(), bytes.NewReader(compressed(t, text)), func(Member) bool { return true },
			func(m Member, size int64, body io.Reader) error {
				if _, err := io.Copy(io.Discard, body); !isArchiveError(err) {
					t.Errorf("body: error %v", err)
				}
				return returns
			}, nil)
		if !isArchiveError(err) {
			t.Errorf("%s: error %v", name, err)
		}
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
		if strings.HasSuffix(name, "in the frame") && !strings.HasSuffix(fmt.Sprint(u.err), "found more after its end") {
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

// single is a frame for each byte.
func single(t *testing.T, text string) [][]byte {
	var frames [][]byte
	z, err := zstd.NewWriter(nil, encoding()...)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for i := range len(text) {
		frames = append(frames, z.EncodeAll([]byte(text[i:i+1]), nil))
	}
	return frames
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

// rawBlock is text as a block of zstd that is not compressed.
func rawBlock(text string, last bool) []byte {
	h := uint32(len(text)) << 3
	if last {
		h |= 1
	}
	return append([]byte{byte(h), byte(h >> 8), byte(h >> 16)}, text...)
}

// zeros is blocks of zstd that unpack to n bytes, a multiple of 128 KiB, with 4
// bytes for each block.
func zeros(n int64) io.Reader {
	const h = maxBlock<<3 | 1<<1
	return &repeated{[]byte{h & 0xff, h >> 8 & 0xff, h >> 16, 0}, n / maxBlock * 4, 0}
}

// repeated is text again and again, left bytes of it.
type repeated struct {
	text []byte
	left int64
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && r.left > 0 {
		p[n] = r.text[r.at]
		r.at = (r.at + 1) % len(r.text)
		r.left--
		n++
	}
	return n, nil
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

func TestWhatTakeDoesNotReadIsSkipped(t *testing.T) {
	t.Parallel()
	archive := packed(t, someFiles()...)
	for name, read := range map[string]func(body io.Reader) error{
		"nothing":  func(io.Reader) error { return nil },
		"one byte": func(body io.Reader) error { _, err := io.CopyN(io.Discard, body, 1); return ignoreEOF(err) },
		"beyond the end": func(body io.Reader) error {
			if _, err := io.Copy(io.Discard, body); err != nil {
				return err
			}
			n, err := body.Read(make([]byte, 1))
			if n != 0 || err != io.EOF {
				return fmt.Errorf("found %d bytes after the end, %v", n, err)
			}
			return nil
		},
	} {
		var got []string
		err := unpack(t.Context(), bytes.NewReader(archive), func(Member) bool { return true },
			func(m Member, _ int64, body io.Reader) error {
				got = append(got, m.Name())
				return read(body)
			},
			func(x rejection) { t.Errorf("%s: rejected %v", name, x) })
		if err != nil || len(got) != len(someFiles()) {
			t.Errorf("read %s: took %q, error %v", name, got, err)
		}
	}
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

func TestWhatNobodyWantsIsSkippedWithoutAWord(t *testing.T) {
	t.Parallel()
	var asked, took []Member
	err := unpack(t.Context(), bytes.NewReader(packed(t, someFiles()...)),
		func(m Member) bool { asked = append(asked, m); return m.Kind == kindInfo },
		func(m Member, _ int64, body io.Reader) error { took = append(took, m); return nil },
		func(x rejection) { t.Errorf("rejected %v", x) })
	if err != nil || len(asked) != len(someFiles()) || len(took) != 1 || took[0].Kind != kindInfo {
		t.Errorf("asked for %v, took %v, error %v", asked, took, err)
	}
}

func TestAnErrorOfTakeEndsIt(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	took := 0
	err := unpack(t.Context(), bytes.NewReader(packed(t, someFiles()...)), func(Member) bool { return true },
		func(Member, int64, io.Reader) error {
			if took++; took == 2 {
				return full
			}
			return nil
		}, nil)
	if !errors.Is(err, full) || isArchiveError(err) || took != 2 {
		t.Errorf("took %d, error %v", took, err)
	}
}

func TestAnErrorOfReadingIsPassedOnAndIsNotTheArchives(t *testing.T) {
	t.Parallel()
	archive := packed(t, someFiles()...)
	stall := failure.New(failure.Stall, "get", "https://store.example.test/layer", errors.New("nothing came"))
	for name, broken := range map[string]error{"a failure": stall, "an early end that the store noticed": io.ErrUnexpectedEOF} {
		for _, n := range []int{0, 1, 4, 5, 100, len(archive) / 2, len(archive) - 4, len(archive)} {
			r := io.MultiReader(bytes.NewReader(archive[:n]), failing{broken})
			u := unpackAll(t.Context(), r)
			if !errors.Is(u.err, broken) || isArchiveError(u.err) {
				t.Errorf("%s after %d bytes: error %v", name, n, u.err)
			}
			if want := fmt.Sprintf("read layer at byte %d", n); u.err != nil && !strings.Contains(u.err.Error(), want) {
				t.Errorf("error %v, expected %q", u.err, want)
			}
		}
	}
}

func TestUnpackEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the restore was too slow")
	took := 0
	err := unpack(ctx, bytes.NewReader(packed(t, someFiles()...)), func(Member) bool { return true },
		func(m Member, _ int64, body io.Reader) error {
			if took++; m.Kind == kindZip {
				cancel(why)
			}
			_, err := io.Copy(io.Discard, body)
			return err
		}, nil)
	if !errors.Is(err, why) || isArchiveError(err) || took != 2 {
		t.Errorf("took %d, error %v", took, err)
	}
}

func TestTheSizeOfReadsMakesNoDifference(t *testing.T) {
	t.Parallel()
	archive := packed(t, someFiles()...)
	good := unpackAll(t.Context(), bytes.NewReader(archive))
	for name, r := range map[string]io.Reader{
		"one byte at a time":         iotest.OneByteReader(bytes.NewReader(archive)),
		"the last bytes and the end": iotest.DataErrReader(bytes.NewReader(archive)),
		"a buffer":                   bytes.NewBuffer(bytes.Clone(archive)),
	} {
		if u := unpackAll(t.Context(), r); u.err != nil || !maps.Equal(u.content, good.content) {
			t.Errorf("%s: took %d members, error %v", name, len(u.content), u.err)
		}
	}
}

func TestErrorsOfAnArchiveSayWhere(t *testing.T) {
	t.Parallel()
	archive := packed(t, someFiles()...)
	cut := unpackAll(t.Context(), bytes.NewReader(archive[:1000])).err
	if want := "unpack layer: its archive is cut short at byte 1000"; cut == nil || cut.Error() != want {
		t.Errorf("found %v, expected %s", cut, want)
	}
	page := unpackAll(t.Context(), strings.NewReader("<html>sign in</html>")).err
	if want := "unpack layer: its archive is damaged at byte 4: "; page == nil || !strings.HasPrefix(page.Error(), want) {
		t.Errorf("found %v, expected %s…", page, want)
	}
}

// GODEBUG changes what tar.Reader says of names that lead out. Not parallel: it
// is the environment's.
func TestASettingOfTheGoRuntimeMakesNoDifference(t *testing.T) {
	t.Setenv("GODEBUG", "tarinsecurepath=0")
	text := rawFile(tar.TypeReg, "../../evil", "text") + tarOf(t, "", file(zipName, "good"))
	u := unpackAll(t.Context(), bytes.NewReader(stored(text)))
	if u.err != nil || u.content[zipName] != "good" || len(u.rejected) != 1 {
		t.Errorf("took %q, rejected %q, error %v", u.content, u.rejected, u.err)
	}
}
