package mirror

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
	"github.com/modferry/modferry/internal/secret"
	"github.com/modferry/modferry/internal/settings"
)

// Mirror is one module proxy. It is safe for concurrent use.
type Mirror struct {
	// Health is what the requests so far say about the mirror.
	Health *Health
	// Limiter bounds the requests in flight; callers of Get hold a slot.
	Limiter *Limiter

	base   *url.URL // without credentials
	auth   string   // Authorization header, "" when there are no credentials
	name   string
	via    string // the header of that name
	limits Limits
	hidden *secret.Set
	dir    string // of a file:// mirror
	lanes  []*lane
	turn   atomic.Uint32
}

// lane is one transport and so, over HTTP/2, one connection.
type lane struct {
	client *http.Client
	t      transport
	busy   atomic.Int32
}

// Open returns the mirror at rawURL, which is the URL of a GOPROXY entry with
// its credentials. Zero limits mean the client's. The error is a
// *failure.Error: InsecureCredentials for a password in an http URL, as in the
// go command.
func (c *Client) Open(rawURL string, limits Limits) (*Mirror, error) {
	return c.OpenTrusting(rawURL, limits, Trust{})
}

// OpenTrusting is Open for a mirror with certificates of its own.
func (c *Client) OpenTrusting(rawURL string, limits Limits, trust Trust) (*Mirror, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		// The error of url.Parse quotes the URL with its credentials.
		return nil, failure.New(failure.Unknown, "open mirror", rawURL, errors.New("not a URL"))
	}
	c.o.Secrets.AddURLs(rawURL)
	limits = limits.Or(c.o.Limits)
	m := &Mirror{
		Health:  newHealth(c.o.Pause, c.o.Trips, time.Now),
		Limiter: newLimiter(c.o.Concurrency),
		name:    settings.Redact(rawURL),
		via:     c.o.Via,
		limits:  limits,
		hidden:  c.o.Secrets,
	}
	if u.Scheme == "file" {
		m.base = u
		m.dir = diskfile.FromURL(u)
		return m, nil
	}
	if u.User != nil {
		if u.Scheme != "https" {
			return nil, failure.New(failure.InsecureCredentials, "open mirror", rawURL,
				errors.New("refusing to pass credentials to insecure URL"))
		}
		password, _ := u.User.Password()
		m.auth = basicAuth(u.User.Username(), password)
		u.User = nil
	} else if u.Scheme == "https" {
		if e, ok := LookupNetrc(c.o.Netrc, u.Host, strings.TrimRight(u.Path, "/")); ok {
			m.auth = basicAuth(e.Login, e.Password)
		}
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.Fragment = ""
	m.base = u
	n := 1
	if u.Scheme == "https" {
		n = lanes
	}
	for range n {
		t := c.trusting(limits, trust, u.Host)
		m.lanes = append(m.lanes, &lane{t: t, client: &http.Client{CheckRedirect: httpx.CheckRedirect,
			Transport: &httpx.Limited{Base: t, Limits: m.bounds, Agent: c.o.UserAgent}}})
	}
	return m, nil
}

// bounds are the limits of one request, or of one hop of it. Connecting has
// limits of its own in the transport.
func (m *Mirror) bounds(req *http.Request) httpx.Limits {
	own, _ := req.Context().Value(firstByteKey{}).(time.Duration)
	return httpx.Limits{Answer: cmp.Or(own, m.limits.FirstByte), Stall: m.limits.Stall}
}

// firstByteKey is of the limit that a request brings along.
type firstByteKey struct{}

func basicAuth(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// Name is the mirror's URL, redacted.
func (m *Mirror) Name() string { return m.name }

// Host is the host name of the mirror's URL, "" for file://.
func (m *Mirror) Host() string { return m.base.Hostname() }

// Local reports whether the mirror is a directory of this machine.
func (m *Mirror) Local() bool { return m.dir != "" }

// Close drops the idle connections.
func (m *Mirror) Close() {
	for _, l := range m.lanes {
		l.t.CloseIdleConnections()
	}
}

// pick returns the lane with the fewest requests in flight; fresh avoids the
// one a slow request is waiting on, by turning to the next.
func (m *Mirror) pick(fresh bool) *lane {
	start := int(m.turn.Load())
	if fresh {
		start = int(m.turn.Add(1))
	}
	best := m.lanes[start%len(m.lanes)]
	for i := 1; i < len(m.lanes); i++ {
		if l := m.lanes[(start+i)%len(m.lanes)]; l.busy.Load() < best.busy.Load() {
			best = l
		}
	}
	return best
}

// url returns the address of a file below the mirror. The path is already
// escaped in the protocol's own way (FilePath) and is sent as it is; a query
// of the GOPROXY URL goes with every request, as the go command does it.
func (m *Mirror) url(path string) *url.URL {
	u := *m.base
	u.Path += "/" + path
	u.RawPath = ""
	return &u
}

// FilePath is the protocol's path of a file of a module version: ext is "zip",
// "mod" or "info" (https://go.dev/ref/mod#goproxy-protocol).
func FilePath(v module.Version, ext string) (string, error) {
	p, err := module.EscapePath(v.Path)
	if err != nil {
		return "", err
	}
	ver, err := module.EscapeVersion(v.Version)
	if err != nil {
		return "", err
	}
	return p + "/@v/" + ver + "." + ext, nil
}

// Request is one file, or a part of one.
type Request struct {
	Path      string // below the mirror, escaped; see FilePath
	Offset    int64  // first byte wanted
	End       int64  // end of the part wanted, exclusive; 0 means to the end
	Validator string // strong validator that must still hold; required for a part
	Fresh     bool   // prefer another connection than the last request's
	Max       int64  // most bytes the whole file may have; 0 means no limit
	Seen      *Seen  // filled when a response header arrives, whatever its status; may be nil
	// IfNone is the ETag of what the caller has, "" for nothing: a server whose
	// file is still that answers 304. Directories have no ETags.
	IfNone string
	// FirstByte is the limit of this request in place of the mirror's; 0 means
	// the mirror's.
	FirstByte time.Duration
}

func (r Request) part() bool { return r.Offset > 0 || r.End > 0 }

// Seen is what a response header shows of the way to the mirror.
type Seen struct {
	Timing Timing
	Proto  string // "HTTP/2.0"; "file" for a file:// mirror; "" when no header arrived
	Span   string // of the request, whatever came of it; "" without a trace
}

// Get asks for a file and returns when the response header is there. The
// response's body is bounded by the stall and total limits and by Max, and the
// caller must close it. Errors, also those of the body, are *failure.Error; a
// status that is not 200 (206 for a part, 304 where IfNone allows it) is one.
//
// A server that ignores the part asked for, or whose file has changed, answers
// with the whole file: then Response.Offset is 0. Whatever else a part is
// answered with is an answer about the part, never about the module.
func (m *Mirror) Get(ctx context.Context, r Request) (_ *Response, err error) {
	defer func() {
		if err != nil {
			err = conceal(m.hidden, err)
		}
	}()
	if m.Local() {
		return m.open(r)
	}
	// Zips are compressed; without this a server may compress them again and
	// then sends no length.
	plain := strings.HasSuffix(r.Path, ".zip")
	resp, err := m.get(ctx, r, plain)
	if plain && !r.part() && err != nil {
		if _, unknown := errors.AsType[*codingError](err); unknown || failure.As(err).Status == http.StatusNotAcceptable {
			return m.get(ctx, r, false) // as the go command asks
		}
	}
	return resp, err
}

// get is Get over HTTP; plain asks for a body without content coding.
func (m *Mirror) get(ctx context.Context, r Request, plain bool) (*Response, error) {
	u := m.url(r.Path)
	shown := settings.Redact(u.String())
	ctx, cancel := context.WithCancelCause(ctx)
	total := time.AfterFunc(m.limits.Total, func() { cancel(totalLimit(m.limits.Total)) })
	if r.FirstByte > 0 {
		ctx = context.WithValue(ctx, firstByteKey{}, r.FirstByte)
	}
	tr := new(trace)
	req, err := http.NewRequestWithContext(tr.with(ctx), http.MethodGet, u.String(), nil)
	if err != nil {
		total.Stop()
		cancel(nil)
		return nil, failure.New(failure.Unknown, "get", shown, errors.New("the module's path does not form a URL"))
	}
	if m.auth != "" {
		req.Header.Set("Authorization", m.auth)
	}
	if m.via != "" {
		req.Header.Set("Via", m.via)
	}
	if plain {
		req.Header.Set("Accept-Encoding", "identity")
	}
	if r.IfNone != "" {
		req.Header.Set("If-None-Match", r.IfNone)
	}
	var span string
	if t := httpx.TraceOf(ctx); t.ID() != "" {
		s := httpx.NewSpan()
		span = s.String()
		req.Header.Set("Traceparent", t.Parent(s))
		if r.Seen != nil {
			r.Seen.Span = span
		}
	}
	if r.part() {
		end := ""
		if r.End > 0 {
			end = fmt.Sprint(r.End - 1)
		}
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%s", r.Offset, end))
		req.Header.Set("If-Range", r.Validator)
	}

	lane := m.pick(r.Fresh)
	lane.busy.Add(1)
	var once sync.Once
	release := func() {
		once.Do(func() { total.Stop(); cancel(nil); lane.busy.Add(-1) })
	}
	resp, err := lane.client.Do(req)
	if err != nil {
		fe := classify(ctx, "get", shown, tr.phase(), err)
		release()
		return nil, fe
	}
	m.Health.status(resp.StatusCode)
	seen := Seen{tr.timing(), resp.Proto, span}
	m.Health.waitedFor(seen.Timing.Wait)
	if r.Seen != nil {
		*r.Seen = seen
	}
	fail := func(fe *failure.Error) (*Response, error) {
		resp.Body.Close()
		release()
		return nil, fe
	}
	unchanged := resp.StatusCode == http.StatusNotModified && r.IfNone != ""
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent && !unchanged {
		return fail(statusError(resp, shown, m.Health.now()))
	}
	out := &Response{
		Status:       resp.StatusCode,
		Type:         resp.Header.Get("Content-Type"),
		ETag:         resp.Header.Get("ETag"),
		CacheControl: resp.Header.Get("Cache-Control"),
		release:      release,
	}
	if unchanged {
		out.Size = -1
	} else if err := out.describe(r, resp, plain); err != nil {
		class := failure.BadResponse
		if errors.As(err, new(*codingError)) {
			class = failure.WrongContent
		}
		return fail(failure.New(class, "get", shown, err))
	}
	if r.Max > 0 && out.Size > r.Max {
		return fail(tooLarge(shown, out.Size, r.Max))
	}
	out.body = &body{ctx: ctx, rc: resp.Body, url: shown, hidden: m.hidden, want: out.Length, max: r.Max, at: out.Offset}
	return out, nil
}
