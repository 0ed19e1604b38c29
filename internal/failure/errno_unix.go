//go:build !windows

package failure

import "syscall"

// One code of each kind, for texts that stand for a code.
const (
	ErrTimedOut    = syscall.ETIMEDOUT
	ErrFull        = syscall.ENOSPC
	ErrRefused     = syscall.ECONNREFUSED
	ErrUnreachable = syscall.ENETUNREACH
	ErrReset       = syscall.ECONNRESET
)

func full(e syscall.Errno) bool { return e == syscall.ENOSPC || e == syscall.EDQUOT }

func refused(e syscall.Errno) bool { return e == syscall.ECONNREFUSED }

func unreachable(e syscall.Errno) bool {
	switch e {
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN, syscall.EAFNOSUPPORT:
		return true
	}
	return false
}

func reset(e syscall.Errno) bool {
	switch e {
	case syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.ENETRESET, syscall.ENOTCONN:
		return true
	}
	return false
}
