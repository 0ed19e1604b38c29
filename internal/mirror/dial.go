package mirror

import (
	"context"
	"net"
	"time"
)

// DialFunc is the signature of net.Dialer.DialContext.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// limitedDial bounds name lookup and connection by limit, also for a dialer
// that was given to us.
func limitedDial(dial DialFunc, limit time.Duration) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		dctx, cancel := context.WithTimeoutCause(ctx, limit, errConnectLimit)
		defer cancel()
		conn, err := dial(dctx, network, addr)
		if err != nil && ctx.Err() == nil && dctx.Err() != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: context.Cause(dctx)}
		}
		return conn, err
	}
}
