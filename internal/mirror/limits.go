package mirror

import (
	"cmp"
	"time"
)

// Limits bound every network operation. The go command has a dial limit of 30 s
// and a TLS limit of 10 s and no other, so a stalled mirror hangs it for ever
// (net/http.DefaultTransport as used by cmd/go/internal/web). Zero fields mean
// the default.
type Limits struct {
	Connect   time.Duration // TCP connection, name lookup included
	TLS       time.Duration // TLS handshake
	FirstByte time.Duration // from a usable connection to the response header
	Stall     time.Duration // fewer than httpx.MinProgress bytes of body arrived in this time
	Total     time.Duration // one request from start to the last byte
}

// defaultLimits are the limits where a setting says nothing.
var defaultLimits = Limits{
	Connect:   10 * time.Second,
	TLS:       10 * time.Second,
	FirstByte: 30 * time.Second,
	Stall:     20 * time.Second,
	Total:     10 * time.Minute,
}

// Or returns l with its zero fields taken from d.
func (l Limits) Or(d Limits) Limits {
	return Limits{
		Connect:   cmp.Or(l.Connect, d.Connect),
		TLS:       cmp.Or(l.TLS, d.TLS),
		FirstByte: cmp.Or(l.FirstByte, d.FirstByte),
		Stall:     cmp.Or(l.Stall, d.Stall),
		Total:     cmp.Or(l.Total, d.Total),
	}
}
