package mirror_test

import (
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestAPartIsServedOnlyOfTheSameEntity(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 64<<10)
	a := f.All()[0]
	eachProtocol(t, func(t *testing.T, p mirrortest.Protocol) {
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p})
		m := open(t, s, mirror.Options{}, s.URL)
		_, whole, err := read(m, mirror.Request{Path: path(t, a.Version, "zip")})
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []struct{ from, to int64 }{{1000, 2000}, {0, 2000}, {1000, 0}} {
			data, resp, err := read(m, mirror.Request{Path: path(t, a.Version, "zip"), Offset: part.from, End: part.to, Validator: whole.Validator})
			want := a.Zip[part.from:]
			if part.to > 0 {
				want = a.Zip[part.from:part.to]
			}
			if err != nil || resp.Status != 206 || string(data) != string(want) || resp.Size != int64(len(a.Zip)) {
				t.Errorf("part %v: %d bytes, %v; want %d bytes of %d with 206", part, len(data), err, len(want), len(a.Zip))
			}
		}
		data, resp, err := read(m, mirror.Request{Path: path(t, a.Version, "zip"), Offset: 1000, Validator: `"another"`})
		if err != nil || resp.Status != 200 || resp.Offset != 0 || len(data) != len(a.Zip) {
			t.Errorf("another entity: status %d, offset %d, %d bytes, %v; want the whole file", resp.Status, resp.Offset, len(data), err)
		}
	})
}

func TestAServerThatSendsAnotherPartIsNotBelieved(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 64<<10)
	v := f.Versions()[0]
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.WrongRange(10))}})
	m := open(t, s, mirror.Options{}, s.URL)
	_, _, err := read(m, mirror.Request{Path: path(t, v, "zip"), Offset: 1000, End: 2000, Validator: mirrortest.ETag(f.All()[0].Zip)})
	if got := failure.Classify(err); got != failure.BadResponse {
		t.Errorf("class %q, want %q (%v)", got, failure.BadResponse, err)
	}
}

func TestWithoutAStrongValidatorNoPartsAreAskedFor(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 64<<10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, NoETag: true})
	m := open(t, s, mirror.Options{}, s.URL)
	_, resp, err := read(m, mirror.Request{Path: path(t, f.Versions()[0], "zip")})
	if err != nil || resp.Ranges || resp.Validator != "" {
		t.Errorf("ranges %v, validator %q, %v; want none", resp.Ranges, resp.Validator, err)
	}
}
