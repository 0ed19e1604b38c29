//go:build unix && !linux

package child

import "syscall"

// attributes give the child a group of its own, if it is to be apart.
func attributes(apart bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: apart}
}
