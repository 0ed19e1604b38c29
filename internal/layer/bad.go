package layer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/store"
)

// badFile remembers, beside a module cache, the layers that a restore found to
// hold wrong bytes, or that were gone: the save of the same job is mostly
// another process.
func badFile(modcache string) string {
	return filepath.Join(modcache, "cache", "modferry", "bad-layers")
}

// maxBad bounds the list: it has room for ten thousand layers.
const maxBad = 1 << 20

// Bad is the layers remembered for the module cache in dir.
func Bad(modcache string) ([]string, error) {
	var data []byte
	err := diskfile.RemoveSpecial(badFile(modcache))
	if err == nil {
		data, err = diskfile.Read(badFile(modcache), maxBad)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the list of bad layers: %w", err)
	}
	var names []string
	for name := range strings.FieldsSeq(string(data)) {
		if store.CheckName(name) == nil && strings.HasPrefix(name, LayerPrefix) {
			names = append(names, name)
		}
	}
	return names, nil
}

// RememberBad adds to the layers remembered for the module cache in dir. Each
// is one short line that is appended in one write, so several processes may do
// so.
func RememberBad(modcache string, names []string) error {
	known, err := Bad(modcache)
	if err != nil {
		return err
	}
	var lines strings.Builder
	for _, name := range names {
		if !slices.Contains(known, name) {
			lines.WriteString(name + "\n")
		}
	}
	if lines.Len() == 0 {
		return nil
	}
	f, err := os.OpenFile(badFile(modcache), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return fmt.Errorf("remember bad layers: %w", err)
	}
	_, err = f.WriteString(lines.String())
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("remember bad layers: %w", err)
	}
	return nil
}
