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

// Certificate is the one that new connections get.
func Certificate(s *Server) tls.Certificate { return s.tls.Load().config.Certificates[0] }
