package mirror_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestProbeVerdicts(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 0)
	var samples []mirror.Sample
	for _, a := range f.All()[:2] {
		samples = append(samples, mirror.Sample{Version: a.Version, ModHash: a.ModSum})
	}
	release := make(chan struct{})
	for _, test := range []struct {
		name  string
		rules []mirrortest.Rule
		class failure.Class
		has   int
		lacks int
	}{
		{"a healthy mirror has the samples", nil, "", 4, 0},
		{"a mirror without the samples is not wrong", []mirrortest.Rule{mirrortest.Always("*", mirrortest.Status(404))}, "", 0, 4},
		{"a mirror whose samples are gone is not wrong", []mirrortest.Rule{mirrortest.Always("*", mirrortest.Status(410))}, "", 0, 4},
		{"a captive portal is wrong content, not healthy", []mirrortest.Rule{mirrortest.Always("*", mirrortest.HTML())}, failure.WrongContent, 0, 0},
		{"another go.mod is a hash mismatch", []mirrortest.Rule{mirrortest.Always("*.mod", mirrortest.Flip(3))}, failure.HashMismatch, 0, 0},
		{"an .info of another version is wrong content", []mirrortest.Rule{mirrortest.First(1, "*.info", mirrortest.Body("application/json", []byte(`{"Version":"v9.9.9"}`)))}, failure.WrongContent, 3, 0},
		{"a mirror that answers 503 fails", []mirrortest.Rule{mirrortest.Always("*", mirrortest.Status(503))}, failure.ServerError, 0, 0},
		{"a mirror that does not answer in the time fails by its phase", []mirrortest.Rule{mirrortest.Always("*", mirrortest.SlowFirstByte(release))}, failure.FirstByteTimeout, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			eachProtocol(t, func(t *testing.T, p mirrortest.Protocol) {
				s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p, Faults: test.rules})
				m := open(t, s, mirror.Options{}, s.URL)
				limit := time.Minute
				if test.class == failure.FirstByteTimeout {
					limit = 200 * time.Millisecond
				}
				ctx, cancel := mirror.WithLimit(context.Background(), limit)
				defer cancel()
				v := m.Probe(ctx, samples, "")
				if v.Class != test.class || v.Has != test.has || v.Lacks != test.lacks {
					t.Errorf("verdict %q (%s), has %d, lacks %d; want %q, %d, %d", v.Class, v.Reason, v.Has, v.Lacks, test.class, test.has, test.lacks)
				}
				if test.class == "" && v.Seen.Proto == "" {
					t.Error("nothing was seen of the response")
				}
			})
		})
	}
}

func TestProbeAsksForTheChecksumDatabase(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 0)
	samples := []mirror.Sample{{Version: f.Versions()[0], ModHash: f.All()[0].ModSum}}
	db := mirrortest.NewSumDB(t, f)
	for _, with := range []bool{true, false} {
		o := mirrortest.Options{Fixtures: f}
		if with {
			o.SumDB = db
		}
		s := mirrortest.Start(t, o)
		m := open(t, s, mirror.Options{}, s.URL)
		v := m.Probe(t.Context(), samples, db.Name)
		if v.Class != "" || v.SumDB == nil || *v.SumDB != with {
			t.Errorf("with the database %v: verdict %+v", with, v)
		}
	}
}

func TestProbeWithoutSamplesAsksForAPublicModule(t *testing.T) {
	t.Parallel()
	s := mirrortest.Start(t, mirrortest.Options{})
	m := open(t, s, mirror.Options{}, s.URL)
	m.Probe(t.Context(), nil, "")
	for _, r := range s.Requests() {
		if !strings.Contains(r.Path, mirror.PublicSample.Path) {
			t.Errorf("asked for %s", r.Path)
		}
	}
	if len(s.Requests()) != 2 {
		t.Errorf("%d requests, want .mod and .info", len(s.Requests()))
	}
}

func TestTheCatalogueIsSound(t *testing.T) {
	t.Parallel()
	c := mirror.PublicCatalogue()
	seen := map[string]bool{}
	for _, p := range c {
		if seen[p.URL] || !strings.HasPrefix(p.URL, "https://") || strings.HasSuffix(p.URL, "/") || p.Operator == "" || p.Region == "" {
			t.Errorf("entry %+v", p)
		}
		seen[p.URL] = true
		if _, ok := c.Find(p.URL + "/"); !ok {
			t.Errorf("%s is not found", p.URL)
		}
	}
	if len(c.Region("cn")) < 2 {
		t.Error("fewer than two mirrors in China: --mirrors cn would have no fallback")
	}
	for _, other := range []string{"https://user:pw@" + strings.TrimPrefix(c[0].URL, "https://"), strings.Replace(c[0].URL, "https", "http", 1), "https://mirror.example.test", ":", c[0].URL + ".example.test"} {
		if p, ok := c.Find(other); ok {
			t.Errorf("%s counts as %s", other, p.Operator)
		}
	}
}
