package layer

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// zipName is the name of a member that is in order.
const zipName = "cache/download/example.test/good/@v/v1.0.0.zip"

// entry is a member as tar.Writer lets one write it.
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
