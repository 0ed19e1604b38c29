package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
)

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
		{"an info beyond the limit", rawFile(tar.TypeReg, "cache/download/example.test/a/@v/v1.0.0.info", strings.Repeat("x", mirror.MaxInfo+1)), "found 262145 bytes, expected at most 262144"},
		{"a file for the second time", tarWithoutEnd(t, file(zipName, "again")), "there twice"},
		{"a lock", rawFile(tar.TypeReg, "cache/download/example.test/a/@v/v1.0.0.lock", ""), "expected .zip, .mod or .info"},
		{"a directory as old tars have it", rawFile(0, zipName+"/", ""), "a directory"},
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
