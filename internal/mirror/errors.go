package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/modferry/modferry/internal/failure"
)

// limitError is the cause of a cancelled request: a limit of ours was reached.
type limitError struct {
	class failure.Class
	text  string
}

func (e *limitError) Error() string { return e.text }

// Timeout makes it a timeout to net.Error readers.
func (e *limitError) Timeout() bool   { return true }
func (e *limitError) Temporary() bool { return true }

// WithLimit bounds a whole operation, such as a probe, by a setting. What is not
// done by then fails with the class of the phase it was in.
func WithLimit(ctx context.Context, d time.Duration, setting string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, operationLimit(d, setting))
}

func operationLimit(d time.Duration, setting string) error {
	return &limitError{failure.Timeout, fmt.Sprintf("no answer within the %v of %s", d, setting)}
}

// Silence is the cause to cancel a request with to which no response began
// within d, while the mirror responded to no other one either.
func Silence(d time.Duration) error {
	return &limitError{failure.FirstByteTimeout, fmt.Sprintf("no response within %v, nor to any other request", d)}
}

var errConnectLimit = &limitError{failure.ConnectTimeout, "no connection within the connect limit"}

func firstByteLimit(d time.Duration) error {
	return &limitError{failure.FirstByteTimeout, fmt.Sprintf("no response within %v", d)}
}

func stallLimit(d time.Duration) error {
	return &limitError{failure.Stall, fmt.Sprintf("fewer than %d bytes arrived within %v", minProgress, d)}
}

func totalLimit(d time.Duration) error {
	return &limitError{failure.Timeout, fmt.Sprintf("the request was not complete after %v", d)}
}

// classify turns an error of a request into a failure. The cause of our own
// cancellation wins over the text that net/http made of it. Where that cause is
// a limit of the whole operation, phase names what it was spent on; "" leaves
// it at Timeout.
func classify(ctx context.Context, op, redactedURL string, phase failure.Class, err error) *failure.Error {
	var fe *failure.Error
	if errors.As(err, &fe) {
		return fe
	}
	var le *limitError
	if errors.As(context.Cause(ctx), &le) || errors.As(err, &le) {
		class := le.class
		if class == failure.Timeout && phase != "" {
			class = phase
		}
		return failure.New(class, op, redactedURL, le)
	}
	if ctx.Err() != nil {
		return failure.New(failure.Cancelled, op, redactedURL, context.Cause(ctx))
	}
	return failure.New(failure.Classify(err), op, redactedURL, err)
}
