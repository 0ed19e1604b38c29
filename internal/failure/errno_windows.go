package failure

import "syscall"

// One code of each kind, for texts that stand for a code: those of Windows and
// its sockets, which package syscall does not map to the Unix names (winerror.h,
// winsock2.h).
const (
	ErrTimedOut    = syscall.Errno(10060) // WSAETIMEDOUT
	ErrFull        = syscall.Errno(112)   // ERROR_DISK_FULL
	ErrRefused     = syscall.Errno(10061) // WSAECONNREFUSED
	ErrUnreachable = syscall.Errno(10051) // WSAENETUNREACH
	ErrReset       = syscall.Errno(10054) // WSAECONNRESET
)

// alikeErrnos are further codes of these kinds.
var alikeErrnos = map[syscall.Errno]syscall.Errno{
	39:    ErrFull,        // ERROR_HANDLE_DISK_FULL
	1295:  ErrFull,        // ERROR_DISK_QUOTA_EXCEEDED
	4:     syscall.EMFILE, // ERROR_TOO_MANY_OPEN_FILES
	10024: syscall.EMFILE, // WSAEMFILE
	10050: ErrUnreachable, // WSAENETDOWN
	10064: ErrUnreachable, // WSAEHOSTDOWN
	10065: ErrUnreachable, // WSAEHOSTUNREACH
	10052: ErrReset,       // WSAENETRESET
	10053: ErrReset,       // WSAECONNABORTED
}
