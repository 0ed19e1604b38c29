package serve

import (
	"context"
	"crypto/tls"
)

// Begun is a server that has begun, without a listener.
func Begun(ctx context.Context, o Options) (s *Server, look, end func(), err error) {
	s = prepared(o)
	if err := s.secure(o.Values); err != nil {
		return nil, nil, nil, err
	}
	if err := s.begin(ctx); err != nil {
		return nil, nil, nil, err
	}
	return s, func() { s.look(ctx) }, s.end, nil
}

// NotBegun is a server that listens, and has not begun yet.
func NotBegun(o Options) (*Server, error) {
	s := prepared(o)
	return s, s.secure(o.Values)
}

// Leave has a server say that it is about to stop.
func Leave(s *Server) { s.leaving.Store(true) }

// Certificate is the one that new connections get.
func Certificate(s *Server) tls.Certificate { return s.tls.Load().config.Certificates[0] }
