// Package forge keeps one comment of modferry's on a pull request or merge
// request, and has what the REST APIs of GitHub and GitLab share for that: a client
// that waits out short rate limits and sends the token to no other server, and
// refusals with their meaning.
//
// Nothing here is a reason to fail: what could not be published is a sentence for
// the log.
package forge

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/modferry/modferry/internal/httpx"
	"github.com/modferry/modferry/internal/secret"
)

// Limits of the network. A rate limit is waited out only when that is a matter
// of seconds, counted over all requests.
const (
	callLimit = 30 * time.Second
	waitLimit = 30 * time.Second
	// bodyLimit has room for 100 comments of the largest size, escaped.
	bodyLimit = 48 << 20
)

// Options is how a server is called.
type Options struct {
	Token     string
	Agent     string            // User-Agent, e.g. "modferry/1.2.3"
	Transport http.RoundTripper // nil means http.DefaultTransport
}

// Hidden is what no error may show: the token.
func (o Options) Hidden() *secret.Set {
	var s secret.Set
	s.Add(o.Token)
	return &s
}

// Client returns a client for all calls of one server. It sends no token by
// itself.
func (o Options) Client() *http.Client {
	p := &patient{next: o.Transport, left: waitLimit}
	if p.next == nil {
		p.next = http.DefaultTransport
	}
	return &http.Client{Transport: p, CheckRedirect: sameServer, Timeout: callLimit + waitLimit}
}

// IsServer reports whether the address of an API is one that a token may be sent
// to: http or https, with a host and without credentials.
func IsServer(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// sameServer follows the redirects of a renamed repository, but none that would
// take the token to another server or turn the request into another one.
func sameServer(r *http.Request, via []*http.Request) error {
	first := via[0]
	if r.URL.Scheme != first.URL.Scheme || r.URL.Host != first.URL.Host || r.Method != first.Method || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

// patient is a transport that waits out short rate limits, for all requests
// together no longer than left, and bounds the size of responses.
type patient struct {
	next http.RoundTripper

	mu   sync.Mutex
	left time.Duration
}

func (p *patient) RoundTrip(r *http.Request) (*http.Response, error) {
	for {
		resp, err := p.next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, bodyLimit), resp.Body}
		wait, limited := limit(resp)
		if !limited || r.Body != nil && r.GetBody == nil || !p.take(wait) {
			return resp, nil
		}
		io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be reused
		resp.Body.Close()
		if err := httpx.Sleep(r.Context(), wait); err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		if r.Body != nil {
			if r.Body, err = r.GetBody(); err != nil {
				return nil, err
			}
		}
	}
}

// limit reports whether a rate limit was hit, and how long to wait:
// Retry-After, else until the limit is reset, else a minute.
func limit(resp *http.Response) (time.Duration, bool) {
	after := resp.Header.Get("Retry-After")
	none := resp.Header.Get("X-RateLimit-Remaining") == "0"
	if resp.StatusCode != http.StatusTooManyRequests && (resp.StatusCode != http.StatusForbidden || after == "" && !none) {
		return 0, false
	}
	wait := time.Minute
	if s, err := strconv.ParseUint(after, 10, 16); err == nil {
		wait = time.Duration(s) * time.Second
	} else if s, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil && none {
		wait = time.Until(time.Unix(s, 0))
	}
	return max(wait, time.Second), true
}

// take reports whether a wait is within what is left, and takes it from that.
func (p *patient) take(wait time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait > p.left {
		return false
	}
	p.left -= wait
	return true
}
