package github

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/modferry/modferry/internal/diskfile"
)

// mostProgram bounds what is copied: far above the size of this program.
const mostProgram = 256 << 20

// provide puts this program on the PATH of later steps, which can run go commands
// through it: modferry exec -- go install …. It is a static file, so it runs outside
// this container, too. A place in the workspace is none: there it would be part of the
// checkout.
func (s *step) provide() error {
	if _, within := below(s.host.temp, s.host.workspace); within || s.Program == "" || s.Getenv("GITHUB_PATH") == "" {
		return nil
	}
	dir := filepath.Join(s.host.temp, "modferry", "bin")
	if err := copyProgram(s.Program, dir); err != nil {
		return fmt.Errorf("put modferry on the PATH of later steps: %w", err)
	}
	seen := s.host.outside(dir)
	if strings.ContainsAny(seen, "\r\n") {
		return nil // a line of GITHUB_PATH cannot say it
	}
	return s.files.append("GITHUB_PATH", seen+"\n", 0)
}

func copyProgram(name, dir string) error {
	data, err := diskfile.Read(name, mostProgram)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	target := filepath.Join(dir, "modferry")
	if runtime.GOOS == "windows" {
		target += ".exe"
	}
	if err := diskfile.Write(target, data); err != nil {
		return err
	}
	return os.Chmod(target, 0o755)
}
