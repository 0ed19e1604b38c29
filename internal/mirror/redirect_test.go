package mirror_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestCredentialsFollowARedirectToTheSameHostAndPortOnly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		from string // machine of the mirror's URL
		to   string // of the Location, "" for a path alone
		sent bool
	}{
		{"a path of the same host", "go.example.test", "", true},
		{"the same host", "go.example.test", "go.example.test", true},
		{"a subdomain", "example.test", "go.example.test", false},
		{"the parent domain", "go.example.test", "example.test", false},
		{"another port", "go.example.test", "go.example.test:8443", false},
		{"another host", "go.example.test", "other.example.test", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var location string
			s := mirrortest.Start(t, mirrortest.Options{Protocol: mirrortest.HTTP1TLS, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/there" {
					http.NotFound(w, r)
					return
				}
				w.Header().Set("Location", location)
				w.WriteHeader(http.StatusFound)
			})})
			location = "/there"
			if test.to != "" {
				location = "https://" + test.to + "/there"
			}
			network := new(mirrortest.Network)
			for _, host := range []string{"example.test", "go.example.test", "other.example.test"} {
				network.Route(host, s.Addr)
			}
			m := open(t, s, mirror.Options{
				Dial:  network.DialContext,
				Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
			}, "https://ann:s3cret@"+test.from+"/go?token=q1w2")
			read(m, mirror.Request{Path: "example.test/a/@v/v1.0.0.mod"})
			there := s.Matching("/there")
			if len(there) != 1 {
				t.Fatalf("%d requests where the redirect leads, want 1", len(there))
			}
			if sent := there[0].Authorization() != ""; sent != test.sent {
				t.Errorf("credentials sent %v, want %v", sent, test.sent)
			}
			if referer := there[0].Header.Get("Referer"); referer != "" {
				t.Errorf("the Referer %q tells the mirror's URL", referer)
			}
		})
	}
}

func TestRedirectsAreFollowedAsTheGoCommandFollowsThem(t *testing.T) {
	t.Parallel()
	plain := mirrortest.Start(t, mirrortest.Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/again/"))
		if n == 0 {
			w.Write([]byte("module example.test/a\n"))
			return
		}
		http.Redirect(w, r, "/again/"+strconv.Itoa(n-1), http.StatusFound)
	})})
	for _, test := range []struct {
		name     string
		protocol mirrortest.Protocol
		to       func(self string) string
		want     failure.Class
	}{
		{"nine redirects", mirrortest.HTTP1, func(string) string { return plain.URL + "/again/8" }, ""},
		{"ten redirects", mirrortest.HTTP1, func(string) string { return plain.URL + "/again/9" }, failure.RedirectLoop},
		{"from http to ftp", mirrortest.HTTP1, func(string) string { return "ftp://127.0.0.1/a" }, failure.RedirectRefused},
		{"from https to ftp", mirrortest.HTTP1TLS, func(string) string { return "ftp://127.0.0.1/a" }, failure.RedirectRefused},
		{"from https to http", mirrortest.HTTP1TLS, func(string) string { return plain.URL + "/again/0" }, failure.RedirectRefused},
		{"from https over https to http", mirrortest.HTTP1TLS, func(self string) string { return self + "/twice" }, failure.RedirectRefused},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var s *mirrortest.Server
			s = mirrortest.Start(t, mirrortest.Options{Protocol: test.protocol, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				to := test.to(s.URL)
				if r.URL.Path == "/twice" {
					to = plain.URL + "/again/0"
				}
				w.Header().Set("Location", to)
				w.WriteHeader(http.StatusFound)
			})})
			m := open(t, s, mirror.Options{}, s.URL)
			_, _, err := read(m, mirror.Request{Path: "example.test/a/@v/v1.0.0.mod"})
			if got := failure.Classify(err); got != test.want {
				t.Errorf("class %q, want %q (%v)", got, test.want, err)
			}
		})
	}
}

func TestARefusedRedirectDoesNotShowWhereItLed(t *testing.T) {
	t.Parallel()
	s := mirrortest.Start(t, mirrortest.Options{Protocol: mirrortest.HTTP1TLS, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://ann:s3cret@storage.example.test/a?X-Amz-Signature=q1w2")
		w.WriteHeader(http.StatusFound)
	})})
	m := open(t, s, mirror.Options{}, s.URL)
	_, _, err := read(m, mirror.Request{Path: "example.test/a/@v/v1.0.0.mod"})
	if fe := failure.As(err); fe == nil || !strings.Contains(fe.Detail, "storage.example.test") || strings.Contains(fe.Detail+fe.Error(), "s3cret") || strings.Contains(fe.Detail+fe.Error(), "q1w2") {
		t.Errorf("error %v; want one that names the host without its credentials", err)
	}
}

// A gatekeeper may send by way of a host that signs a client in.
func TestCredentialsAreThereAgainWhereARedirectLeadsBack(t *testing.T) {
	t.Parallel()
	authority := mirrortest.NewAuthority(t)
	var home *mirrortest.Server
	other := mirrortest.Start(t, mirrortest.Options{Protocol: mirrortest.HTTP1TLS, Authority: authority, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, home.URL+"/back", http.StatusFound)
	})})
	home = mirrortest.Start(t, mirrortest.Options{Protocol: mirrortest.HTTP1TLS, Authority: authority, BasicAuth: "ann:s3cret",
		Faults: []mirrortest.Rule{mirrortest.Always("*.mod", mirrortest.RedirectTo("https://other.example.test"))}, Handler: http.NotFoundHandler()})
	network := new(mirrortest.Network)
	network.Route("other.example.test", other.Addr)
	m := open(t, home, mirror.Options{Dial: network.DialContext, Proxy: func(*http.Request) (*url.URL, error) { return nil, nil }}, home.WithUser("ann:s3cret"))
	if _, _, err := read(m, mirror.Request{Path: "example.test/a/@v/v1.0.0.mod"}); failure.Classify(err) != failure.NotFound {
		t.Errorf("%v; want the 404 of the one who is signed in", err)
	}
	if got := other.Requests(); len(got) != 1 || got[0].Authorization() != "" {
		t.Errorf("the other host was asked %d times, with %q", len(got), got[0].Authorization())
	}
}
