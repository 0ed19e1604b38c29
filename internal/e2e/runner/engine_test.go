//go:build linux

package runner

import (
	"os"
	"path/filepath"
	"testing"
)

// container is a container that a runner starts for a stage of the action.
type container struct {
	entrypoint string
	args       []string
	env        map[string]string
	mounts     []mount
	dir        string
}

// engine runs containers of the action's image.
type engine interface {
	run(t *testing.T, c container) output
}

// sandbox is the engine without an image.
type sandbox struct{}

func (sandbox) run(t *testing.T, c container) output {
	t.Helper()
	root := newDir(t)
	for dir, mode := range map[string]os.FileMode{"usr/local/bin": 0o755, "etc": 0o755, "root": 0o700, "tmp": 0o777 | os.ModeSticky} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(root, dir), mode); err != nil {
			t.Fatal(err)
		}
	}
	bin := filepath.Join(root, "usr/local/bin")
	for _, link := range []string{"modferry-main", "modferry-post"} {
		if err := os.Symlink("modferry", filepath.Join(bin, link)); err != nil {
			t.Fatal(err)
		}
	}
	b := box{
		Root: root, Dir: c.dir, Argv: append([]string{c.entrypoint}, c.args...),
		Mounts: parentsFirst(append(c.mounts, mount{binary, "/usr/local/bin/modferry"})),
		Env:    []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"},
	}
	for name, value := range c.env {
		b.Env = append(b.Env, name+"="+value)
	}
	return b.run(t)
}
