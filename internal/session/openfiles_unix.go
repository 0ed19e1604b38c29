//go:build unix

package session

import "syscall"

// openFiles is how many files and connections the process may have open, 0 when
// that is not known. The runtime has raised the soft limit to the hard one.
func openFiles() uint64 {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0
	}
	return uint64(l.Cur)
}
