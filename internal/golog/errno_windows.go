package golog

// One code of each kind that errno_windows.go tells apart.
const (
	errFull        = winDiskFull
	errRefused     = wsaConnRefused
	errUnreachable = wsaNetUnreach
	errReset       = wsaConnReset
)
