package session

import (
	"maps"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/store"
)

// OpenOffline opens a session of OpenJob that asks nothing but directories: the
// file:// mirrors of the chain, and then those given, absolute.
func OpenOffline(v *settings.Values, env goenv.Env, o Options, dirs ...string) (*Session, error) {
	v, env, err := Offline(v, env, dirs...)
	if err != nil {
		return nil, err
	}
	return OpenJob(v, env, o)
}

// Offline are the settings of a session that asks nothing but directories: the file://
// mirrors of the chain, and then those given, absolute. What is private comes from there
// as well, since nobody is told its name, and for the same reason no rule says who may be
// asked. Of the stores for the cache, only a directory counts.
func Offline(v *settings.Values, env goenv.Env, dirs ...string) (*settings.Values, goenv.Env, error) {
	chain, err := goenv.ParseProxy(env.Get("GOPROXY"))
	if err != nil {
		return nil, nil, sourced(err, env)
	}
	var list []string
	for _, m := range chain.Mirrors() {
		if strings.HasPrefix(m.URL, "file://") {
			list = append(list, m.URL)
		}
	}
	for _, dir := range dirs {
		list = append(list, FileURL(dir))
	}
	own := *v
	own.Offline, own.NoProbe, own.Proxy, own.ConfiguredMirrors, own.Mirrors, own.Rules = true, true, "", nil, string(Configured), nil
	own.Checkout.Private, own.Checkout.Rules = "", nil
	if spec, err := store.Parse(own.Cache); err == nil && spec.Kind != store.Dir {
		own.Cache = "off"
	}
	env = maps.Clone(env)
	env["GOPROXY"] = goenv.Var{Value: strings.Join(append(list, "off"), ","), Source: "--offline and " + env.Source("GOPROXY")}
	env["GONOPROXY"] = goenv.Var{Value: "none", Source: "--offline"}
	return &own, env, nil
}

// OwnModCache is the module cache that the go command uses as a directory for
// OpenOffline; none when that is not known.
func OwnModCache(env goenv.Env) []string {
	if dir := env.Get("GOMODCACHE"); filepath.IsAbs(dir) {
		return []string{filepath.Join(dir, "cache", "download")}
	}
	return nil
}

// FileURL is an absolute directory as a mirror of a chain.
func FileURL(dir string) string {
	p := filepath.ToSlash(dir)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // of Windows: C:/…
	}
	return strings.ReplaceAll((&url.URL{Scheme: "file", Path: p}).String(), ",", "%2C")
}
