package e2e

import "syscall"

// inMemory is a directory in memory with room for some module caches, or "".
// In a container there is one that is much too small.
func inMemory() string {
	const dir, tmpfs, room = "/dev/shm", 0x01021994, 4 << 30
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil || fs.Type != tmpfs || fs.Bavail*uint64(fs.Bsize) < room {
		return ""
	}
	return dir
}
