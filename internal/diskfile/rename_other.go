//go:build !windows

package diskfile

import "os"

// Rename is os.Rename; on Windows it waits for those who have a file open.
func Rename(from, to string) error { return os.Rename(from, to) }

// Remove is os.Remove; on Windows it waits for those who have a file open.
func Remove(name string) error { return os.Remove(name) }

// RemoveAll is os.RemoveAll; on Windows it waits for those who have a file open.
func RemoveAll(dir string) error { return os.RemoveAll(dir) }
