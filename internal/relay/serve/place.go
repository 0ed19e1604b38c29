package serve

import (
	"fmt"
	"os"
	"path/filepath"
)

// place is the directory for what is downloaded, "" for one among the system's
// temporary files: always the same one, so that what a killed server left is found,
// unless that is another user's, who would decide what is answered.
func place(dir string) (string, error) {
	if dir != "" {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("find the directory %s: %w", dir, err)
		}
		return dir, nil
	}
	own := filepath.Join(os.TempDir(), fmt.Sprintf("modferry-%d", os.Getuid()))
	_ = os.Mkdir(own, 0o700) // it may be there
	if info, err := os.Lstat(own); err == nil && info.IsDir() && info.Mode().Perm()&0o077 == 0 && ours(info) {
		return own, nil
	}
	return os.MkdirTemp("", "modferry-")
}
