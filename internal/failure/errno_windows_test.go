package failure_test

import "syscall"

// native is the code that Windows or its sockets really return (winerror.h,
// winsock2.h) where package syscall has an invented number of the Unix name.
func native(errno syscall.Errno) syscall.Errno {
	switch errno {
	case syscall.ENOSPC:
		return 112
	case syscall.EDQUOT:
		return 1295
	case syscall.EMFILE:
		return 4
	case syscall.ENETUNREACH:
		return 10051
	case syscall.ECONNABORTED:
		return 10053
	case syscall.ECONNRESET:
		return 10054
	case syscall.ETIMEDOUT:
		return 10060
	case syscall.EHOSTUNREACH:
		return 10065
	}
	return errno
}
