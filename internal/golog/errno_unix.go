//go:build !windows

package golog

import "syscall"

// One code of each kind that errno_unix.go tells apart.
const (
	errFull        = syscall.ENOSPC
	errRefused     = syscall.ECONNREFUSED
	errUnreachable = syscall.ENETUNREACH
	errReset       = syscall.ECONNRESET
)
