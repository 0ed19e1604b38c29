package mirrortest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/dirhash"
)

// Evil is a way in which the files of a module version are wrong.
type Evil string

// The evils. But for OtherContent, OtherMod and TruncatedZip, whose sums are
// those of the honest module, the sums of an evil artifact are its own: the
// hash holds, and only the rules for module zips can tell.
const (
	OtherContent  Evil = "other content"    // a correct module zip with other files in it
	OtherMod      Evil = "other go.mod"     // a correct go.mod with another line
	TruncatedZip  Evil = "truncated zip"    // the first half of the zip
	DotDot        Evil = "dot dot"          // an entry path@version/../../evil.go
	Absolute      Evil = "absolute"         // an entry /evil.go
	WrongPrefix   Evil = "wrong prefix"     // entries of another version
	CaseCollision Evil = "case collision"   // README and readme
	Duplicate     Evil = "duplicate entry"  // the same name twice
	Backslash     Evil = "backslash"        // an entry path@version/..\evil.go
	Symlink       Evil = "symlink"          // an entry that is a symbolic link to /etc/passwd
	Bomb          Evil = "bomb"             // a megabyte that inflates to BombSize, and says so
	LyingBomb     Evil = "lying bomb"       // the same, but its directory says 100 bytes
	OversizedMod  Evil = "oversized go.mod" // more than 16 MiB, as .mod and in the zip
)

// BombSize is what a bomb inflates to: more than the 500 MiB that the go
// command accepts of a module (x/mod/zip: MaxZipFile).
const BombSize = 600 << 20

// EvilKinds are all evils.
func EvilKinds() []Evil {
	return []Evil{
		OtherContent, OtherMod, TruncatedZip, DotDot, Absolute, WrongPrefix, CaseCollision,
		Duplicate, Backslash, Symlink, Bomb, LyingBomb, OversizedMod,
	}
}

// Corrupt makes the evil counterpart of an honest module.
func Corrupt(tb testing.TB, m Module, kind Evil) *Artifact {
	tb.Helper()
	honest, err := m.artifact()
	if err != nil {
		tb.Fatalf("build fixture %s@%s: %v", m.Path, m.Version, err)
	}
	evil := *honest
	prefix := m.Path + "@" + m.Version + "/"
	good := func(name string) entry { return entry{name: prefix + name, data: m.files()[name]} }
	var entries []entry
	switch kind {
	case OtherContent:
		entries = []entry{good("go.mod"), {name: prefix + "m.go", data: []byte("package m\n\nconst Name = \"evil\"\n")}}
	case OtherMod:
		evil.Mod = append(bytes.Clone(honest.Mod), "\nrequire evil.example.test v1.0.0\n"...)
		return &evil
	case TruncatedZip:
		evil.Zip = honest.Zip[:len(honest.Zip)/2]
		return &evil
	case DotDot:
		entries = []entry{good("go.mod"), good("m.go"), {name: prefix + "../../evil.go", data: []byte("package evil\n")}}
	case Absolute:
		entries = []entry{good("go.mod"), good("m.go"), {name: "/evil.go", data: []byte("package evil\n")}}
	case WrongPrefix:
		for _, name := range []string{"go.mod", "m.go"} {
			entries = append(entries, entry{name: m.Path + "@v9.9.9/" + name, data: m.files()[name]})
		}
	case CaseCollision:
		entries = []entry{good("go.mod"), good("m.go"), {name: prefix + "README", data: []byte("a")}, {name: prefix + "readme", data: []byte("b")}}
	case Duplicate:
		entries = []entry{good("go.mod"), good("m.go"), {name: prefix + "m.go", data: []byte("package m\n\nconst Name = \"evil\"\n")}}
	case Backslash:
		entries = []entry{good("go.mod"), good("m.go"), {name: prefix + `..\evil.go`, data: []byte("package evil\n")}}
	case Symlink:
		entries = []entry{good("go.mod"), good("m.go"), {name: prefix + "link", data: []byte("/etc/passwd"), symlink: true}}
	case Bomb, LyingBomb:
		evil.Zip, evil.ZipSum = bomb(tb, m, kind == LyingBomb)
		return &evil
	case OversizedMod:
		// 16 MiB is the limit (x/mod/zip: MaxGoMod).
		evil.Mod = []byte(m.goMod() + strings.Repeat("// "+strings.Repeat("x", 60)+"\n", 16<<20/64+1))
		if evil.ModSum, err = hashMod(evil.Mod); err != nil {
			tb.Fatal(err)
		}
		entries = []entry{{name: prefix + "go.mod", data: evil.Mod}, good("m.go")}
	default:
		tb.Fatalf("unknown evil %q", kind)
	}

	evil.Zip = zipEntries(tb, entries)
	if kind == OtherContent {
		return &evil
	}
	data := map[string][]byte{}
	var names []string
	for _, e := range entries {
		names = append(names, e.name)
		data[e.name] = e.data
	}
	evil.ZipSum, err = dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data[name])), nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return &evil
}

// entry is an entry of a zip, written without any check.
type entry struct {
	name    string
	data    []byte
	symlink bool
}

func zipEntries(tb testing.TB, entries []entry) []byte {
	tb.Helper()
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if e.symlink {
			h.SetMode(0o777 | fs.ModeSymlink)
		}
		w, err := zw.CreateHeader(h)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			tb.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// bomb makes a small zip with one file of BombSize zero bytes, and its true
// h1. Nothing of that size is ever in memory: a deflate stream of zeros is the
// same flushed block again and again.
func bomb(tb testing.TB, m Module, lie bool) (data []byte, sum string) {
	tb.Helper()
	const unit = 1 << 20
	zeros := make([]byte, unit)

	var block bytes.Buffer
	fw, err := flate.NewWriter(&block, flate.BestCompression)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := fw.Write(zeros); err != nil {
		tb.Fatal(err)
	}
	if err := fw.Flush(); err != nil {
		tb.Fatal(err)
	}
	stream := bytes.Repeat(block.Bytes(), BombSize/unit)
	stream = append(stream, 0x01, 0x00, 0x00, 0xff, 0xff) // the last block: stored, empty

	crc := uint32(0)
	for range BombSize / unit {
		crc = crc32.Update(crc, crc32.IEEETable, zeros)
	}

	prefix := m.Path + "@" + m.Version + "/"
	files := map[string][]byte{prefix + "go.mod": []byte(m.goMod())}
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	w, err := zw.Create(prefix + "go.mod")
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(files[prefix+"go.mod"]); err != nil {
		tb.Fatal(err)
	}
	h := &zip.FileHeader{
		Name: prefix + "zeros.bin", Method: zip.Deflate, CRC32: crc,
		CompressedSize64: uint64(len(stream)), UncompressedSize64: BombSize,
	}
	w, err = zw.CreateRaw(h)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(stream); err != nil {
		tb.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		tb.Fatal(err)
	}
	data = b.Bytes()
	if lie {
		// Both the local header and the directory state the size.
		was := binary.LittleEndian.AppendUint32(nil, BombSize)
		if n := bytes.Count(data, was); n != 2 {
			tb.Fatalf("bomb states its size %d times, expected 2", n)
		}
		data = bytes.ReplaceAll(data, was, binary.LittleEndian.AppendUint32(nil, 100))
	}

	sum, err = dirhash.Hash1([]string{prefix + "go.mod", prefix + "zeros.bin"}, func(name string) (io.ReadCloser, error) {
		if text, ok := files[name]; ok {
			return io.NopCloser(bytes.NewReader(text)), nil
		}
		return io.NopCloser(io.LimitReader(zeroReader{}, BombSize)), nil
	})
	if err != nil {
		tb.Fatal(fmt.Errorf("hash bomb: %w", err))
	}
	return data, sum
}

// zeroReader reads zero bytes without end.
type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
