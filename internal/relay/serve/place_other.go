//go:build !unix

package serve

import "io/fs"

// ours is true: temporary files are a user's own there.
func ours(fs.FileInfo) bool { return true }
