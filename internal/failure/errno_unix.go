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

// alikeErrnos are further codes of these kinds.
var alikeErrnos = map[syscall.Errno]syscall.Errno{
	syscall.EDQUOT:       ErrFull,
	syscall.EHOSTUNREACH: ErrUnreachable,
	syscall.ENETDOWN:     ErrUnreachable,
	syscall.EHOSTDOWN:    ErrUnreachable,
	syscall.EAFNOSUPPORT: ErrUnreachable,
	syscall.ECONNABORTED: ErrReset,
	syscall.EPIPE:        ErrReset,
	syscall.ENETRESET:    ErrReset,
	syscall.ENOTCONN:     ErrReset,
}
