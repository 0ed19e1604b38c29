package github

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const ownerWrites fs.FileMode = 0o200

// handOver gives everything below dir to the owner of the workspace, so that
// later steps, which run as that user, can add modules and take locks, and makes
// its directories writable: the go command leaves those of a module read-only
// when a step sets its own GOFLAGS, and then only root could remove them. A
// container action runs as root; if it does not, nothing can be done.
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
		if u, g, ok := ownerOf(info); !ok || u != uid || g != gid {
			err = os.Lchown(name, uid, gid)
		}
		if d.IsDir() && info.Mode()&ownerWrites == 0 {
			err = errors.Join(err, os.Chmod(name, info.Mode().Perm()|ownerWrites))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("give %s to user %d, the owner of the workspace: %w", dir, uid, err)
	}
	return nil
}
