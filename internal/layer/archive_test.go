package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
)

// member is a Member for tests.
func member(path, version, kind string) Member {
	return Member{module.Version{Path: path, Version: version}, kind}
}

// packable is a source whose file has that content.
func packable(m Member, content string) source {
	return source{m, int64(len(content)), func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	}}
}

// randomText is n bytes that do not compress, the same for the same seed.
func randomText(seed byte, n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b) // never fails
	return string(b)
}

// packed is the archive of files.
func packed(t testing.TB, files ...source) []byte {
	t.Helper()
	var out bytes.Buffer
	n, err := pack(t.Context(), &out, files)
	if err != nil {
		t.Fatal(err)
	}
	if n != int64(out.Len()) {
		t.Fatalf("pack says %d bytes, found %d", n, out.Len())
	}
	return out.Bytes()
}

// unpacked is what an unpack of everything gave.
type unpacked struct {
	order    []string
	content  map[string]string
	rejected []rejection
	err      error
}

func unpackAll(ctx context.Context, r io.Reader) unpacked {
	u := unpacked{content: map[string]string{}}
	u.err = unpack(ctx, r,
		func(Member) bool { return true },
		func(m Member, size int64, body io.Reader) error {
			data, err := io.ReadAll(body)
			if err != nil {
				return err
			}
			if int64(len(data)) != size {
				return fmt.Errorf("%s has %d bytes, announced were %d", m.Name(), len(data), size)
			}
			u.order = append(u.order, m.Name())
			u.content[m.Name()] = string(data)
			return nil
		},
		func(x rejection) { u.rejected = append(u.rejected, x) })
	return u
}

// someFiles are a zip of several blocks, and the small files.
func someFiles() []source {
	return []source{
		packable(member("example.test/a", "v1.2.3", kindMod), "module example.test/a\n"),
		packable(member("example.test/a", "v1.2.3", kindZip), randomText(1, 700<<10)),
		packable(member("example.test/a", "v1.2.3", kindInfo), `{"Version":"v1.2.3"}`),
		packable(member("example.test/Upper/b/v2", "v2.0.0-RC1", kindZip), randomText(2, 3)),
		packable(member("example.test/c", "v3.0.0+incompatible", kindZip), ""),
		packable(member("gopkg.in/check.v1", "v0.0.0-20161208181325-20d25e280405", kindMod), strings.Repeat("x", 5000)),
	}
}

func TestWhatIsPackedIsUnpackedInTheSameOrder(t *testing.T) {
	t.Parallel()
	files := someFiles()
	long := member("example.test/"+strings.Repeat("long/path/", 40)+"end", "v1.0.0", kindZip)
	files = append(files, packable(long, "found by its PAX path"))
	u := unpackAll(t.Context(), bytes.NewReader(packed(t, files...)))
	if u.err != nil || u.rejected != nil {
		t.Fatalf("error %v, rejected %v", u.err, u.rejected)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		want, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := u.content[f.Name()]; !ok || got != string(want) {
			t.Errorf("%s: found %d bytes, expected the %d packed", f.Name(), len(got), len(want))
		}
	}
	if !slices.Equal(u.order, names) {
		t.Errorf("order\n%s\nexpected\n%s", u.order, names)
	}
}

func TestAnArchiveOfNothingIsWhole(t *testing.T) {
	t.Parallel()
	if u := unpackAll(t.Context(), bytes.NewReader(packed(t))); u.err != nil || len(u.content) != 0 {
		t.Errorf("found %v, %v", u.content, u.err)
	}
}

// The same files make the same bytes, whatever the sizes of reads.
func TestPackIsDeterministic(t *testing.T) {
	t.Parallel()
	files := someFiles()
	once := packed(t, files...)
	for i, f := range files {
		open := f.Open
		files[i].Open = func() (io.ReadCloser, error) {
			r, err := open()
			return io.NopCloser(slowly{r}), err
		}
	}
	if !bytes.Equal(packed(t, files...), once) {
		t.Error("the second archive differs from the first")
	}
}

// slowly gives a few bytes at a time.
type slowly struct{ r io.Reader }

func (s slowly) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), 1+len(p)/3)]) }

func TestAnArchiveSaysNothingButNamesAndContents(t *testing.T) {
	t.Parallel()
	z, err := zstd.NewReader(bytes.NewReader(packed(t, someFiles()...)))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	r := tar.NewReader(z)
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || h.Mode != 0o444 || h.ModTime.Unix() != 0 || h.Uid != 0 || h.Gid != 0 ||
			h.Uname != "" || h.Gname != "" || h.Format != tar.FormatUSTAR {
			t.Errorf("header %+v", h)
		}
	}
}

func TestFramesHaveAChecksumAndAWindowThatEveryDecoderTakes(t *testing.T) {
	t.Parallel()
	for _, files := range [][]source{nil, someFiles()[:1], someFiles()} {
		var h zstd.Header
		if err := h.Decode(packed(t, files...)); err != nil {
			t.Fatal(err)
		}
		if !h.HasCheckSum || h.WindowSize > 8<<20 {
			t.Errorf("%d files: checksum %v, window %d", len(files), h.HasCheckSum, h.WindowSize)
		}
	}
}

func TestPackRefuses(t *testing.T) {
	t.Parallel()
	m := member("example.test/a", "v1.0.0", kindZip)
	broken := errors.New("the disk is gone")
	sized := func(size int64, content string) []source {
		s := packable(m, content)
		s.Size = size
		return []source{s}
	}
	for _, tt := range []struct {
		name  string
		files []source
		want  string
		is    error
	}{
		{"a file that has grown", sized(3, "1234"), "larger than it was, expected 3", nil},
		{"a file that has shrunk", sized(5, "1234"), "has 4 bytes, expected 5", nil},
		{"a file that was empty", sized(0, "1"), "larger than it was, expected 0", nil},
		{"a negative size", sized(-1, ""), "found -1 bytes", nil},
		{"a zip beyond the limit", sized(mirror.MaxZip+1, ""), "expected at most 524288000", nil},
		{"a go.mod beyond the limit", []source{{Member: member("example.test/a", "v1.0.0", kindMod), Size: mirror.MaxMod + 1}}, "expected at most 16777216", nil},
		{"an info beyond the limit", []source{{Member: member("example.test/a", "v1.0.0", kindInfo), Size: mirror.MaxInfo + 1}}, "expected at most 262144", nil},
		{"a file twice", []source{packable(m, "1"), packable(m, "1")}, "there twice", nil},
		{"more files than unpack takes", make([]source, maxMembers+1), "found 131073 files, expected at most 131072", nil},
		{"no module path", []source{packable(member("a", "v1.0.0", kindZip), "")}, "does not begin with", nil},
		{"a version that is not canonical", []source{packable(member("example.test/a", "v1", kindZip), "")}, "not canonical", nil},
		{"a kind that is none", []source{packable(member("example.test/a", "v1.0.0", "ziphash"), "")}, "expected .zip, .mod or .info", nil},
		{"a kind with a name in it", []source{packable(member("example.test/a", "v1.0.0", "0.zip"), "")}, "not canonical", nil},
		{"a kind that makes it another file's name", []source{packable(member("example.test/a", "v1.0.0-x", "y.zip"), "")}, "is the name of another file", nil},
		{"a file that cannot be opened", []source{{m, 1, func() (io.ReadCloser, error) { return nil, broken }}}, "pack zip of example.test/a@v1.0.0", broken},
		{"a file that cannot be read", []source{{m, 1, func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader(""), failing{broken})), nil
		}}}, "pack zip of example.test/a@v1.0.0", broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			n, err := pack(t.Context(), &out, tt.files)
			if err == nil || !strings.Contains(err.Error(), tt.want) || (tt.is != nil && !errors.Is(err, tt.is)) {
				t.Errorf("error %v, expected %q", err, tt.want)
			}
			if n != int64(out.Len()) {
				t.Errorf("pack says %d bytes, found %d", n, out.Len())
			}
			if u := unpackAll(t.Context(), &out); u.err == nil {
				t.Error("what it left behind is an archive")
			}
		})
	}
}

// failing fails to read and to write.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestPackPassesOnWhyItCannotWrite(t *testing.T) {
	t.Parallel()
	broken := failure.New(failure.Reset, "put", "https://store.example.test/", errors.New("gone"))
	for n := range len(someFiles()) {
		_, err := pack(t.Context(), failing{broken}, someFiles()[:n])
		var fe *failure.Error
		if !errors.As(err, &fe) || fe.Class != failure.Reset {
			t.Errorf("%d files: error %v", n, err)
		}
	}
}

func TestPackEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the job was cancelled")
	files := someFiles()
	open := files[1].Open
	files[1].Open = func() (io.ReadCloser, error) { cancel(why); return open() }
	if _, err := pack(ctx, io.Discard, files); !errors.Is(err, why) {
		t.Errorf("error %v, expected %v", err, why)
	}
}

func TestPackHasOneFileOpenAtATimeAndClosesAll(t *testing.T) {
	t.Parallel()
	opened, open := 0, 0
	files := someFiles()
	for i, f := range files {
		files[i].Open = func() (io.ReadCloser, error) {
			opened, open = opened+1, open+1
			if open > 1 {
				t.Errorf("%d files are open", open)
			}
			r, err := f.Open()
			return closing{r, func() { open-- }}, err
		}
	}
	files[len(files)-1].Size++ // closed after an error, too
	if _, err := pack(t.Context(), io.Discard, files); err == nil {
		t.Error("no error")
	}
	if opened != len(files) || open != 0 {
		t.Errorf("%d opened, %d still open", opened, open)
	}
}

type closing struct {
	io.Reader
	close func()
}

func (c closing) Close() error { c.close(); return nil }

// All that pack and unpack allocate for a large layer, freed or not, bounds
// what they hold at any time, and unlike that it can be told exactly. Not
// parallel: the tests beside it would count, too.
func TestALargeLayerNeedsLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 1 GiB")
	}
	const members, size, limit = 64, 16 << 20, 40 << 20
	text := randomText(3, size) // longer than the window, so nothing comes again within it
	var files []source
	for i := range members {
		m := member("example.test/a", fmt.Sprintf("v1.0.%d", i), kindZip)
		files = append(files, packable(m, text))
	}
	r, w := io.Pipe()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var n int64
	done := make(chan error, 1)
	go func() {
		var err error
		n, err = pack(t.Context(), w, files)
		done <- w.CloseWithError(err)
	}()
	got := 0
	err := unpack(t.Context(), r,
		func(Member) bool { return true },
		func(m Member, size int64, body io.Reader) error {
			got++
			_, err := io.Copy(io.Discard, body)
			return err
		},
		func(x rejection) { t.Errorf("rejected %v", x) })
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got != members || n < members*size {
		t.Errorf("found %d members in %d bytes", got, n)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > limit {
		t.Errorf("packing and unpacking together allocated %d bytes, expected at most %d", used, limit)
	}
}

// Not parallel: it counts goroutines.
func TestNoGoroutineIsLeftBehind(t *testing.T) {
	running := goleak.IgnoreCurrent()
	archive := packed(t, someFiles()...)
	enough := errors.New("enough")
	for _, r := range []io.Reader{
		bytes.NewReader(archive),
		bytes.NewReader(archive[:len(archive)/2]),
		failing{enough},
	} {
		err := unpack(t.Context(), r,
			func(Member) bool { return true },
			func(m Member, _ int64, _ io.Reader) error {
				if m.Kind == kindInfo {
					return enough
				}
				return nil
			},
			func(rejection) {})
		if err == nil {
			t.Error("no error")
		}
	}
	if _, err := pack(t.Context(), failing{enough}, someFiles()); err == nil {
		t.Error("no error")
	}
	goleak.VerifyNone(t, running)
}
