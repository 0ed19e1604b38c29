package golog

import "syscall"

// One code of each kind that package failure tells apart on Windows
// (winerror.h, winsock2.h).
const (
	errFull        = syscall.Errno(112)   // ERROR_DISK_FULL
	errRefused     = syscall.Errno(10061) // WSAECONNREFUSED
	errUnreachable = syscall.Errno(10051) // WSAENETUNREACH
	errReset       = syscall.Errno(10054) // WSAECONNRESET
)
