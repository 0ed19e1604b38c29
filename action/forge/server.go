// Package forge keeps one comment of modferry's on a pull request or merge
// request, and has what the REST APIs of GitHub and GitLab share for that: an HTTP
// client that waits out short rate limits and sends the token to no other server,
// and refusals with their meaning.
//
// Nothing here is a reason to fail: what could not be published is a sentence for
// the log.
package forge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
	"github.com/modferry/modferry/internal/secret"
)

// Server is the REST API of a server. It is safe for concurrent use.
type Server struct {
	URL    *url.URL     // ends with a slash
	Client *http.Client // waits out short rate limits; does not send the token by itself

	hidden secret.Set
}

// NewServer returns the API at an address, which the variable of this name says.
// The token is in no error. A nil transport means http.DefaultTransport.
func NewServer(variable, address, token string, transport http.RoundTripper) (*Server, error) {
	u, err := url.Parse(strings.TrimRight(address, "/") + "/")
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("found %s %q, expected an https URL", variable, failure.Plain(address))
	}
	if transport == nil {
		transport = http.DefaultTransport
	}
	bounded := &httpx.Limited{Base: transport, Limits: func(*http.Request) httpx.Limits {
		return httpx.Limits{Connect: 10 * time.Second, Answer: callLimit, Stall: callLimit}
	}}
	s := &Server{URL: u, Client: &http.Client{
		Transport:     &patient{bounded, httpx.NewBudget(waitLimit, nil)},
		CheckRedirect: sameServer,
		Timeout:       callLimit + waitLimit,
	}}
	s.hidden.Add(token)
	return s, nil
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

// Failed is the error of a call that did not go well: a *Refusal if the server
// refused it, else one of the network. A nil response means that there was none,
// because of err.
func (s *Server) Failed(resp *http.Response, err error) error {
	switch {
	case resp == nil:
		return failure.New(failure.Classify(err), "publish", s.URL.String(), err)
	case resp.StatusCode >= 200 && resp.StatusCode <= 299:
		return failure.New(failure.BadResponse, "publish", s.URL.String(), errors.New("the answer is not the JSON of the API"))
	}
	return s.refusal(resp)
}

// refusal is an answer that is not success, with the server's own words. GitHub
// also answers 403 for a rate limit.
func (s *Server) refusal(resp *http.Response) *Refusal {
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
	no.Text = failure.Plain(s.hidden.Hide(strings.Join(said, "; ")))
	return no
}
