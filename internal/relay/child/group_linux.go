package child

import "syscall"

// attributes give the child a group of its own, if it is to be apart. When we are
// killed, the child ends, too: nobody would answer it any more.
func attributes(apart bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: apart, Pdeathsig: syscall.SIGTERM}
}
