package relay

import (
	"net/http"
	"testing"
	"time"
)

// A client may repeat a request on a connection that was closed meanwhile, which is
// all that is ever repeated: ours stay open longer than Go's clients keep them (90 s).
// And however slowly a client reads, it gets its file.
func TestCorner24ConnectionsOutliveTheirClients(t *testing.T) {
	t.Parallel()
	l, err := Listen(http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	clients := http.DefaultTransport.(*http.Transport).IdleConnTimeout
	if l.server.IdleTimeout <= clients || clients < 90*time.Second || l.server.WriteTimeout != 0 || l.server.ReadTimeout != 0 {
		t.Errorf("IdleTimeout %s, of clients %s; WriteTimeout %s, ReadTimeout %s", l.server.IdleTimeout, clients, l.server.WriteTimeout, l.server.ReadTimeout)
	}
	if l.server.ReadHeaderTimeout == 0 || l.server.MaxHeaderBytes == 0 {
		t.Error("a header may take for ever")
	}
}
