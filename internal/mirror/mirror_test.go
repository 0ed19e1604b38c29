package mirror_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limitsFor shortens the limit that a failure class is about and no other, so
// that a loaded machine does not meet another one first.
func limitsFor(class failure.Class) mirror.Limits {
	const soon = 300 * time.Millisecond
	switch class {
	case failure.ConnectTimeout:
		return mirror.Limits{Connect: soon}
	case failure.TLSTimeout:
		return mirror.Limits{TLS: soon}
	case failure.FirstByteTimeout:
		return mirror.Limits{FirstByte: soon}
	case failure.Stall:
		return mirror.Limits{Stall: soon}
	case failure.Timeout:
		// From the dial on: long enough for a loaded machine to get an answer.
		return mirror.Limits{Total: 10 * soon}
	}
	return mirror.Limits{}
}

func open(t *testing.T, s *mirrortest.Server, o mirror.Options, rawURL string) *mirror.Mirror {
	t.Helper()
	if o.RootCAs == nil {
		o.RootCAs = s.CA()
	}
	m, err := mirror.NewClient(o).Open(rawURL, mirror.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func path(t *testing.T, v module.Version, ext string) string {
	t.Helper()
	p, err := mirror.FilePath(v, ext)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// read gets a whole file.
func read(m *mirror.Mirror, r mirror.Request) ([]byte, *mirror.Response, error) {
	resp, err := m.Get(context.Background(), r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Close()
	data, err := io.ReadAll(resp)
	return data, resp, err
}

func eachProtocol(t *testing.T, f func(t *testing.T, p mirrortest.Protocol)) {
	for _, p := range mirrortest.Protocols() {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			f(t, p)
		})
	}
}

func TestAFileArrivesOverEveryProtocol(t *testing.T) {
	t.Parallel()
	f := mirrortest.Build(t, mirrortest.Module{Path: "example.test/Upper", Version: "v1.0.0-RC1", Size: 200 << 10})
	a := f.All()[0]
	eachProtocol(t, func(t *testing.T, p mirrortest.Protocol) {
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p, Base: "/go/proxy"})
		m := open(t, s, mirror.Options{}, s.URL+"//")
		var seen mirror.Seen
		data, resp, err := read(m, mirror.Request{Path: path(t, a.Version, "zip"), Max: mirror.MaxZip, Seen: &seen})
		if err != nil {
			t.Fatal(err)
		}
		if string(data) != string(a.Zip) || resp.Size != int64(len(a.Zip)) || !resp.Ranges {
			t.Errorf("got %d bytes, size %d, ranges %v; want %d bytes with ranges", len(data), resp.Size, resp.Ranges, len(a.Zip))
		}
		want := "HTTP/1.1"
		if p == mirrortest.HTTP2 {
			want = "HTTP/2.0"
		}
		if seen.Proto != want || seen.Timing.Wait <= 0 {
			t.Errorf("seen %+v, want %s and a time", seen, want)
		}
		r := s.Requests()[0]
		if got := r.Header.Get("Accept-Encoding"); got != "identity" {
			t.Errorf("Accept-Encoding %q, want identity", got)
		}
		if got := r.Header.Get("User-Agent"); got != "modferry" {
			t.Errorf("User-Agent %q, want modferry", got)
		}
	})
}

func TestFailuresAreClassifiedWhereTheyArise(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 256<<10)
	v := f.Versions()[0]
	release := make(chan struct{}) // never
	for _, test := range []struct {
		name  string
		fault mirrortest.Fault
		want  failure.Class
		code  int
	}{
		{"a slow first byte", mirrortest.SlowFirstByte(release), failure.FirstByteTimeout, 0},
		{"a stall in the body", mirrortest.StallAfter(1000, release), failure.Stall, 0},
		{"a body that takes for ever", mirrortest.StallAfter(1000, release), failure.Timeout, 0},
		{"a body that ends early", mirrortest.LengthTooLong(10), failure.CutBody, 0},
		{"401", mirrortest.Status(401), failure.Unauthorized, 401},
		{"403", mirrortest.Status(403), failure.Forbidden, 403},
		{"404", mirrortest.Status(404), failure.NotFound, 404},
		{"410", mirrortest.Status(410), failure.Gone, 410},
		{"429", mirrortest.RetryAfter(429, "7"), failure.Throttled, 429},
		{"500", mirrortest.Status(500), failure.ServerError, 500},
		{"503", mirrortest.Status(503), failure.ServerError, 503},
		{"204", mirrortest.Status(204), failure.HTTPStatus, 204},
		{"a redirect loop", mirrortest.RedirectLoop(), failure.RedirectLoop, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			eachProtocol(t, func(t *testing.T, p mirrortest.Protocol) {
				s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p, Faults: []mirrortest.Rule{mirrortest.Always("*", test.fault)}})
				m := open(t, s, mirror.Options{Limits: limitsFor(test.want)}, s.URL)
				_, _, err := read(m, mirror.Request{Path: path(t, v, "zip")})
				var fe *failure.Error
				if !errors.As(err, &fe) {
					t.Fatalf("error %v is not a *failure.Error", err)
				}
				if fe.Class != test.want || fe.Status != test.code {
					t.Errorf("class %q, status %d; want %q, %d (%v)", fe.Class, fe.Status, test.want, test.code, err)
				}
				if test.code == 429 && fe.RetryAfter != 7000 {
					t.Errorf("RetryAfter %d ms, want 7000", fe.RetryAfter)
				}
			})
		})
	}
}

func TestACutBodyIsACutOrAResetByProtocol(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 256<<10)
	eachProtocol(t, func(t *testing.T, p mirrortest.Protocol) {
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p, Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.CutAfter(100_000))}})
		m := open(t, s, mirror.Options{}, s.URL)
		_, _, err := read(m, mirror.Request{Path: path(t, f.Versions()[0], "zip")})
		want := failure.CutBody
		if p == mirrortest.HTTP2 {
			want = failure.HTTP2Reset
		}
		if got := failure.Classify(err); got != want {
			t.Errorf("class %q, want %q (%v)", got, want, err)
		}
	})
}

func TestAddressesWithoutAMirror(t *testing.T) {
	t.Parallel()
	network := new(mirrortest.Network)
	network.BlackHole("hole.example.test")
	network.NoSuchHost("nowhere.example.test")
	network.Unreachable("far.example.test")
	for _, test := range []struct {
		name, url string
		want      failure.Class
	}{
		{"nothing listens", "http://" + mirrortest.Refused(t), failure.Refused},
		{"SYN unanswered", "http://hole.example.test", failure.ConnectTimeout},
		{"no such host", "https://nowhere.example.test", failure.NameLookup},
		{"no route", "https://far.example.test", failure.Unreachable},
		{"a TLS handshake without answer", "https://" + mirrortest.Silent(t), failure.TLSTimeout},
		{"a response that is not HTTP", "http://" + mirrortest.Garbled(t), failure.BadResponse},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, err := mirror.NewClient(mirror.Options{
				Limits: limitsFor(test.want), Dial: network.DialContext,
			}).Open(test.url, mirror.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(m.Close)
			_, _, err = read(m, mirror.Request{Path: "example.test/@v/v1.0.0.mod"})
			if got := failure.Classify(err); got != test.want {
				t.Errorf("class %q, want %q (%v)", got, test.want, err)
			}
		})
	}
}

func TestCertificatesAreJudgedByKind(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 0)
	for _, test := range []struct {
		name string
		cert mirrortest.Cert
		want failure.Class
	}{
		{"of a wrong name", mirrortest.WrongName, failure.TLSWrongName},
		{"expired", mirrortest.ExpiredCert, failure.TLSExpired},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2, Cert: test.cert})
			m := open(t, s, mirror.Options{}, s.URL)
			_, _, err := read(m, mirror.Request{Path: path(t, f.Versions()[0], "mod")})
			if got := failure.Classify(err); got != test.want {
				t.Errorf("class %q, want %q (%v)", got, test.want, err)
			}
		})
	}
	t.Run("of an unknown authority", func(t *testing.T) {
		t.Parallel()
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2})
		m := open(t, s, mirror.Options{RootCAs: mirrortest.NewAuthority(t).Pool()}, s.URL)
		_, _, err := read(m, mirror.Request{Path: path(t, f.Versions()[0], "mod")})
		if got := failure.Classify(err); got != failure.TLSUnknownAuthority {
			t.Errorf("class %q, want %q (%v)", got, failure.TLSUnknownAuthority, err)
		}
	})
}

func TestCredentialsOfURLAndNetrcReachTheMirrorAndNobodyElse(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 0)
	v := f.Versions()[0]
	for _, from := range []string{"URL", "netrc", "netrc with a URL"} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			authority := mirrortest.NewAuthority(t)
			storage := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2, Authority: authority})
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2, Authority: authority, BasicAuth: "ann:s3cret",
				Faults: []mirrortest.Rule{mirrortest.Always("*.zip", mirrortest.RedirectTo(storage.URL))}})
			o := mirror.Options{}
			rawURL := s.WithUser("ann:s3cret")
			if machine := map[string]string{"netrc": s.Addr, "netrc with a URL": "https://" + s.Addr + "/"}[from]; machine != "" {
				rawURL = s.URL
				o.Netrc, _ = mirror.ParseNetrc("machine other.test login x password y\nmachine " + machine + "\n login ann password s3cret\n")
			}
			m := open(t, s, o, rawURL+"?token=q1w2")
			for _, ext := range []string{"mod", "zip"} {
				data, _, err := read(m, mirror.Request{Path: path(t, v, ext)})
				if err != nil || len(data) == 0 {
					t.Fatalf(".%s: %d bytes, %v", ext, len(data), err)
				}
			}
			for _, r := range storage.Requests() {
				if r.Authorization() != "" || r.Header.Get("Referer") != "" {
					t.Errorf("the storage host was told %v", r.Header)
				}
			}
			if storage.Count("*.zip") != 1 {
				t.Errorf("the storage host served %d zips, want 1", storage.Count("*.zip"))
			}
			if strings.Contains(m.Name(), "s3cret") || strings.Contains(m.Name(), "q1w2") {
				t.Errorf("Name() = %s shows a secret", m.Name())
			}
		})
	}
}

func TestAPasswordInAnInsecureURLIsRefused(t *testing.T) {
	t.Parallel()
	_, err := mirror.NewClient(mirror.Options{}).Open("http://ann:s3cret@mirror.example.test", mirror.Limits{})
	if failure.Classify(err) != failure.InsecureCredentials || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %v, want insecure_credentials without the password", err)
	}
}

func TestARedirectFromHTTPSToHTTPIsRefused(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 0)
	plain := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2,
		Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.RedirectTo(plain.URL))}})
	m := open(t, s, mirror.Options{}, s.URL)
	_, _, err := read(m, mirror.Request{Path: path(t, f.Versions()[0], "mod")})
	if got := failure.Classify(err); got != failure.RedirectRefused {
		t.Errorf("class %q, want %q (%v)", got, failure.RedirectRefused, err)
	}
	if n := len(plain.Requests()); n != 0 {
		t.Errorf("the insecure host got %d requests", n)
	}
}

func TestABodyLargerThanAllowedIsCutOff(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 64<<10)
	v := f.Versions()[0]
	for _, fault := range []struct {
		name string
		do   mirrortest.Fault
	}{{"announced", nil}, {"unannounced", mirrortest.NoLength()}} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
			if fault.do != nil {
				s.Fault(mirrortest.Always("*", fault.do))
			}
			m := open(t, s, mirror.Options{}, s.URL)
			data, _, err := read(m, mirror.Request{Path: path(t, v, "zip"), Max: 1000})
			if got := failure.Classify(err); got != failure.TooLarge {
				t.Errorf("class %q, want %q (%v)", got, failure.TooLarge, err)
			}
			if len(data) > 128<<10 {
				t.Errorf("%d bytes were read", len(data))
			}
		})
	}
}

func TestAFileMirrorIsADirectory(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	a := f.All()[0]
	dir := t.TempDir()
	m, err := mirror.NewClient(mirror.Options{}).Open(f.WriteProxy(t, dir)+"/", mirror.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	data, resp, err := read(m, mirror.Request{Path: path(t, a.Version, "zip")})
	if err != nil || string(data) != string(a.Zip) || resp.Size != int64(len(a.Zip)) {
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	if _, _, err := read(m, mirror.Request{Path: "example.test/none/@v/v1.0.0.mod"}); failure.Classify(err) != failure.NotFound {
		t.Errorf("missing file: class %q, want %q", failure.Classify(err), failure.NotFound)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := read(m, mirror.Request{Path: "example.test"}); failure.Classify(err) != failure.WrongContent {
		t.Errorf("a directory: class %q, want %q", failure.Classify(err), failure.WrongContent)
	}
}

func TestCancellationEndsARequest(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	release := make(chan struct{})
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.SlowFirstByte(release))}})
	m := open(t, s, mirror.Options{}, s.URL)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-s.Arrived("*", 1)
		cancel()
	}()
	_, err := m.Get(ctx, mirror.Request{Path: path(t, f.Versions()[0], "mod")})
	if got := failure.Classify(err); got != failure.Cancelled {
		t.Errorf("class %q, want %q (%v)", got, failure.Cancelled, err)
	}
}
