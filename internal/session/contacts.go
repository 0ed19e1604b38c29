package session

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/modferry/modferry/internal/report"
)

// contacts are the hosts that were asked, and what for. Every transport of a
// session tells of its requests through the function that finds the forward proxy:
// net/http calls it for each request, those of redirects included. Only hosts
// are kept, never a path or a query.
type contacts struct {
	mu   sync.Mutex
	uses map[string]map[string]bool // host → what it was asked for
	want map[string][]string        // host → who lives there by the settings
}

// expect says that the host of a URL is asked for what, if it is asked.
func (c *contacts) expect(rawURL, what string) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return // a directory
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.want == nil {
		c.want = map[string][]string{}
	}
	if host := hostOf(u); !slices.Contains(c.want[host], what) {
		c.want[host] = append(c.want[host], what)
	}
}

// proxyFunc finds the forward proxy of a request.
type proxyFunc func(*http.Request) (*url.URL, error)

// watch notes the requests that next is asked about: to hosts that somebody
// expects, or for the purpose given.
func (c *contacts) watch(next proxyFunc, purpose string) proxyFunc {
	return func(r *http.Request) (*url.URL, error) {
		first := r
		for first.Response != nil && first.Response.Request != nil {
			first = first.Response.Request
		}
		c.asked(first.URL, r.URL, purpose)
		proxy, err := next(r)
		if proxy != nil {
			c.note(hostOf(proxy), "the forward proxy")
		}
		return proxy, err
	}
}

// asked notes a request to u that a request to first led to.
func (c *contacts) asked(first, u *url.URL, purpose string) {
	c.mu.Lock()
	uses := c.want[hostOf(first)]
	c.mu.Unlock()
	if purpose != "" {
		uses = []string{purpose}
	}
	for _, use := range uses {
		if hostOf(u) != hostOf(first) {
			use = "where " + use + " redirects to"
		}
		c.note(hostOf(u), use)
	}
}

// mostHosts bounds the memory for hosts: a server may redirect to any number of them.
const mostHosts = 1000

func (c *contacts) note(host, use string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.uses == nil {
		c.uses = map[string]map[string]bool{}
	}
	if c.uses[host] == nil && len(c.uses) >= mostHosts {
		return
	}
	if c.uses[host] == nil {
		c.uses[host] = map[string]bool{}
	}
	c.uses[host][use] = true
}

// FillHosts puts the hosts that were asked so far into the result, with what they
// were asked for, and what was expected and not asked.
func (s *Session) FillHosts(res *report.Result) { s.contacts.fill(res, s.cacheUse()) }

// fill puts the hosts into the result, and what was expected and not asked;
// cache is what the hosts of the cache are asked for.
func (c *contacts) fill(res *report.Result, cache string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := cache != ""
	for host, uses := range c.uses {
		for use := range uses {
			res.Contact(host, use)
			waiting = waiting && use != cache
		}
	}
	for host, all := range c.want {
		for _, what := range all {
			if !c.uses[host][what] {
				res.Uncontacted = append(res.Uncontacted, what+" ("+host+")")
			}
		}
	}
	if waiting {
		res.Uncontacted = append(res.Uncontacted, cache)
	}
	slices.Sort(res.Uncontacted)
}

// hostOf is a URL's host as allow-lists have it: with its port, unless that is
// https's own.
func hostOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "443" || port == "" {
		return host
	}
	return host + ":" + port
}
