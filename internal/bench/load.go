package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// A load is requests made by clients that each keep a connection.
type load struct {
	base     string
	paths    []string
	requests int // altogether, path after path; 0 means that every client asks for all paths once
	clients  int
}

// run makes the requests. Any answer but a whole 200 is an error.
func (l load) run(ctx context.Context) error {
	transport := &http.Transport{MaxIdleConnsPerHost: l.clients, MaxConnsPerHost: l.clients}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var next atomic.Int64
	last := l.requests // of all clients, or of each
	if l.requests == 0 {
		last = len(l.paths)
	}
	errs := make([]error, l.clients)
	var clients sync.WaitGroup
	for i := range l.clients {
		clients.Go(func() {
			buffer := make([]byte, 64<<10)
			for own := 0; errs[i] == nil; own++ {
				n := own
				if l.requests > 0 {
					n = int(next.Add(1)) - 1
				}
				if n >= last {
					return
				}
				errs[i] = get(ctx, client, l.base+l.paths[n%len(l.paths)], buffer)
			}
		})
	}
	clients.Wait()
	return errors.Join(errs...)
}

func get(ctx context.Context, client *http.Client, url string, buffer []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, resp.Body, buffer)
	switch {
	case err != nil:
		return fmt.Errorf("%s: after %d bytes: %w", url, n, err)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}
