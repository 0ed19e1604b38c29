package goenv

import (
	"runtime"
	"testing"
)

// absolute is a path of Unix as an absolute one of this system.
func absolute(path string) string {
	if runtime.GOOS == "windows" {
		return "C:" + path
	}
	return path
}

// needUnixPaths skips a test whose table has absolute paths of Unix.
func needUnixPaths(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("its paths are absolute on Unix only")
	}
}
