package relay

import "syscall"

const createNoWindow = 0x08000000 // CREATE_NO_WINDOW

// withoutWindow keeps Windows from opening a console for a process whose parent has
// none.
func withoutWindow() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{HideWindow: true, CreationFlags: createNoWindow}
}
