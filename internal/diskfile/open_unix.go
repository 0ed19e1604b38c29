//go:build unix

package diskfile

import (
	"os"
	"syscall"
)

// nonblock keeps the opening of a FIFO from waiting for its other end.
const nonblock = syscall.O_NONBLOCK

var openFile = os.OpenFile
