// Package forge keeps one comment of modferry's on a pull request or merge
// request, and has what the REST APIs of GitHub and GitLab share for that: a client
// that waits out short rate limits and sends the token to no other server, and
// refusals with their meaning.
//
// Nothing here is a reason to fail: what could not be published is a sentence for
// the log.
package forge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/failure"
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
	Header    http.Header       // of every request; it has the token
	Transport http.RoundTripper // nil means http.DefaultTransport
}

// API is the REST API of a server. What the server refuses is a *Refusal; every
// other error is of the network, and none shows the token. It is safe for
// concurrent use.
type API struct {
	base   string
	client *http.Client
	header http.Header
	hidden secret.Set
	budget *httpx.Budget
}

// NewAPI returns the API at an address, which the variable of this name says.
// The token is sent to no other server.
func NewAPI(variable, address string, o Options) (*API, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("found %s %q, expected an https URL", variable, failure.Plain(address))
	}
	a := &API{
		base: strings.TrimRight(address, "/"), header: o.Header, budget: httpx.NewBudget(waitLimit, nil),
		client: &http.Client{Transport: o.Transport, CheckRedirect: sameServer, Timeout: callLimit},
	}
	a.hidden.Add(o.Token)
	return a, nil
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

// Call makes a request of a path below the API's address. in is sent as JSON
// unless it is nil; the answer is read into out unless that is nil.
func (a *API) Call(ctx context.Context, method, path string, in, out any) error {
	_, err := a.call(ctx, method, path, in, out)
	return err
}

// call also reports whether the server says that there is a next page.
func (a *API) call(ctx context.Context, method, path string, in, out any) (more bool, err error) {
	resp, err := a.send(ctx, method, path, in)
	if err != nil {
		return false, failure.New(failure.Classify(err), "publish", a.base, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return false, a.refusal(resp)
	}
	if out == nil {
		return false, nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, bodyLimit)).Decode(out); err != nil {
		return false, failure.New(failure.BadResponse, "publish", a.base, errors.New("the answer is not the JSON of the API"))
	}
	return strings.Contains(resp.Header.Get("Link"), `rel="next"`), nil
}

// send makes a request, again after a rate limit that can be waited out.
func (a *API) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, err
		}
	}
	for {
		r, err := http.NewRequestWithContext(ctx, method, a.base+"/"+path, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		r.Header = a.header.Clone()
		if in != nil {
			r.Header.Set("Content-Type", "application/json")
		}
		resp, err := a.client.Do(r)
		if err != nil {
			return nil, err
		}
		wait := rateLimit(resp)
		if wait == 0 {
			return resp, nil
		}
		err = a.budget.Wait(ctx, wait)
		if errors.Is(err, httpx.ErrSpent) {
			return resp, nil
		}
		resp.Body.Close()
		if err != nil {
			return nil, err
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

// refusal is an answer that is not success, with the server's own words. GitHub
// also answers 403 for a rate limit.
func (a *API) refusal(resp *http.Response) *Refusal {
	no := &Refusal{Status: resp.StatusCode}
	if rateLimit(resp) > 0 {
		no.Status = http.StatusTooManyRequests
	}
	var answer struct {
		Message any    `json:"message"` // a text, or on GitLab texts by field
		Errors  []any  `json:"errors"`
		Error   string `json:"error"`
		Detail  string `json:"error_description"`
	}
	if json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&answer) != nil {
		return no // a page for people, of a server in between
	}
	var said []string
	for _, x := range append(append([]any{answer.Message}, answer.Errors...), answer.Error, answer.Detail) {
		if x != nil && x != "" {
			said = append(said, fmt.Sprint(x))
		}
	}
	no.Text = failure.Plain(a.hidden.Hide(strings.Join(said, "; ")))
	return no
}
