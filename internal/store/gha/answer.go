package gha

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
	"github.com/modferry/modferry/internal/store"
)

// answer is a response that was read to its end.
type answer struct {
	s      *Store
	r      *request
	status int
	header http.Header
	body   []byte
}

func (a answer) ok() bool { return a.status >= 200 && a.status <= 299 }

// ask sends a request until it is answered by what does not pass: an error is
// a failure after all attempts, and every other status an answer. With into,
// the body of a success must be JSON and is read into it.
func (s *Store) ask(ctx context.Context, p *patience, r *request, into any) (answer, error) {
	retry := retrier{p: p}
	var last *failure.Error // of the service itself
	for {
		a, err := s.askOnce(ctx, r, into)
		if err == nil {
			return a, nil
		}
		if last != nil && outOfTime(ctx) {
			return answer{}, gaveUp(last, noBetter)
		}
		garbled := err.Class == failure.WrongContent && !failure.IsPage(a.body)
		if !garbled && !passes(err, r.passes) || !r.far && !answered(err) {
			return answer{}, err
		}
		if err.Class != failure.Throttled {
			p.unknown.Store(true)
		}
		last = err
		if err := retry.again(ctx, err); err != nil {
			if outOfTime(ctx) {
				return answer{}, gaveUp(last, noBetter)
			}
			return answer{}, err
		}
	}
}

// demand is ask where every status but one of success means the same: no.
func (s *Store) demand(ctx context.Context, p *patience, r *request, into any) (answer, error) {
	a, err := s.ask(ctx, p, r, into)
	if err == nil && !a.ok() {
		err = a.refused()
	}
	return a, err
}

// noBetter is said of a failure that was the last thing heard of the service
// when the caller's time was over: it tells more than the time does.
const noBetter = "nothing better came in time"

func outOfTime(ctx context.Context) bool { return errors.Is(ctx.Err(), context.DeadlineExceeded) }

func (s *Store) askOnce(ctx context.Context, r *request, into any) (answer, *failure.Error) {
	resp, err := s.send(ctx, r)
	if err != nil {
		return answer{}, err
	}
	a, err := resp.read()
	if err != nil {
		return answer{}, err
	}
	if a.status == http.StatusTooManyRequests || a.status >= 500 && r.passes(a.status) {
		return a, a.failure()
	}
	if into != nil && a.ok() && a.status != http.StatusNoContent {
		if err := json.Unmarshal(a.body, into); err != nil {
			return a, s.fail(failure.WrongContent, r.op, r.url, fmt.Errorf("expected JSON: %w", err))
		}
	}
	return a, nil
}

// code is the name of a Twirp error, "" when it is none.
func (a answer) code() string {
	var e struct{ Code string }
	if json.Unmarshal(a.body, &e) != nil {
		return ""
	}
	return e.Code
}

// text is what the service says for people: v2's "msg", v1's "message", act's
// "error", Azure's code, or a line of plain text. It is not neutral yet.
func (a answer) text() string {
	var e struct {
		Msg, Message string
		Error        any
	}
	kind := a.header.Get("Content-Type")
	switch {
	case json.Unmarshal(a.body, &e) == nil:
		if text, ok := e.Error.(string); ok && e.Msg+e.Message == "" {
			return text
		}
		return e.Msg + e.Message
	case a.header.Get("X-Ms-Error-Code") != "":
		return a.header.Get("X-Ms-Error-Code")
	case strings.HasPrefix(kind, "text/plain"):
		line, _, _ := strings.Cut(string(a.body), "\n")
		return line
	}
	return ""
}

func (a answer) failure(is ...error) *failure.Error {
	class := failure.FromStatus(a.status)
	if class == "" {
		class = failure.HTTPStatus
	}
	var err error
	if text := a.text(); text != "" {
		err = errors.New(text)
	}
	for _, target := range is {
		if err != nil {
			err = fmt.Errorf("%w: %w", target, err)
		} else {
			err = target
		}
	}
	e := a.s.fail(class, a.r.op, a.r.url, err)
	e.Status = a.status
	clock, _ := http.ParseTime(a.header.Get("Date")) // the server's own; without it a date says nothing
	e.RetryAfter = httpx.RetryAfter(a.header.Get("Retry-After"), clock).Milliseconds()
	return e
}

// The beginnings of messages that say that the token may not.
const (
	writeDenied = "cache write denied:"
	readDenied  = "cache read denied:"
	overQuota   = "insufficient usage" // anywhere in the message
)

// denial is the refusal that a message tells of, nil when it tells of none.
func (a answer) denial(message string) error {
	lower := strings.ToLower(message)
	shown := failure.Plain(a.s.secrets.hide(message))
	switch {
	case strings.HasPrefix(lower, writeDenied), strings.Contains(lower, overQuota):
		return &refusal{op: a.r.op, is: []error{store.ErrDenied}, detail: shown}
	case strings.HasPrefix(lower, readDenied):
		return &refusal{op: a.r.op, is: []error{store.ErrDenied, store.ErrNotFound}, detail: shown}
	}
	return nil
}

// taken is the refusal of a name that is in use, with what the service says.
func (a answer) taken(message string) error {
	return &refusal{op: a.r.op, is: []error{store.ErrExists}, detail: failure.Plain(a.s.secrets.hide(message))}
}

// refused is the error of an answer that is no success, where it means the same
// in every call.
func (a answer) refused() error {
	if err := a.denial(a.text()); err != nil {
		return err
	}
	switch a.status {
	case http.StatusConflict:
		return a.taken(a.text())
	case http.StatusForbidden:
		return a.failure(store.ErrDenied)
	case http.StatusUnauthorized:
		return a.failure(errors.New("the service does not accept the job's token, which ends some hours after the job began"))
	case http.StatusNotFound:
		if a.r.token {
			return &refusal{op: a.r.op, is: []error{store.ErrUnavailable},
				detail: fmt.Sprintf("%s has no cache service %s (HTTP 404)", origin(a.r.url), a.s.place.protocol)}
		}
	}
	return a.failure()
}
