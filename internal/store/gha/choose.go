package gha

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/modferry/modferry/internal/store"
)

// The protocols.
const (
	protocolV1 = "v1"
	protocolV2 = "v2"
)

// The variables that lead to the service. Those named ACTIONS_ are given by the
// runner to actions, and not to run: steps.
const (
	varToken   = "ACTIONS_RUNTIME_TOKEN"
	varResults = "ACTIONS_RESULTS_URL"      // of v2
	varCache   = "ACTIONS_CACHE_URL"        // of v1
	varV2      = "ACTIONS_CACHE_SERVICE_V2" // given to JavaScript actions only
	varServer  = "GITHUB_SERVER_URL"
	varMode    = "ACTIONS_CACHE_MODE"
)

type place struct {
	protocol string
	base     string // v2: the origin; v1: all that the routes follow, ending in "/"
	token    string // "" only where none is needed
}

// choose finds the service. The official client asks two variables, one of
// which a container action never sees, so where the results service is decides
// in its place.
func choose(getenv func(string) string, protocol string) (place, error) {
	results, cache := getenv(varResults), getenv(varCache)
	act := getenv("ACT") == "true"
	p := place{token: getenv(varToken)}
	switch {
	case protocol == protocolV1, protocol == protocolV2:
		p.protocol = protocol
	case protocol != "":
		return place{}, fmt.Errorf("protocol of the cache service: found %q, expected %q, %q or nothing", protocol, protocolV1, protocolV2)
	case p.token == "" && !(act && cache != ""):
		return place{}, noToken(getenv)
	case isEnterpriseServer(getenv(varServer)):
		p.protocol = protocolV1
	case getenv(varV2) != "":
		p.protocol = protocolV2
	case cache != "" && (act || getenv("GITEA_ACTIONS") == "true" || getenv("FORGEJO_ACTIONS") == "true"):
		p.protocol = protocolV1 // their ACTIONS_RESULTS_URL is for artifacts
	case isGitHub(results):
		p.protocol = protocolV2
	case cache != "":
		p.protocol = protocolV1
	default:
		p.protocol = protocolV2 // a 404 will tell when it is not
	}
	if p.token == "" && !(act && p.protocol == protocolV1) {
		return place{}, noToken(getenv) // act's secret stands in the path
	}
	var err error
	if p.protocol == protocolV1 {
		p.base, err = baseV1(cache, getenv)
	} else {
		p.base, err = baseV2(results)
	}
	return p, err
}

func noToken(getenv func(string) string) error {
	if getenv("GITHUB_ACTIONS") == "" && getenv("GITEA_ACTIONS") == "" && getenv("FORGEJO_ACTIONS") == "" && getenv("ACT") == "" {
		return unavailable("there is no cache service outside a job of GitHub Actions (%s is not set); use dir:PATH or s3://… here", varToken)
	}
	return unavailable("%s is not set, which a job gives to actions but not to run: steps; run modferry as an action (uses:), or use dir:PATH or s3://…", varToken)
}

func baseV1(cache string, getenv func(string) string) (string, error) {
	if cache == "" && isEnterpriseServer(getenv(varServer)) {
		return "", unavailable("%s is not set: %s is not github.com, so its own cache service (v1) is needed, and it gives none to this job; have caching for Actions enabled there, or use dir:PATH or s3://…",
			varCache, origin(getenv(varServer)))
	}
	if cache == "" {
		return "", unavailable("%s is not set, which leads to the cache service v1; use v2, dir:PATH or s3://…", varCache)
	}
	if origin(cache) == "" {
		return "", unavailable("%s is no URL of a server", varCache)
	}
	return strings.TrimSuffix(cache, "/") + "/_apis/artifactcache/", nil
}

func baseV2(results string) (string, error) {
	if results == "" {
		return "", unavailable("%s is not set, which leads to the cache service v2; the runner may be too old or have no cache service: use dir:PATH or s3://…", varResults)
	}
	if origin(results) == "" {
		return "", unavailable("%s is no URL of a server", varResults)
	}
	return origin(results), nil
}

func unavailable(format string, args ...any) error {
	return fmt.Errorf("%w: %s", store.ErrUnavailable, fmt.Sprintf(format, args...))
}

// isEnterpriseServer reports whether a server is a GitHub Enterprise Server to
// the official client, which so are Gitea and Forgejo.
func isEnterpriseServer(server string) bool {
	host := hostOf(server)
	return host != "" && host != "github.com" && !strings.HasSuffix(host, ".ghe.com") && !strings.HasSuffix(host, ".localhost")
}

func isGitHub(results string) bool {
	host := hostOf(results)
	return strings.HasSuffix(host, ".actions.githubusercontent.com") || strings.HasSuffix(host, ".ghe.com")
}

// hostOf is the host of a URL without its port, in lower case, "" when there is
// none.
func hostOf(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// origin is what is shown of a URL, and what v2 uses of it: scheme and host,
// "" when it is no http(s) URL. Paths and queries may hold secrets.
func origin(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
