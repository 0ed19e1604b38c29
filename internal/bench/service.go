package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// A rate is how much the cache service moves in each direction, over all
// connections together, in Mbit/s; 0 is no limit.
type rate int

func (r rate) String() string {
	if r == 0 {
		return "unlimited"
	}
	return fmt.Sprintf("%d Mbit/s", int(r))
}

// bytes is the rate in bytes per second.
func (r rate) bytes() int64 { return int64(r) * 1e6 / 8 }

// A service is GitHub's cache service on this machine, with its entries as
// files in a directory.
type service struct {
	dir    string
	rate   rate
	server *ghatest.Server
}

// serveCache starts an empty service with its directory below tmp.
func serveCache(tmp string) (*service, error) {
	dir, err := os.MkdirTemp(tmp, "service-")
	if err != nil {
		return nil, err
	}
	s := &service{dir: dir}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, removeAll(dir))
	}
	return s, nil
}

// end ends the service and removes its directory.
func (s *service) end() error { return errors.Join(s.close(), removeAll(s.dir)) }

func (s *service) start() (err error) {
	s.server, err = ghatest.New(ghatest.Options{Dir: s.dir, Bandwidth: s.rate.bytes()})
	return err
}

// empty forgets every entry. Who is told env later finds the service there.
func (s *service) empty() error {
	if err := s.close(); err != nil {
		return err
	}
	return s.start()
}

// limit sets the rate from now on.
func (s *service) limit(r rate) {
	s.rate = r
	s.server.SetBandwidth(r.bytes())
}

// stored is how many bytes the entries have.
func (s *service) stored() int64 {
	var n int64
	for _, e := range s.server.Entries() {
		n += e.Size
	}
	return n
}

// env is what a job gets to know about the service.
func (s *service) env() []string { return s.server.Environ() }

// close ends the service and removes its entries.
func (s *service) close() error { return s.server.Close() }
