package mirror_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestAForwardProxyIsUsedAsTheGoCommandUsesIt(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 0)
	v := f.Versions()[0]
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2})
	network := new(mirrortest.Network)
	network.Route("localhost", s.Addr)
	p := mirrortest.StartForwardProxy(t, network, "bob:pw")
	through := func(userinfo string) func(*http.Request) (*url.URL, error) {
		return http.ProxyURL(&url.URL{Scheme: "http", Host: p.Addr, User: user(userinfo)})
	}
	target := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	m := open(t, s, mirror.Options{Proxy: through("bob:pw")}, target)
	if _, _, err := read(m, mirror.Request{Path: path(t, v, "mod")}); err != nil {
		t.Fatal(err)
	}
	m = open(t, s, mirror.Options{Proxy: through("bob:wrong")}, target)
	if _, _, err := read(m, mirror.Request{Path: path(t, v, "mod")}); failure.Classify(err) != failure.ProxyAuth {
		t.Errorf("wrong password: class %q, want %q (%v)", failure.Classify(err), failure.ProxyAuth, err)
	}
	m = open(t, s, mirror.Options{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: mirrortest.Refused(t)})}, target)
	if _, _, err := read(m, mirror.Request{Path: path(t, v, "mod")}); failure.Classify(err) != failure.ProxyConnect {
		t.Errorf("dead proxy: class %q, want %q (%v)", failure.Classify(err), failure.ProxyConnect, err)
	}
}

func user(s string) *url.Userinfo {
	name, password, _ := strings.Cut(s, ":")
	return url.UserPassword(name, password)
}
