//go:build !windows

package golog

import "syscall"

// One code of each kind that package failure tells apart on Unix.
const (
	errFull        = syscall.ENOSPC
	errRefused     = syscall.ECONNREFUSED
	errUnreachable = syscall.ENETUNREACH
	errReset       = syscall.ECONNRESET
)
