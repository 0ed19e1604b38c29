package failure

import "syscall"

// Codes of Windows and its sockets that package syscall does not map to the
// Unix names (winerror.h, winsock2.h).
const (
	winHandleDiskFull = syscall.Errno(39)
	winDiskFull       = syscall.Errno(112)
	winDiskQuota      = syscall.Errno(1295)

	wsaNetDown     = syscall.Errno(10050)
	wsaNetUnreach  = syscall.Errno(10051)
	wsaNetReset    = syscall.Errno(10052)
	wsaConnAborted = syscall.Errno(10053)
	wsaConnReset   = syscall.Errno(10054)
	wsaTimedOut    = syscall.Errno(10060)
	wsaConnRefused = syscall.Errno(10061)
	wsaHostDown    = syscall.Errno(10064)
	wsaHostUnreach = syscall.Errno(10065)
)

// One code of each kind, for texts that stand for a code.
const (
	ErrTimedOut    = wsaTimedOut
	ErrFull        = winDiskFull
	ErrRefused     = wsaConnRefused
	ErrUnreachable = wsaNetUnreach
	ErrReset       = wsaConnReset
)

func full(e syscall.Errno) bool {
	return e == winDiskFull || e == winHandleDiskFull || e == winDiskQuota
}

func refused(e syscall.Errno) bool { return e == wsaConnRefused }

func unreachable(e syscall.Errno) bool {
	switch e {
	case wsaNetDown, wsaNetUnreach, wsaHostDown, wsaHostUnreach:
		return true
	}
	return false
}

func reset(e syscall.Errno) bool {
	switch e {
	case wsaNetReset, wsaConnAborted, wsaConnReset:
		return true
	}
	return false
}
