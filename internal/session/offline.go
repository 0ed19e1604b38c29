package session

import (
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/store"
)

// OpenOffline opens a session of OpenJob that asks nothing but directories: the
// file:// mirrors of the chain, and then those given, absolute. What is private comes from there as
// well, since nobody is told its name. Of the stores for the cache, only a directory
// counts.
func OpenOffline(v *settings.Values, env goenv.Env, o Options, dirs ...string) (*Session, error) {
	chain, err := goenv.ParseProxy(env.Get("GOPROXY"))
	if err != nil {
		return nil, sourced(err, env)
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
	own.Offline, own.NoProbe, own.Proxy, own.ConfiguredMirrors, own.Mirrors = true, true, "", nil, string(Configured)
	own.Checkout.Private = "" // it narrows whom names are told, and nobody is
	if spec, err := store.Parse(own.Cache); err == nil && spec.Kind != store.Dir {
		own.Cache = "off"
	}
	env = maps.Clone(env)
	env["GOPROXY"] = goenv.Var{Value: strings.Join(append(list, "off"), ","), Source: "--offline and " + env.Source("GOPROXY")}
	env["GONOPROXY"] = goenv.Var{Value: "none", Source: "--offline"}
	s, err := OpenJob(&own, env, o)
	if err != nil {
		return nil, err
	}
	// Nobody has written these, and no other go command gets them.
	s.About = slices.DeleteFunc(s.About, func(f finding.Finding) bool { return f.Setting == "GOPROXY" || f.Setting == "GONOPROXY" })
	return s, nil
}

// FileURL is an absolute directory as a mirror of a chain.
func FileURL(dir string) string {
	p := filepath.ToSlash(dir)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // of Windows: C:/…
	}
	return strings.ReplaceAll((&url.URL{Scheme: "file", Path: p}).String(), ",", "%2C")
}
