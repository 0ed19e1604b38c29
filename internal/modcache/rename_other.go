//go:build !windows

package modcache

import "os"

func rename(from, to string) error { return os.Rename(from, to) }
