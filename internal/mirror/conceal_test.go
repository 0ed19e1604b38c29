package mirror_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/secret"
)

func TestErrorsHideWhatWasSent(t *testing.T) {
	t.Parallel()
	const password = "PLANTED.9Q"
	authority := mirrortest.NewAuthority(t)
	says := func(texts func(w http.ResponseWriter, r *http.Request)) mirrortest.Fault {
		return func(w http.ResponseWriter, r *http.Request, _ http.Handler) { texts(w, r) }
	}
	tests := []struct {
		name  string
		class failure.Class
		fault mirrortest.Fault
	}{
		{"the text of a refusal", failure.Forbidden, says(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, "denied: "+r.Header.Get("Authorization")[len("Basic "):]+" "+password)
		})},
		{"a text that is cut", failure.Forbidden, says(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, strings.Repeat("x", 495)+password+strings.Repeat("y", 600))
		})},
		{"a text that is not read to its end", failure.Forbidden, says(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, "x"+strings.Repeat(" ", 1<<10-8)+password)
		})},
		{"the message of JSON", failure.Forbidden, says(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"errors":[{"message":"%s\u0050LANTED.9Q"}]}`, strings.Repeat("x", 494))
		})},
		{"the target of a redirect", failure.RedirectRefused, says(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://h.example.test/"+password)
			w.WriteHeader(http.StatusFound)
		})},
		{"a header that cannot be read", failure.BadResponse, says(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			defer conn.Close()
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: "+password+"\r\n\r\n")
		})},
	}
	credentials := map[string]func(s *mirrortest.Server, o *mirror.Options) string{
		"of the URL": func(s *mirrortest.Server, _ *mirror.Options) string {
			return strings.Replace(s.URL, "https://", "https://u:"+password+"@", 1)
		},
		"of netrc": func(s *mirrortest.Server, o *mirror.Options) string {
			o.Netrc = []mirror.NetrcEntry{{Machine: s.Addr, Login: "u", Password: password}}
			return s.URL
		},
		"of another machine in netrc, which a server may know": func(s *mirrortest.Server, o *mirror.Options) string {
			o.Netrc = []mirror.NetrcEntry{{Machine: s.Addr, Login: "u", Password: "another"}, {Machine: "h.example.test", Login: "u", Password: password}}
			return s.URL
		},
	}
	for _, tt := range tests {
		for of, give := range credentials {
			t.Run(tt.name+", credentials "+of, func(t *testing.T) {
				t.Parallel()
				s := mirrortest.Start(t, mirrortest.Options{Protocol: mirrortest.HTTP1TLS, Authority: authority})
				s.Fault(mirrortest.Always("*", tt.fault))
				o := mirror.Options{RootCAs: authority.Pool()}
				address := give(s, &o)
				m, err := mirror.NewClient(o).Open(address, mirror.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				_, err = m.Get(t.Context(), mirror.Request{Path: "a.test/b/@v/v1.0.0.mod"})
				fe := failure.As(err)
				if fe == nil || fe.Class != tt.class {
					t.Fatalf("got %v, want %s", err, tt.class)
				}
				basic := base64.StdEncoding.EncodeToString([]byte("u:" + password))
				for _, text := range []string{fe.Error(), fe.Detail, fe.URL, fmt.Sprint(fe.Err)} {
					if strings.Contains(text, "PLANT") || strings.Contains(text, basic) {
						t.Errorf("shown is %q", text)
					}
				}
			})
		}
	}
}

func TestBodiesHideWhatWasSent(t *testing.T) {
	t.Parallel()
	const password = "PLANTED.9Q"
	var secrets secret.Set
	secrets.Add(password)
	s := mirrortest.Start(t, mirrortest.Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1\r\na\r\n0\r\n"+password+"\r\n\r\n")
	})})
	m, err := mirror.NewClient(mirror.Options{Secrets: &secrets}).Open(s.URL, mirror.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	resp, err := m.Get(t.Context(), mirror.Request{Path: "a.test/b/@v/v1.0.0.mod"})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Close()
	if _, err = io.ReadAll(resp); err == nil || strings.Contains(err.Error(), "PLANT") || !strings.Contains(err.Error(), secret.Mask) {
		t.Errorf("got %v", err)
	}
}

func TestCredentialsOfTheForwardProxyAreHidden(t *testing.T) {
	t.Parallel()
	const password = "PLANTED.9Q"
	var secrets secret.Set
	c := mirror.NewClient(mirror.Options{
		Secrets: &secrets,
		Proxy: func(*http.Request) (*url.URL, error) {
			return url.Parse("http://u:" + password + "@proxy.example.test:3128")
		},
		Dial: func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed },
	})
	m, err := c.Open("https://h.example.test", mirror.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Get(t.Context(), mirror.Request{Path: "a.test/b/@v/v1.0.0.mod"}); !errors.Is(err, net.ErrClosed) {
		t.Fatalf("got %v, want the dialer's error", err)
	}
	if got := secrets.Hide(password); got != secret.Mask {
		t.Errorf("the password is not known: %q", got)
	}
}
