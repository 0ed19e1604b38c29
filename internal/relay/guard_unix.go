//go:build unix

package relay

import "syscall"

func withoutWindow() *syscall.SysProcAttr { return nil }
