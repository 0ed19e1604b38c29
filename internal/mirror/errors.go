package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
)

// WithLimit bounds a whole operation, such as a probe, by a setting. What is not
// done by then fails with the class of the phase it was in.
func WithLimit(ctx context.Context, d time.Duration, setting string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, operationLimit(d, setting))
}

func operationLimit(d time.Duration, setting string) error {
	return &httpx.LimitError{Phase: httpx.Total, Text: fmt.Sprintf("no answer within the %v of %s", d, setting)}
}

// Silence is the cause to cancel a request with to which no response began
// within d, while the mirror responded to no other one either.
func Silence(d time.Duration) error {
	return &httpx.LimitError{Phase: httpx.Answering, Text: fmt.Sprintf("no response within %v, nor to any other request", d)}
}

var errConnectLimit = &httpx.LimitError{Phase: httpx.Connecting, Text: "no connection within the connect limit"}

func totalLimit(d time.Duration) error {
	return &httpx.LimitError{Phase: httpx.Total, Text: fmt.Sprintf("the request was not complete after %v", d)}
}

func tooLarge(shown string, size, limit int64) *failure.Error {
	return failure.New(failure.TooLarge, "get", shown, fmt.Errorf("the file has %d bytes, the go command accepts %d", size, limit))
}

// classify turns an error of a request into a failure. The cause of our own
// cancellation wins over the text that net/http made of it. Where that cause is
// a limit of the whole operation, phase names what it was spent on; "" leaves
// it at Timeout.
func classify(ctx context.Context, op, redactedURL string, phase failure.Class, err error) *failure.Error {
	if fe, ok := errors.AsType[*failure.Error](err); ok {
		return fe
	}
	var limit *httpx.LimitError
	if errors.As(context.Cause(ctx), &limit) || errors.As(err, &limit) {
		class := failure.Classify(limit)
		if limit.Phase == httpx.Total && phase != "" {
			class = phase
		}
		return failure.New(class, op, redactedURL, limit)
	}
	if ctx.Err() != nil {
		return failure.New(failure.Cancelled, op, redactedURL, context.Cause(ctx))
	}
	return failure.New(failure.Classify(err), op, redactedURL, err)
}
