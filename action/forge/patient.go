package forge

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/modferry/modferry/internal/httpx"
)

// Limits of the network. A rate limit is waited out only when that is a matter
// of seconds, counted over all requests.
const (
	callLimit = 30 * time.Second
	waitLimit = 30 * time.Second
	// bodyLimit has room for 100 comments of the largest size, escaped.
	bodyLimit = 48 << 20
)

// patient is a transport that makes a request again after a rate limit that can be
// waited out, and bounds the size of answers.
type patient struct {
	next   http.RoundTripper
	budget *httpx.Budget
}

// RoundTrip implements http.RoundTripper.
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
		wait := rateLimit(resp)
		if wait == 0 || r.Body != nil && r.GetBody == nil {
			return resp, nil
		}
		err = p.budget.Wait(r.Context(), wait)
		if errors.Is(err, httpx.ErrSpent) {
			return resp, nil
		}
		resp.Body.Close()
		if err != nil {
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

// rateLimit is how long to wait where a rate limit was hit: Retry-After, else
// until the limit is reset, else a minute. 0 means that none was.
func rateLimit(resp *http.Response) time.Duration {
	after := resp.Header.Get("Retry-After")
	none := resp.Header.Get("X-RateLimit-Remaining") == "0"
	if resp.StatusCode != http.StatusTooManyRequests && (resp.StatusCode != http.StatusForbidden || after == "" && !none) {
		return 0
	}
	wait := httpx.RetryAfter(after, time.Now())
	if reset, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64); wait == 0 && err == nil && none {
		wait = time.Until(time.Unix(reset, 0))
	} else if wait == 0 && after != "0" {
		wait = time.Minute
	}
	return max(wait, time.Second)
}
