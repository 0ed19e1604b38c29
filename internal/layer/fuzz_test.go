package layer

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
)

// Whatever the bytes are: no panic, nothing is taken but members with the name
// and size of one, each once, and every error says whose it is.
func FuzzUnpack(f *testing.F) {
	good := tarOf(f, "", file(zipName, "good"), file("cache/download/example.test/!upper/@v/v1.0.0-!r!c1.mod", "module"))
	for _, text := range []string{
		good,
		good[:700],
		good + "more",
		rawFile(tar.TypeSymlink, zipName, "") + endOfTar,
		rawFile(tar.TypeReg, "../../evil", "text") + endOfTar,
		rawFile(tar.TypeXHeader, "pax", paxRecord("path", zipName)) + rawFile(tar.TypeReg, "x", "text") + endOfTar,
		rawFile(tar.TypeXGlobalHeader, "pax", paxRecord("path", zipName)) + endOfTar,
		rawFile(tar.TypeGNULongName, "x", zipName+"\x00") + rawFile(tar.TypeReg, "x", "text") + endOfTar,
		string(sparseHeader(zipName, 1<<32)) + strings.Repeat("\x00", 512) + endOfTar,
		string(rawHeader(tar.TypeReg, zipName, 1<<40)),
	} {
		f.Add([]byte(text), true)
		f.Add(stored(text), false)
	}
	f.Add(smallArchive(f), false)
	f.Add(compressed(f, good), false)
	f.Add(compressed(f, good, zstd.WithSingleSegment(true)), false)
	f.Add(append([]byte("\x50\x2a\x4d\x18\x04\x00\x00\x00skip"), compressed(f, good)...), false)
	f.Add([]byte("<html>"), false)
	f.Fuzz(func(t *testing.T, data []byte, isTar bool) {
		if isTar { // what a fuzzer would hardly get through the compression
			if len(data) > maxBlock {
				return
			}
			data = stored(string(data))
		}
		in := &input{ctx: t.Context(), r: bytes.NewReader(data)}
		seen := map[Member]bool{}
		var got int64
		err := unpack(t.Context(), in,
			func(m Member) bool {
				if name := m.Name(); name == "" || seen[m] {
					t.Errorf("offered %q a second time or without a name", name)
				}
				seen[m] = true
				return true
			},
			func(m Member, size int64, body io.Reader) error {
				n, err := io.Copy(io.Discard, body)
				got += n
				if size < 0 || size > maxSize(m.Kind) || n > size || (err == nil && n != size) {
					t.Errorf("%s announced %d bytes, has %d, error %v", m.Name(), size, n, err)
				}
				return err
			},
			func(x rejection) {
				if x.Why == "" || x.Why != failure.Neutral(x.Why) || x.Name != failure.Neutral(x.Name) {
					t.Errorf("rejection %+v is not neutral", x)
				}
			})
		if got > freeUnpacked+maxRatio*in.n {
			t.Errorf("%d bytes of %d were unpacked", got, in.n)
		}
		var broken *archiveError
		if err != nil && (!errors.As(err, &broken) || broken.Offset > int64(len(data))) {
			t.Errorf("error %v of %d bytes", err, len(data))
		}
		if err == nil && in.n != int64(len(data)) {
			t.Errorf("no error after %d of %d bytes", in.n, len(data))
		}
	})
}

// A name that is taken for a member is the one name of that member, and a path
// that the go command writes.
func FuzzParseName(f *testing.F) {
	f.Add(zipName)
	f.Add("cache/download/example.test/!burnt!sushi/toml/@v/v1.4.0-!r!c.1.info")
	f.Add("cache/download/example.test/a/@v/v3.0.0+incompatible.mod")
	f.Add("cache/download/gopkg.in/check.v1/@v/v0.0.0-20161208181325-20d25e280405.zip")
	f.Add("cache/download/example..test/a..b/@v/v1.0.0.zip") // dots, and harmless
	for _, name := range oddNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		m, err := parseName(name)
		if err != nil {
			if why := err.Error(); m != (Member{}) || why == "" || why != failure.Neutral(why) {
				t.Errorf("%q: found %v, error %q", name, m, why)
			}
			return
		}
		if again := m.Name(); again != name {
			t.Errorf("%q is taken for %v, which has the name %q", name, m, again)
		}
		if maxSize(m.Kind) == 0 {
			t.Errorf("%q has the kind %q", name, m.Kind)
		}
		if err := module.Check(m.Module.Path, m.Module.Version); err != nil || module.CanonicalVersion(m.Module.Version) != m.Module.Version {
			t.Errorf("%q is taken for %v: %v", name, m.Module, err)
		}
		if !filepath.IsLocal(filepath.FromSlash(name)) || slices.Contains(strings.Split(name, "/"), "..") ||
			strings.ContainsAny(name, "\\:\x00\n\r ") || strings.ToLower(name) != name {
			t.Errorf("%q is no name for every system", name)
		}
	})
}
