package fetch_test

import (
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// sums are the hashes that go.sum names for a file of the fixtures.
func sums(f *mirrortest.Fixtures, m report.Module) string {
	a := f.Get(m.Path, m.Version)
	if m.Kind == report.KindZip {
		return a.ZipSum
	}
	return a.ModSum
}

func TestTheResultHasTheHashesOfWhatIsThereAlone(t *testing.T) {
	t.Parallel()
	m := mirrortest.Module{Path: "example.test/target", Version: "v1.2.3", Size: 3000}
	f := mirrortest.Build(t, m, mirrortest.Module{Path: "example.test/other", Version: "v1.0.0"})
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f.With(mirrortest.Corrupt(t, m, mirrortest.OtherContent))})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.NoProbe = true
	first := b.Run(s.URL + ",off")
	fetchtest.WantOutcome(t, first, report.Integrity)
	again := b.Run(s.URL + ",off")
	for name, r := range map[string]*report.Result{"fetched": first, "present": again} {
		failed := 0
		for _, m := range r.Modules {
			want := sums(f, m)
			if m.Source == report.FromFailed {
				want = ""
				failed++
			}
			if m.Sum != want {
				t.Errorf("%s: %s@%s %s (%s) has the hash %q, want %q", name, m.Path, m.Version, m.Kind, m.Source, m.Sum, want)
			}
		}
		if failed == 0 || failed == len(r.Modules) {
			t.Errorf("%s: %d of %d files failed, want some", name, failed, len(r.Modules))
		}
	}
}

func TestAttemptsTellHowLongTheFirstByteTook(t *testing.T) {
	t.Parallel()
	for _, protocol := range mirrortest.Protocols() {
		f := mirrortest.Generate(t, 8, 100)
		authority := mirrortest.NewAuthority(t)
		s := fetchtest.Start(t, authority, protocol, f, mirrortest.First(1, "*/m003/@v/*.zip", mirrortest.Status(503)))
		b := fetchtest.New(t, f, mirrortest.Checkout{})
		b.Trust(authority)
		b.Values.NoProbe, b.Values.Fallback = true, "any"
		r := b.Run("http://" + mirrortest.Refused(t) + "|" + s.URL)
		fetchtest.WantOutcome(t, r, report.OK)
		answered, connected := 0, 0
		for _, m := range r.Modules {
			for _, a := range m.Attempts {
				switch {
				case a.Status == 0 && a.FirstByteMS != nil:
					t.Errorf("%v: an attempt without an answer has a first byte: %+v", protocol, a)
				case a.Status != 0 && (a.FirstByteMS == nil || *a.FirstByteMS <= 0 || *a.FirstByteMS > a.MS):
					t.Errorf("%v: an answered attempt has the first byte %v of %v ms", protocol, a.FirstByteMS, a.MS)
				case a.Status != 0:
					answered++
				}
				if a.ConnectMS != nil {
					connected++
				}
			}
		}
		if answered < 17 || connected == 0 {
			t.Errorf("%v: %d attempts were answered and %d connected, want one for each file and one more, and new connections", protocol, answered, connected)
		}
		if want := (report.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.GOMAXPROCS(0)}); r.Machine == nil || *r.Machine != want {
			t.Errorf("the machine is %v, want %v", r.Machine, want)
		}
	}
}

func TestAFileOfADirectoryHasNoFirstByte(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 100)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	other := fetchtest.New(t, f, mirrortest.Checkout{})
	r := other.Run(mirrortest.FileURL(filepath.Join(b.ModCache, "cache", "download")))
	fetchtest.WantOutcome(t, r, report.OK)
	if i := slices.IndexFunc(r.Modules, func(m report.Module) bool { return m.Attempts[0].FirstByteMS != nil }); i >= 0 {
		t.Errorf("%+v has a first byte, want none", r.Modules[i])
	}
}
