package github

import "io/fs"

// ownerOf knows no owners: container actions run on Linux only.
func ownerOf(fs.FileInfo) (uid, gid int, ok bool) { return 0, 0, false }
