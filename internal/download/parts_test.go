package download_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// refusals are the ways of not sending a part that was asked for.
var refusals = []struct {
	name string
	do   mirrortest.Fault
}{
	{"400", mirrortest.Status(400)},
	{"401", mirrortest.Status(401)},
	{"403", mirrortest.Status(403)},
	{"404", mirrortest.Status(404)},
	{"410", mirrortest.Status(410)},
	{"416", mirrortest.Status(416)},
	{"500", mirrortest.Status(500)},
	{"503", mirrortest.Status(503)},
	{"204", mirrortest.Status(204)},
	{"a redirect loop", mirrortest.RedirectLoop()},
	{"a login page", mirrortest.HTML()},
	{"another place", mirrortest.WrongRange(10)},
	{"another version", mirrortest.Header("ETag", `"another"`)},
	{"a weak ETag", mirrortest.Header("ETag", `W/"weak"`)},
	{"a content coding", mirrortest.Coded("gzip")},
	{"a coding that we do not know", mirrortest.Header("Content-Encoding", "br")},
	{"no Content-Range", mirrortest.Header("Content-Range", "")},
	{"a Content-Range without unit", mirrortest.Header("Content-Range", "5000-9999/10000")},
	{"a reset", mirrortest.ResetAfter(-1)},
	{"the whole file", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		r.Header.Del("Range")
		next.ServeHTTP(w, r)
	}},
}

// What a server says of a part is not about the module: the whole is asked for
// at the same mirror, for nothing, and the next one is told no name.
func TestAnAnswerAboutAPartIsNoneAboutTheModule(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 20<<10)
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, p := range []mirrortest.Protocol{mirrortest.HTTP1, mirrortest.HTTP2} {
				for _, sep := range []string{",", "|"} {
					t.Run(p.String()+" before "+sep, func(t *testing.T) {
						t.Parallel()
						a := mirrortest.NewAuthority(t)
						s := fetchtest.Start(t, a, p, f, mirrortest.Rule{Path: "*.zip", Match: mirrortest.IsPart, Do: test.do}, mirrortest.First(1, "*.zip", mirrortest.CutAfter(10_000)))
						next := fetchtest.Start(t, a, p, f)
						b := fetchtest.New(t, f, mirrortest.Checkout{})
						b.Trust(a)
						b.Values.NoProbe = true
						b.Values.Retries = 0
						r := b.Run(s.URL + sep + next.URL)
						fetchtest.WantOutcome(t, r, report.OK)
						b.Complete()
						if got := next.Requests(); len(got) > 0 {
							t.Errorf("the next mirror was told %s", got[0].Path)
						}
						for _, m := range r.Modules {
							for _, a := range m.Attempts {
								if a.Class != "" && a.Class != failure.CutBody {
									t.Errorf("an attempt of class %q (%s)", a.Class, a.Detail)
								}
							}
						}
						if m := r.Mirrors[0]; m.Failures != 0 || m.State == report.Failing {
							t.Errorf("the mirror is judged by its parts: %+v", m)
						}
					})
				}
			}
		})
	}
}

func TestAMirrorThatNeverSendsTheRestFailsTheFile(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 20<<10)
	for _, test := range []struct {
		name string
		part mirrortest.Fault
	}{
		{"it refuses every part", mirrortest.Status(416)},
		{"it sends a byte at a time", mirrortest.CutAfter(1)},
		{"it sends nothing more", mirrortest.CutAfter(0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
				{Path: "*.zip", Match: mirrortest.IsPart, Do: test.part}, mirrortest.Always("*.zip", mirrortest.CutAfter(10_000))}})
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Values.NoProbe = true
			b.Values.Retries = 1
			r := b.Run(s.URL)
			fetchtest.WantOutcome(t, r, report.Incomplete)
			if n := s.Count("*.zip"); n > 200 {
				t.Errorf("%d requests for one zip", n)
			}
			for _, m := range r.Modules {
				if m.Kind == report.KindZip && m.Class != failure.CutBody {
					t.Errorf("class %q (%s), want %q", m.Class, m.Message, failure.CutBody)
				}
			}
		})
	}
}

func TestARefusalThatAsksToWaitIsObeyed(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 20<<10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
		{Path: "*.zip", Match: mirrortest.IsPart, Do: mirrortest.RetryAfter(503, "1")}, mirrortest.First(1, "*.zip", mirrortest.CutAfter(10_000))}})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.NoProbe = true
	b.Values.Retries = 0
	r := b.Run(s.URL)
	fetchtest.WantOutcome(t, r, report.Incomplete) // with no retry left, it is not asked again at once
	if n := s.Count("*.zip"); n != 2 {
		t.Errorf("%d requests, want the whole and the part", n)
	}
}

func TestAnyProgressIsGoneOnFrom(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100<<10)
	for _, p := range mirrortest.Protocols() {
		for _, n := range []int{5000, 50_000} {
			t.Run(fmt.Sprintf("%s, %d bytes at a time", p, n), func(t *testing.T) {
				t.Parallel()
				a := mirrortest.NewAuthority(t)
				s := fetchtest.Start(t, a, p, f, mirrortest.Always("*.zip", mirrortest.CutAfter(n)))
				b := fetchtest.New(t, f, mirrortest.Checkout{})
				b.Trust(a)
				b.Values.NoProbe = true
				b.Values.Retries = 0
				r := b.Run(s.URL)
				fetchtest.WantOutcome(t, r, report.OK)
				b.Complete()
				whole := 0
				for _, q := range s.Matching("*.zip") {
					if q.Range() == "" {
						whole++
					}
				}
				if whole != 1 {
					t.Errorf("the whole was asked for %d times, want once", whole)
				}
			})
		}
	}
}

// lie changes much of the second half.
func lie(b []byte) []byte {
	c := bytes.Clone(b)
	for i := len(c) / 2; i < len(c); i += 100 {
		c[i] ^= 1
	}
	return c
}

// The first mirror has the right zip, sends it only piece by piece, and does
// ranges. Whatever a second one sends as parts of it, the file comes from the
// first.
func TestAPartnerThatLiesTakesNothingFromTheFirstMirror(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 6<<20)
	type way = struct {
		name string
		do   mirrortest.Fault
	}
	for _, test := range append(refusals[:len(refusals):len(refusals)],
		way{"other bytes under the same ETag", mirrortest.Edit(lie)},
		way{"nothing", mirrortest.SlowFirstByte(never)},
		way{"a few bytes and then nothing", mirrortest.StallAfter(1000, never)},
	) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			lies := test.name == "other bytes under the same ETag"
			try := func() (misfit, named bool) {
				helped := make(chan struct{})
				first := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
					{Path: "*.zip", Match: mirrortest.IsPart, Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) }},
					mirrortest.First(1, "*.zip", mirrortest.StallAfter(1<<20, helped)),
					mirrortest.Always("*.zip", mirrortest.CutAfter(3<<20)),
				}})
				sent := make(chan struct{})
				var once sync.Once
				partner := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*.zip", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					test.do(w, r, next)
					once.Do(func() { close(sent) })
				})}})
				go func() {
					// The first mirror goes on when the other had its chance.
					var arrived <-chan struct{}
					if !lies {
						arrived = partner.Arrived("*.zip", 1)
					}
					select {
					case <-arrived:
					case <-sent:
					case <-t.Context().Done():
					}
					close(helped)
				}()
				b := fetchtest.New(t, f, mirrortest.Checkout{})
				b.Values.NoProbe = true
				b.Values.Retries = 0
				b.Values.StallTimeout, b.Values.FirstByteTimeout = time.Hour, time.Hour
				r := b.Run(first.URL + "|" + partner.URL)
				fetchtest.WantOutcome(t, r, report.OK)
				b.Complete()
				for _, m := range r.Modules {
					if m.Kind == report.KindZip && m.Mirror != first.URL {
						t.Errorf("the zip came from %s", m.Mirror)
					}
					for _, a := range m.Attempts {
						misfit = misfit || a.Mirror == first.URL && strings.Contains(a.Detail, "; from "+partner.URL)
						named = named || (a.Mirror == partner.URL && a.Class == failure.HashMismatch && strings.Contains(a.Detail, first.URL))
					}
				}
				if n := r.Mirrors[0].Failures; n != 0 {
					t.Errorf("%d failures of the first mirror", n)
				}
				return misfit, named
			}
			// A lie that comes late is taken back before it does harm.
			misfit, named := try()
			for range 20 {
				if !lies || misfit {
					break
				}
				misfit, named = try()
			}
			if misfit != lies || named != lies {
				t.Errorf("parts did not fit: %v, and the partner was named as wrong: %v, want %v", misfit, named, lies)
			}
		})
	}
}

func TestATimeOfModificationIsNoProofAtAnotherMirror(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 12<<20)
	helped := make(chan struct{})
	o := mirrortest.Options{Fixtures: f, NoETag: true, LastModified: true}
	first, partner := mirrortest.Start(t, o), mirrortest.Start(t, o)
	first.Fault(mirrortest.First(1, "*.zip", mirrortest.StallAfter(1<<20, helped)))
	go func() {
		select {
		case <-first.Arrived("*.zip", 3): // its own parts
		case <-t.Context().Done():
		}
		close(helped)
	}()
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.NoProbe = true
	b.Values.StallTimeout = time.Minute
	fetchtest.WantOutcome(t, b.Run(first.URL+"|"+partner.URL), report.OK)
	b.Complete()
	if n := partner.Count("*.zip"); n > 0 {
		t.Errorf("%d parts were asked of another mirror", n)
	}
}
