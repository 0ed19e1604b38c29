//go:build unix

package github

import (
	"io/fs"
	"syscall"
)

// ownerOf is the user and group that a file belongs to.
func ownerOf(info fs.FileInfo) (uid, gid int, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(s.Uid), int(s.Gid), true
}
