package mirror

import (
	"context"
	"net"
	"time"

	"github.com/modferry/modferry/internal/failure"
)

// DialFunc is the signature of net.Dialer.DialContext.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// scarcePause is the wait before a connection is tried again that this machine
// had no file descriptor left for.
const scarcePause = 50 * time.Millisecond

// limitedDial bounds name lookup and connection by limit, also for a dialer
// that was given to us. When too many files are open it calls free, which
// closes what nobody uses, and tries again until then: others end meanwhile,
// and the request may take over the connection of one of them.
func limitedDial(dial DialFunc, limit time.Duration, free func()) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		dctx, cancel := context.WithTimeoutCause(ctx, limit, errConnectLimit)
		defer cancel()
		for {
			conn, err := dial(dctx, network, addr)
			if !failure.TooManyOpen(err) {
				if err != nil && ctx.Err() == nil && dctx.Err() != nil {
					return nil, &net.OpError{Op: "dial", Net: network, Err: context.Cause(dctx)}
				}
				return conn, err
			}
			free()
			select {
			case <-time.After(scarcePause):
			case <-dctx.Done():
				return nil, err
			}
		}
	}
}
