package mirrortest_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

const m0 = "/example.test/m000/@v/v1.0.0"

// get reads a whole answer; err is that of the body when there was a header.
func get(c *http.Client, u string, headers ...string) (resp *http.Response, body []byte, err error) {
	req, err := http.NewRequest("GET", u, nil)
	if err != nil {
		return nil, nil, err
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err = c.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp, body, err
}

// eachProtocol runs a test over every protocol.
func eachProtocol(t *testing.T, f func(t *testing.T, p mirrortest.Protocol)) {
	for _, p := range mirrortest.Protocols() {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			f(t, p)
		})
	}
}

func TestAMirrorServesTheProtocol(t *testing.T) {
	t.Parallel()
	f := mirrortest.Build(t,
		mirrortest.Module{Path: "example.test/Upper", Version: "v1.0.0"},
		mirrortest.Module{Path: "example.test/Upper", Version: "v1.1.0"},
		mirrortest.Module{Path: "example.test/Upper", Version: "v1.2.0-rc.1"})
	a := f.Get("example.test/Upper", "v1.1.0")
	db := mirrortest.NewSumDB(t, f)
	eachProtocol(t, func(t *testing.T, p mirrortest.Protocol) {
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p, Base: "/goproxy", SumDB: db})
		c := s.Client()
		for _, tt := range []struct {
			path string
			code int
			body []byte
		}{
			{"/example.test/!upper/@v/v1.1.0.zip", 200, a.Zip},
			{"/example.test/!upper/@v/v1.1.0.mod", 200, a.Mod},
			{"/example.test/!upper/@v/v1.1.0.info", 200, a.Info},
			{"/example.test/!upper/@v/list", 200, []byte("v1.0.0\nv1.1.0\nv1.2.0-rc.1\n")},
			{"/example.test/!upper/@latest", 200, a.Info},
			{"/sumdb/" + db.Name + "/supported", 200, []byte{}},
			{"/sumdb/other.example.test/supported", 404, nil},
			{"/example.test/!upper/@v/v9.0.0.zip", 404, nil},
			{"/example.test/!upper/@v/v1.1.0.exe", 404, nil},
			{"/example.test/Upper/@v/list", 404, nil}, // upper case must be escaped
			{"/nothing", 404, nil},
		} {
			resp, body, err := get(c, s.URL+tt.path)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.code {
				t.Errorf("%s: status %d, expected %d", tt.path, resp.StatusCode, tt.code)
			}
			if tt.body != nil && !bytes.Equal(body, tt.body) {
				t.Errorf("%s: got %q", tt.path, body)
			}
			if want := map[bool]int{true: 2, false: 1}[p == mirrortest.HTTP2]; resp.ProtoMajor != want {
				t.Errorf("%s over %s", tt.path, resp.Proto)
			}
		}
		if resp, _, err := get(c, strings.TrimSuffix(s.URL, "/goproxy")+"/example.test/!upper/@latest"); err != nil || resp.StatusCode != 404 {
			t.Errorf("outside the base: %v, %v", resp, err)
		}
	})
}

func TestRangesAreServedOfTheSameEntityOnly(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 1000)
	zip := f.All()[0].Zip
	tag := mirrortest.ETag(zip)
	for _, tt := range []struct {
		name    string
		o       mirrortest.Options
		headers []string
		code    int
		want    []byte
	}{
		{"a range", mirrortest.Options{}, []string{"Range", "bytes=100-"}, 206, zip[100:]},
		{"a range if the tag is the same", mirrortest.Options{}, []string{"Range", "bytes=100-199", "If-Range", tag}, 206, zip[100:200]},
		{"everything if the tag is another", mirrortest.Options{}, []string{"Range", "bytes=100-", "If-Range", `"x"`}, 200, zip},
		{"everything if ranges are off", mirrortest.Options{NoRange: true}, []string{"Range", "bytes=100-"}, 200, zip},
		{"everything if there are no tags", mirrortest.Options{NoETag: true}, []string{"Range", "bytes=100-", "If-Range", tag}, 200, zip},
		{"a range by date", mirrortest.Options{NoETag: true, LastModified: true}, []string{"Range", "bytes=100-", "If-Range", "Thu, 02 Jan 2020 03:04:05 GMT"}, 206, zip[100:]},
		{"beyond the end", mirrortest.Options{}, []string{"Range", "bytes=100000-"}, 416, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.o.Fixtures = f
			s := mirrortest.Start(t, tt.o)
			resp, body, err := get(s.Client(), s.URL+m0+".zip", tt.headers...)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.code || tt.want != nil && !bytes.Equal(body, tt.want) {
				t.Errorf("status %d with %d bytes, expected %d with %d", resp.StatusCode, len(body), tt.code, len(tt.want))
			}
			if got := resp.Header.Get("ETag") == ""; tt.code != 416 && got != tt.o.NoETag {
				t.Errorf("ETag %q", resp.Header.Get("ETag"))
			}
		})
	}
}

func TestRequestsAreRecorded(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 0)
	eachProtocol(t, func(t *testing.T, p mirrortest.Protocol) {
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p, BasicAuth: "me:secret", Base: "/b"})
		c := s.Client()
		if resp, _, err := get(c, s.URL+m0+".mod"); err != nil || resp.StatusCode != 401 {
			t.Fatalf("without credentials: %v, %v", resp, err)
		}
		resp, _, err := get(c, s.WithUser("me:secret")+m0+".zip", "Range", "bytes=1-2")
		if err != nil || resp.StatusCode != 206 {
			t.Fatalf("with credentials: %v, %v", resp, err)
		}
		<-s.Arrived("*.zip", 1)
		if s.Count("") != 2 || s.Count("*.zip") != 1 || s.Count(m0+".mod") != 1 || s.Connections() != 1 || s.Peak() != 1 {
			t.Errorf("recorded %d requests over %d connections, %d at a time", s.Count(""), s.Connections(), s.Peak())
		}
		r := s.Matching("*.zip")[0]
		if r.Path != m0+".zip" || r.Range() != "bytes=1-2" || !strings.HasPrefix(r.Authorization(), "Basic ") ||
			r.TLS != (p != mirrortest.HTTP1) || (r.Proto == "HTTP/2.0") != (p == mirrortest.HTTP2) {
			t.Errorf("recorded %+v", r)
		}
		later := s.Arrived("*.mod", 2)
		select {
		case <-later:
			t.Error("Arrived does not wait")
		default:
		}
		get(c, s.URL+m0+".mod")
		<-later
		s.Forget()
		if s.Count("") != 0 {
			t.Error("Forget does not forget")
		}
	})
}

func TestCertificatesAreAsAskedFor(t *testing.T) {
	t.Parallel()
	auth := mirrortest.NewAuthority(t)
	for _, tt := range []struct {
		name string
		kind mirrortest.Cert
		ok   func(error) bool
	}{
		{"good", mirrortest.GoodCert, func(err error) bool { return err == nil }},
		{"wrong name", mirrortest.WrongName, func(err error) bool { return errors.As(err, new(x509.HostnameError)) }},
		{"unknown authority", mirrortest.UnknownAuth, func(err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) }},
		{"expired", mirrortest.ExpiredCert, func(err error) bool {
			var invalid x509.CertificateInvalidError
			return errors.As(err, &invalid) && invalid.Reason == x509.Expired
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Protocol: mirrortest.HTTP2, Authority: auth, Cert: tt.kind})
			_, _, err := get(s.Client(), s.URL+"/x/@v/list")
			if !tt.ok(err) {
				t.Errorf("client says: %v", err)
			}
		})
	}
}

func TestServersOfOneAuthorityAreTrustedTogether(t *testing.T) {
	t.Parallel()
	auth := mirrortest.NewAuthority(t)
	a := mirrortest.Start(t, mirrortest.Options{Protocol: mirrortest.HTTP2, Authority: auth})
	b := mirrortest.Start(t, mirrortest.Options{Protocol: mirrortest.HTTP1TLS, Authority: auth})
	c := a.Client()
	for _, s := range []*mirrortest.Server{a, b} {
		if _, _, err := get(c, s.URL+"/x"); err != nil {
			t.Error(err)
		}
	}
	if a.CAFile() != b.CAFile() || a.CAFile() == "" {
		t.Error("two files for one authority")
	}
}

func TestCloseEndsRequestsThatWait(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, p mirrortest.Protocol) {
		s := mirrortest.Start(t, mirrortest.Options{Protocol: p, Fixtures: mirrortest.Generate(t, 1, 0)})
		s.Fault(mirrortest.Always("", mirrortest.SlowFirstByte(nil)))
		failed := make(chan error, 1)
		c := s.Client()
		go func() {
			_, _, err := get(c, s.URL+m0+".zip")
			failed <- err
		}()
		<-s.Arrived("*.zip", 1)
		s.Close()
		if err := <-failed; err == nil {
			t.Error("the request succeeded")
		}
		if _, _, err := get(c, s.URL+m0+".zip"); err == nil {
			t.Error("a closed server answers")
		}
	})
}

func TestAForwardProxyTunnelsToNamesThatOnlyItKnows(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	eachProtocol(t, func(t *testing.T, p mirrortest.Protocol) {
		s := mirrortest.Start(t, mirrortest.Options{Protocol: p, Fixtures: f})
		network := new(mirrortest.Network)
		network.Route("mirror.example.test", s.Addr)
		fp := mirrortest.StartForwardProxy(t, network, "me:secret")
		scheme, _, _ := strings.Cut(s.URL, ":")
		for _, tt := range []struct {
			via, host string
			ok        bool
		}{
			{fp.WithUser("me:secret"), "mirror.example.test", true},
			{fp.WithUser("me:secret"), "other.example.test", false},
			{fp.URL, "mirror.example.test", false},
		} {
			via, err := url.Parse(tt.via)
			if err != nil {
				t.Fatal(err)
			}
			tr := &http.Transport{Proxy: http.ProxyURL(via), ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: s.CA()}}
			resp, body, err := get(&http.Client{Transport: tr}, scheme+"://"+tt.host+m0+".zip")
			tr.CloseIdleConnections()
			got := err == nil && resp.StatusCode == 200 && bytes.Equal(body, f.All()[0].Zip)
			if got != tt.ok {
				t.Errorf("via %s to %s: %v, %v", tt.via, tt.host, resp, err)
			}
		}
		if want := "mirror.example.test"; !slices.ContainsFunc(fp.Requests(), func(r mirrortest.Request) bool { return strings.HasPrefix(r.Host, want) }) {
			t.Errorf("the proxy recorded %v", fp.Requests())
		}
	})
}

func TestGlob(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "/anything", true},
		{"*", "", true},
		{"*.zip", "/a/@v/v1.0.0.zip", true},
		{"*.zip", "/a/@v/v1.0.0.zip.x", false},
		{"/a/*/v1*.mod", "/a/b/@v/v1.0.0.mod", true},
		{"/a", "/a", true},
		{"/a", "/ab", false},
		{"/ab", "/a", false},
		{"*a*b", "xxaxxaxb", true},
	} {
		if got := mirrortest.Glob(tt.pattern, tt.s); got != tt.want {
			t.Errorf("Glob(%q, %q) = %v", tt.pattern, tt.s, got)
		}
	}
}
