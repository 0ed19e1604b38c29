//go:build !linux

package main

import (
	"errors"
	"time"
)

// newWire needs network namespaces and TUN devices.
func newWire(int, time.Duration) (*site, error) {
	return nil, errors.New("lay the wire: needs Linux; leave it out with -cases loopback,present,memory")
}
