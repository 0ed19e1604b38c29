package serve

import (
	"context"
	"net/http"
)

// Handler is a server without a listener, that has begun.
func Handler(ctx context.Context, o Options) (h http.Handler, end func(), err error) {
	s := prepared(o)
	if err := s.secure(o.Values); err != nil {
		return nil, nil, err
	}
	if err := s.begin(ctx); err != nil {
		return nil, nil, err
	}
	return s, s.end, nil
}
