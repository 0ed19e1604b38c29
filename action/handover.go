package action

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// handOver gives everything below dir to the owner of the workspace, so that
// later steps, which run as that user, can add modules and take locks. A
// container action runs as root; where it does not, or may not, there is
// nothing to be done.
func handOver(dir, workspace string) error {
	info, err := os.Stat(workspace)
	if err != nil {
		return fmt.Errorf("find the owner of the workspace: %w", err)
	}
	uid, gid, ok := ownerOf(info)
	if !ok || os.Geteuid() != 0 || uid == 0 {
		return nil
	}
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if u, g, ok := ownerOf(info); ok && u == uid && g == gid {
			return nil
		}
		return os.Lchown(name, uid, gid)
	})
	if err != nil {
		return fmt.Errorf("give %s to user %d, the owner of the workspace: %w", dir, uid, err)
	}
	return nil
}
