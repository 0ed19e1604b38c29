package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/secret"
)

// Publisher is what is asked of GitHub's REST API. What the API refuses is a
// *refusal; every other error is of the network.
type Publisher interface {
	thread
	// PutCheck creates a check run, or updates the one with this id when it is
	// not 0: its texts are replaced, its annotations added. It returns the id.
	PutCheck(ctx context.Context, id int64, c Check) (int64, error)
}

// Check is a completed check run.
type Check struct {
	Name        string // as the pull request shows it, e.g. "modferry"
	SHA         string // of the commit it is about
	Conclusion  string // see conclusion
	Title       string // one line
	Summary     string // Markdown
	Annotations []Annotation
}

// The API's limits. Those of texts are characters; bytes are never fewer.
const (
	annotationsPerRequest = 50
	maxAPIText            = 65535
)

// conclusion is the outcome of a run as a check run has it: a run that left
// everything to the go command has proved nothing.
func conclusion(r *report.Result) string {
	switch {
	case r.Outcome == report.NotReady:
		return "neutral" // the build decides
	case r.Outcome != report.OK:
		return "failure"
	case len(r.Modules) > 0 && r.Totals.BySource[report.FromDeferred] == len(r.Modules):
		return "neutral"
	}
	return "success"
}

// publishCheck publishes a check run with all annotations, 50 in a request. It
// returns "" or why it could not, in a sentence: that is never a reason to
// fail.
func publishCheck(ctx context.Context, p Publisher, c Check) (remark string) {
	const what = "the check run was not published"
	if c.SHA == "" {
		return what + ": the commit is unknown"
	}
	c.Title = clip(failure.Plain(c.Title), maxTitle)
	if c.Summary = cutMarkdown(c.Summary, maxAPIText); c.Summary == "" {
		c.Summary = c.Title
	}
	all := c.Annotations
	var id int64
	for sent := 0; ; {
		c.Annotations = all[sent:min(sent+annotationsPerRequest, len(all))]
		var err error
		if id, err = p.PutCheck(ctx, id, c); err != nil && sent == 0 {
			return because(what, err, "checks")
		} else if err != nil {
			return because(fmt.Sprintf("the check run has only %d of %d annotations", sent, len(all)), err, "checks")
		}
		if sent += len(c.Annotations); sent == len(all) {
			return ""
		}
	}
}

// because says why something could not be published: what the API's answer
// means, and which permission would help.
func because(what string, err error, permission string) string {
	var no *refusal
	if !errors.As(err, &no) {
		return what + ": " + failure.As(err).Error()
	}
	switch no.status {
	case http.StatusUnauthorized:
		return what + ": the token is not valid any more or not for this server (" + no.Error() + ")"
	case http.StatusForbidden:
		return what + ": the token may not do that (" + no.Error() + "); the job needs permissions: " + permission +
			": write, which pull requests from forks and of Dependabot never have"
	case http.StatusNotFound:
		return what + ": this server has no such thing, or the token may not see it (" + no.Error() + ")"
	case http.StatusUnprocessableEntity:
		return what + ": the server does not accept it (" + no.Error() + ")"
	case http.StatusTooManyRequests:
		return what + ": the server wants fewer requests (" + no.Error() + ")"
	}
	return what + ": " + no.Error()
}

// refusal is an answer of the API that is not success.
type refusal struct {
	status int
	text   string // what the server said, neutral
}

func (e *refusal) Error() string {
	if e.text == "" {
		return fmt.Sprintf("HTTP %d", e.status)
	}
	return fmt.Sprintf("HTTP %d: %s", e.status, e.text)
}

// publisherOptions is what newPublisher needs of the outside.
type publisherOptions struct {
	Getenv    func(string) string
	Token     string
	Agent     string                                     // User-Agent, e.g. "modferry/1.2.3"
	Transport http.RoundTripper                          // nil means http.DefaultTransport
	Sleep     func(context.Context, time.Duration) error // nil means a timer
	Now       func() time.Time                           // nil means time.Now
}

// Limits of the network. A rate limit is waited out only when that is a matter
// of seconds, counted over all requests.
const (
	callLimit = 30 * time.Second
	waitLimit = 30 * time.Second
	// bodyLimit has room for 100 comments of the largest size, escaped.
	bodyLimit = 48 << 20
)

// gitHub is the Publisher of a repository, over GitHub's API or one like it. It
// is safe for concurrent use.
type gitHub struct {
	client      *github.Client
	owner, name string
	hidden      *secret.Set // the token
}

var repository = regexp.MustCompile(`^([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+)$`)

// newPublisher returns the Publisher of the repository that the workflow
// belongs to (GITHUB_REPOSITORY) on the server that runs it (GITHUB_API_URL).
func newPublisher(o publisherOptions) (Publisher, error) {
	if o.Token == "" {
		return nil, errors.New("publish: found no token, expected input token to have one")
	}
	repo := repository.FindStringSubmatch(o.Getenv("GITHUB_REPOSITORY"))
	if repo == nil || strings.Trim(repo[1], ".") == "" || strings.Trim(repo[2], ".") == "" {
		return nil, fmt.Errorf("publish: found GITHUB_REPOSITORY %q, expected owner/name", o.Getenv("GITHUB_REPOSITORY"))
	}
	address := o.Getenv("GITHUB_API_URL")
	if address == "" {
		address = "https://api.github.com"
	}
	base, err := url.Parse(strings.TrimRight(address, "/") + "/")
	if err != nil || base.Host == "" || base.User != nil || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fmt.Errorf("publish: found GITHUB_API_URL %q, expected an https URL", failure.Plain(address))
	}
	client := github.NewClient(o.client()).WithAuthToken(o.Token)
	client.BaseURL, client.UserAgent = base, o.Agent
	return &gitHub{client: client, owner: repo[1], name: repo[2], hidden: o.hidden()}, nil
}

// hidden is what no error shows.
func (o publisherOptions) hidden() *secret.Set {
	var s secret.Set
	s.Add(o.Token)
	return &s
}

// client is what calls of an API go through, the first time and again.
func (o publisherOptions) client() *http.Client {
	p := &patient{next: o.Transport, sleep: o.Sleep, now: o.Now, left: waitLimit}
	if p.next == nil {
		p.next = http.DefaultTransport
	}
	if p.sleep == nil {
		p.sleep = httpx.Sleep
	}
	if p.now == nil {
		p.now = time.Now
	}
	return &http.Client{Transport: p, CheckRedirect: sameServer, Timeout: callLimit + waitLimit}
}

// sameServer follows the redirects of a renamed repository, and none that would
// take the token to another server or make another request of it.
func sameServer(r *http.Request, via []*http.Request) error {
	first := via[0]
	if r.URL.Scheme != first.URL.Scheme || r.URL.Host != first.URL.Host || r.Method != first.Method || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

// PutCheck implements Publisher.
func (g *gitHub) PutCheck(ctx context.Context, id int64, c Check) (int64, error) {
	out := &github.CheckRunOutput{Title: &c.Title, Summary: &c.Summary}
	for _, a := range c.Annotations {
		out.Annotations = append(out.Annotations, checkAnnotation(a))
	}
	status := "completed"
	if id != 0 {
		_, _, err := g.client.Checks.UpdateCheckRun(ctx, g.owner, g.name, id, github.UpdateCheckRunOptions{
			Name: c.Name, Status: &status, Conclusion: &c.Conclusion, Output: out,
		})
		return id, g.refused(err)
	}
	run, _, err := g.client.Checks.CreateCheckRun(ctx, g.owner, g.name, github.CreateCheckRunOptions{
		Name: c.Name, HeadSHA: c.SHA, Status: &status, Conclusion: &c.Conclusion, Output: out,
	})
	return run.GetID(), g.refused(err)
}

// checkAnnotation gives an annotation the place that the API insists on; that
// of one without a file is the one GitHub itself uses for such.
func checkAnnotation(a Annotation) *github.CheckRunAnnotation {
	file, line, level := a.File, max(a.Line, 1), string(a.Level)
	if file == "" {
		file, line = ".github", 1
	}
	if a.Level == LevelError {
		level = "failure"
	}
	x := &github.CheckRunAnnotation{Path: &file, StartLine: &line, EndLine: &line, AnnotationLevel: &level, Message: &a.Message}
	if a.Title != "" {
		x.Title = &a.Title
	}
	return x
}

// refused makes a *refusal of an answer that is not success. The token is in no
// error.
func (g *gitHub) refused(err error) error {
	if err == nil {
		return nil
	}
	text := func(s string) string { return failure.Plain(g.hidden.Hide(s)) }
	var plain *github.ErrorResponse
	var rate *github.RateLimitError
	var secondary *github.AbuseRateLimitError
	var twoFactor *github.TwoFactorAuthError
	switch {
	case errors.As(err, &rate):
		return &refusal{http.StatusTooManyRequests, text(rate.Message)}
	case errors.As(err, &secondary):
		return &refusal{http.StatusTooManyRequests, text(secondary.Message)}
	case errors.As(err, &twoFactor):
		return &refusal{http.StatusUnauthorized, text(twoFactor.Message)}
	case errors.As(err, &plain) && plain.Response != nil:
		said := []string{plain.Message}
		for _, e := range plain.Errors {
			said = append(said, strings.TrimSpace(e.Field+" "+e.Code+" "+e.Message))
		}
		return &refusal{plain.Response.StatusCode, text(strings.Trim(strings.Join(said, "; "), "; "))}
	}
	return failure.New(failure.Classify(err), "publish", g.client.BaseURL.String(), err)
}

// patient is a transport that waits out short rate limits, of all requests
// together no longer than left, and bounds what it hands on of a response.
type patient struct {
	next  http.RoundTripper
	sleep func(context.Context, time.Duration) error
	now   func() time.Time

	mu   sync.Mutex
	left time.Duration
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
		wait, limited := p.limit(resp)
		if !limited || r.Body != nil && r.GetBody == nil || !p.take(wait) {
			return resp, nil
		}
		io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can go on
		resp.Body.Close()
		if err := p.sleep(r.Context(), wait); err != nil {
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

// limit reports whether a rate limit was hit, and what GitHub asks to wait:
// Retry-After, else until the limit is reset, else a minute.
func (p *patient) limit(resp *http.Response) (time.Duration, bool) {
	after := resp.Header.Get("Retry-After")
	none := resp.Header.Get("X-RateLimit-Remaining") == "0"
	if resp.StatusCode != http.StatusTooManyRequests && (resp.StatusCode != http.StatusForbidden || after == "" && !none) {
		return 0, false
	}
	wait := time.Minute
	if s, err := strconv.ParseUint(after, 10, 16); err == nil {
		wait = time.Duration(s) * time.Second
	} else if s, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil && none {
		wait = time.Unix(s, 0).Sub(p.now())
	}
	return max(wait, time.Second), true
}

// take reports whether there is patience left for a wait.
func (p *patient) take(wait time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait > p.left {
		return false
	}
	p.left -= wait
	return true
}
