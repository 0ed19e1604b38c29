package layer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/store"
)

func TestWhatWasSavedComesBack(t *testing.T) {
	t.Parallel()
	fix := mirrortest.Generate(t, 12, 40_000)
	s := newMemory()
	saved := newPlace(t, fix).have().save(s)
	if saved.Layers != 1 || saved.Files != 36 || saved.Bytes == 0 || saved.Reason != "" {
		t.Errorf("saved %+v", saved)
	}
	p := newPlace(t, fix)
	r := p.restore(s)
	if r.Layers != 1 || len(r.Members) != 36 || len(r.Rejected)+len(r.Reasons)+len(r.Bad) > 0 || r.Err != nil {
		t.Errorf("restored %+v", r)
	}
	if r.Bytes != saved.Bytes {
		t.Errorf("received %d bytes of %d", r.Bytes, saved.Bytes)
	}
	p.check(p.all())
}

func TestRestoreTakesOnlyWhatIsWanted(t *testing.T) {
	t.Parallel()
	fix := mirrortest.Generate(t, 4, 10_000)
	s := newMemory()
	newPlace(t, fix).have().save(s)
	p := newPlace(t, fix)
	v := fix.Versions()[1]
	want := map[Member]bool{{v, kindZip}: true, {v, kindMod}: true}
	r := p.restorer(s).Restore(t.Context(), p.lookup(s).Pick(want))
	if len(r.Members) != 2 || len(r.Rejected) > 0 {
		t.Errorf("restored %+v", r)
	}
	p.check(want)
}

func TestNothingWrongEntersTheModuleCache(t *testing.T) {
	t.Parallel()
	other := mirrortest.Build(t, mirrortest.Module{Path: "example.test/other", Version: "v1.0.0"}).All()[0]
	strange := forged{other.Version.String(), []part{{lineModule, other.Version.String(), ""}, {kindMod, "", string(other.Mod)}, {lineFile, "go.mod", string(other.Mod)}}}
	files := func(name string) func(f []forged) []forged {
		return func(f []forged) []forged {
			f[0].parts = append(f[0].parts, part{lineFile, name, "text"})
			return f
		}
	}
	tests := []struct {
		name     string
		edit     func([]forged) []forged
		rejected []string // parts of the rejections
		lost     int      // members that don't come
	}{
		{"another byte in a file", func(f []forged) []forged {
			f[0].of(lineFile, "data.bin").data += "x"
			return f
		}, []string{"wrong hash"}, 1},
		{"another name of a file", func(f []forged) []forged {
			f[0].of(lineFile, "data.bin").name = "data.bim"
			return f
		}, []string{"wrong hash"}, 1},
		{"a file more", files("zzz"), []string{"wrong hash"}, 1},
		{"a file less", func(f []forged) []forged {
			f[0].parts = f[0].parts[:len(f[0].parts)-1]
			return f
		}, []string{"wrong hash"}, 1},
		{"two modules swapped", func(f []forged) []forged {
			a, b := f[0].of(lineFile, "data.bin"), f[1].of(lineFile, "data.bin")
			a.data, b.data = b.data, a.data
			return f
		}, []string{"wrong hash", "wrong hash"}, 2},
		{"another go.mod", func(f []forged) []forged {
			f[0].of(kindMod, "").data = "module evil.test\n"
			return f
		}, []string{"wrong hash"}, 1},
		{"a page instead of a go.mod", func(f []forged) []forged {
			f[0].of(kindMod, "").data = "<html>please log in</html>"
			return f
		}, []string{"html page"}, 1},
		{"a zip that is none instead of a tree", func(f []forged) []forged {
			f[0].parts = append(f[0].parts[:3], part{kindZip, "", "<html>please log in</html>"})
			return f
		}, []string{"html page"}, 1},
		{"another module's zip instead of a tree", func(f []forged) []forged {
			f[0].parts = append(f[0].parts[:3], part{kindZip, "", string(other.Zip)})
			return f
		}, []string{"unsafe zip"}, 1},
		{"a frame of a module that nobody listed", func(f []forged) []forged {
			return append(f, strange)
		}, []string{"the index does not list it"}, 0},
		{"a module that nobody listed in a frame of several", func(f []forged) []forged {
			strange.label = "*"
			strange.parts = strange.parts[:2]
			return append(f, strange)
		}, []string{"the index does not list it"}, 0},
		{"a frame left out", func(f []forged) []forged { return f[1:] },
			[]string{"the index lists it, but it is not there", "the index lists it, but it is not there", "the index lists it, but it is not there"}, 3},
		{"a frame twice", func(f []forged) []forged { return append(f, f[0]) },
			[]string{"there twice"}, 0},
		{"a frame twice, the second one evil", func(f []forged) []forged {
			// Short ones are unpacked before the first frame has been.
			for range 100 {
				f = append(f, forged{label: f[0].label, parts: []part{f[0].parts[0], {lineFile, "m.go", "evil"}}})
			}
			return f
		}, slices.Repeat([]string{"there twice"}, 100), 0},
		{"a frame with another's label", func(f []forged) []forged {
			f[0].label, f[1].label = f[1].label, f[0].label
			return f
		}, []string{"it is damaged: it holds", "it is damaged: it holds"}, 6},
		{"an .info of another version", func(f []forged) []forged {
			f[0].of(kindInfo, "").data = `{"Version":"v9.9.9"}`
			return f
		}, []string{"v9.9.9"}, 1},
		{"no module", func(f []forged) []forged {
			f[0].parts = f[0].parts[1:]
			return f
		}, []string{"before the first module"}, 3},
		{"a line that is none", func(f []forged) []forged {
			f[0].parts = append(f[0].parts, part{"ziphash", "", "h1:"})
			return f
		}, []string{"found a line \"ziphash\""}, 1},
		{"a name that leads out", files("../../evil"), []string{"unsafe zip"}, 1},
		{"an absolute name", files("/tmp/evil"), []string{"unsafe zip"}, 1},
		{"a name with a backslash", files(`..\evil`), []string{"unsafe zip"}, 1},
		{"a name of Windows", files("aux"), []string{"unsafe zip"}, 1},
		{"a stream of Windows", files("m.go:x"), []string{"unsafe zip"}, 1},
		{"a name that is not clean", files("a//b"), []string{"unsafe zip"}, 1},
		{"no name", files(""), []string{"unsafe zip"}, 1},
		{"a name with a control character", files("a\x1b[31m"), []string{"unsafe zip"}, 1},
		{"a name that is not UTF-8", files("a\xff"), []string{"unsafe zip"}, 1},
		{"a name twice", files("m.go"), []string{"the file is there twice"}, 1},
		{"a name in another case", files("M.go"), []string{"in case only"}, 1},
		{"a directory in another case", func(f []forged) []forged {
			return files("DIR/b")(files("dir/a")(f))
		}, []string{"in case only"}, 1},
		{"a file in a file", files("m.go/x"), []string{"both a file and a directory"}, 1},
		{"a go.mod below", files("sub/go.mod"), []string{"go.mod is in another place"}, 1},
		{"nothing in the tree", func(f []forged) []forged {
			f[0].parts = f[0].parts[:3]
			return f
		}, []string{"the index lists it, but it is not there"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fix := mirrortest.Generate(t, 5, 20_000)
			s := newMemory()
			newPlace(t, fix).have().save(s)
			tampered(t, s, tt.edit)
			p := newPlace(t, fix)
			r := p.restore(s)
			if len(r.Rejected) != len(tt.rejected) {
				t.Fatalf("rejected %v, want %q", r.Rejected, tt.rejected)
			}
			for i, want := range tt.rejected {
				got := r.Rejected[i]
				if text := strings.ToLower(got.String()); !strings.Contains(text, want) {
					t.Errorf("rejected %q, want something about %q", text, want)
				}
				if got.Name != failure.Neutral(got.Name) || got.Why != failure.Neutral(got.Why) {
					t.Errorf("%+v is not neutral", got)
				}
			}
			if bad := len(tt.rejected) > 0; bad != slices.Equal(r.Bad, s.layers()) {
				t.Errorf("bad layers %v of %v", r.Bad, s.layers())
			}
			if got, want := len(r.Members), len(p.sums)-tt.lost; got != want {
				t.Errorf("%d files came, want %d", got, want)
			}
			p.check(r.has())
		})
	}
}

func (r *Restored) has() map[Member]bool {
	has := map[Member]bool{}
	for m := range r.Members {
		has[m] = true
	}
	return has
}

// One byte of a layer is another one, at many positions in turn: whatever comes is right, and what does not
// come is told.
func TestAFlippedByteNeverEntersTheModuleCache(t *testing.T) {
	t.Parallel()
	fix := mirrortest.Generate(t, 2, 300)
	s := newMemory()
	newPlace(t, fix).have().save(s)
	name := s.layers()[0]
	good := s.data[name]
	for at := range good {
		if at > 64 && at%23 != 0 {
			continue
		}
		bad := bytes.Clone(good)
		bad[at] ^= 1 << (at % 8)
		s.data[name] = bad
		p := newPlace(t, fix)
		r := p.restore(s)
		p.check(r.has())
		if len(r.Members) < len(p.sums) && len(r.Rejected)+len(r.Reasons) == 0 {
			t.Errorf("byte %d: %d files are lacking and nothing is said", at, len(p.sums)-len(r.Members))
		}
		if r.Err != nil {
			t.Errorf("byte %d: %v", at, r.Err)
		}
	}
}

func TestRestoreFailures(t *testing.T) {
	t.Parallel()
	cut := failure.New(failure.CutBody, "get", "https://store.example.test/layer", errors.New("connection lost"))
	tests := []struct {
		name   string
		open   func(name string, data []byte) (io.ReadCloser, error)
		reason string
		bad    bool
	}{
		{"a layer that was evicted", nil, "gone from the store", true},
		{"a connection that breaks", func(_ string, data []byte) (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(data[:len(data)/2]), breaking{cut})), nil
		}, "connection lost", false},
		{"a store that refuses", func(string, []byte) (io.ReadCloser, error) {
			return nil, failure.New(failure.Throttled, "get", "https://store.example.test/layer", errors.New("busy"))
		}, "busy", false},
		{"a layer that is no archive", func(_ string, data []byte) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("<html>")), nil
		}, "layer", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fix := mirrortest.Generate(t, 3, 100_000)
			s := newMemory()
			newPlace(t, fix).have().save(s)
			p := newPlace(t, fix)
			picks := p.lookup(s).Pick(p.all())
			s.open = tt.open
			if tt.open == nil {
				delete(s.data, s.layers()[0])
			}
			r := p.restorer(s).Restore(t.Context(), picks)
			if len(r.Reasons) != 1 || !strings.Contains(r.Reasons[0], tt.reason) {
				t.Errorf("reasons %q, want %q", r.Reasons, tt.reason)
			}
			if (len(r.Bad) > 0) != tt.bad {
				t.Errorf("bad layers %v", r.Bad)
			}
			p.check(r.has())
		})
	}
}

// breaking is a reader that fails.
type breaking struct{ err error }

func (f breaking) Read([]byte) (int, error) { return 0, f.err }

// A store that sends nothing is given up after the stall limit; a slow one when
// a window of waiting brought less than the floor.
func TestRestorePace(t *testing.T) {
	t.Parallel()
	fix := mirrortest.Generate(t, 3, 100_000)
	s := newMemory()
	newPlace(t, fix).have().save(s)

	t.Run("a stall", func(t *testing.T) {
		t.Parallel()
		p := newPlace(t, fix)
		picks := p.lookup(s).Pick(p.all())
		r := p.restorer(&hanging{memory: s})
		r.Stall = time.Millisecond
		got := r.Restore(t.Context(), picks)
		if len(got.Reasons) != 1 || !strings.Contains(got.Reasons[0], "sent nothing for 1ms") {
			t.Errorf("reasons %q", got.Reasons)
		}
	})
	t.Run("too slow", func(t *testing.T) {
		t.Parallel()
		p := newPlace(t, fix)
		picks := p.lookup(s).Pick(p.all())
		clock := time.Unix(0, 0)
		slow := &memory{data: s.data, names: s.names}
		slow.open = func(_ string, data []byte) (io.ReadCloser, error) {
			return io.NopCloser(&ticking{r: bytes.NewReader(data), clock: &clock}), nil
		}
		r := p.restorer(slow)
		r.Floor, r.Now = 1000, func() time.Time { return clock }
		got := r.Restore(t.Context(), picks)
		if len(got.Reasons) != 1 || !strings.Contains(got.Reasons[0], "less than the minimum of 1.0 kB/s") {
			t.Errorf("reasons %q", got.Reasons)
		}
		r.Floor = 10
		if got := r.Restore(t.Context(), picks); len(got.Reasons) > 0 {
			t.Errorf("above the floor, but given up: %q", got.Reasons)
		}
	})
}

// hanging is a store whose bodies never come, until the restore is given up.
type hanging struct{ *memory }

func (h *hanging) Open(ctx context.Context, _ store.Entry) (io.ReadCloser, error) {
	return io.NopCloser(readFunc(func([]byte) (int, error) {
		<-ctx.Done()
		return 0, context.Cause(ctx)
	})), nil
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// ticking gives 100 bytes a second by a clock of its own.
type ticking struct {
	r     io.Reader
	clock *time.Time
}

func (k *ticking) Read(p []byte) (int, error) {
	n, err := k.r.Read(p)
	*k.clock = k.clock.Add(time.Duration(n) * time.Second / 100)
	return n, err
}

func TestAFullDiskEndsTheRestore(t *testing.T) {
	t.Parallel()
	fix := mirrortest.Generate(t, 3, 1000)
	s := newMemory()
	newPlace(t, fix).have().save(s)
	p := newPlace(t, fix)
	reading, err := modcache.OpenForReading(p.cache.Dir())
	if err != nil {
		t.Fatal(err)
	}
	r := p.restorer(s)
	r.Cache = reading // every put fails as on a disk that takes nothing
	got := r.Restore(t.Context(), p.lookup(s).Pick(p.all()))
	if got.Err == nil || len(got.Rejected) > 0 || len(got.Bad) > 0 {
		t.Errorf("restored %+v", got)
	}
}

func TestBadLayersAreRemembered(t *testing.T) {
	t.Parallel()
	dir := newPlace(t, mirrortest.Generate(t, 1, 10)).cache.Dir()
	for i := range 3 {
		if err := RememberBad(dir, []string{LayerPrefix + "aa", fmt.Sprintf("%sb%d", LayerPrefix, i)}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Bad(dir)
	if want := []string{LayerPrefix + "aa", LayerPrefix + "b0", LayerPrefix + "b1", LayerPrefix + "b2"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if got, err := Bad(t.TempDir()); err != nil || len(got) > 0 {
		t.Errorf("a module cache without a list: %v, %v", got, err)
	}
}

func TestTooManyOpenFilesLeaveAMemberToOthersAndEndNoRestore(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cause syscall.Errno
		class failure.Class
		ends  bool
	}{
		{syscall.EMFILE, failure.LocalIO, false},
		{syscall.ENFILE, failure.LocalIO, false},
		{syscall.EIO, failure.LocalIO, true},
		{syscall.ENOSPC, failure.DiskFull, true},
	} {
		t.Run(test.cause.Error(), func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancelCause(t.Context())
			j := &restore{Restorer: &Restorer{}, stop: stop, result: &Restored{}}
			j.placed(Pick{}, Member{}, 1, &failure.Error{Class: test.class, Err: test.cause})
			if ended := ctx.Err() != nil; ended != test.ends || (j.result.Err != nil) != test.ends {
				t.Errorf("the restore ended: %v (%v), want %v", ended, j.result.Err, test.ends)
			}
			if n := len(j.result.Reasons); n == 0 && !test.ends {
				t.Error("no reason is told")
			}
		})
	}
}
