package download_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

func TestACutZipIsResumedWhereTheEntityIsProvablyTheSame(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 1<<20)
	zip := f.All()[0].Zip
	for _, p := range mirrortest.Protocols() {
		for _, etag := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s with a validator %v", p, etag), func(t *testing.T) {
				t.Parallel()
				a := mirrortest.NewAuthority(t)
				s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p, Authority: a, NoETag: !etag,
					Faults: []mirrortest.Rule{mirrortest.First(2, "*.zip", mirrortest.CutAfter(300_000))}})
				b := fetchtest.New(t, f, mirrortest.Checkout{})
				b.Trust(a)
				b.Values.NoProbe = true
				r := b.Run(s.URL)
				fetchtest.WantOutcome(t, r, report.OK)
				b.Complete()
				var ranges []string
				for _, q := range s.Matching("*.zip") {
					ranges = append(ranges, q.Range())
				}
				resumed := len(ranges) == 3 && ranges[0] == "" && strings.HasPrefix(ranges[1], "bytes=") && strings.HasPrefix(ranges[2], "bytes=")
				if resumed != etag {
					t.Errorf("ranges %q, resumed %v; want %v", ranges, resumed, etag)
				}
				for _, m := range r.Modules {
					if m.Kind == report.KindZip && etag && (m.Bytes < int64(len(zip)) || m.Bytes > int64(len(zip))+1000) {
						t.Errorf("%d bytes came for a zip of %d", m.Bytes, len(zip))
					}
				}
			})
		}
	}
}

func TestPartsOfDifferentFilesAreFetchedAgainInOnePiece(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 1<<20)
	// A server that claims the same entity but sends other bytes for parts.
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
		mirrortest.First(1, "*.zip", mirrortest.CutAfter(300_000)),
		{Path: "*.zip", Do: mirrortest.Edit(flip), Times: 1},
	}})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.NoProbe = true
	r := b.Run(s.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	b.Complete()
}

func flip(b []byte) []byte {
	c := bytes.Clone(b)
	c[len(c)/2] ^= 1
	return c
}

func TestTheLastLargeZipIsSplitOverRequests(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 24<<20)
	for _, p := range mirrortest.Protocols() {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			a := mirrortest.NewAuthority(t)
			release := make(chan struct{})
			s := fetchtest.Start(t, a, p, f, mirrortest.First(1, "*.zip", mirrortest.StallAfter(1<<20, release)))
			go func() {
				// The first request goes on once others help with its rest.
				select {
				case <-s.Arrived("*.zip", 3):
				case <-t.Context().Done():
				}
				close(release)
			}()
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Trust(a)
			b.Values.NoProbe = true
			b.Values.StallTimeout = time.Minute
			r := b.Run(s.URL)
			fetchtest.WantOutcome(t, r, report.OK)
			b.Complete()
		})
	}
}
