package mirrortest_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestABlackHoleLeavesConnectionsUnanswered(t *testing.T) {
	t.Parallel()
	addr := mirrortest.BlackHole(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			conn.Close()
		}
		done <- err
	}()
	cancel()
	if err := <-done; err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("the connect ended with %v", err)
	}
}
