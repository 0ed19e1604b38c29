//go:build !windows

package failure_test

import "syscall"

func native(errno syscall.Errno) syscall.Errno { return errno }
