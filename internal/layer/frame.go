package layer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
)

// A label stands before each frame of a layer: a skippable frame of zstd (RFC
// 8878, 3.1.2), so that a layer is a file that every zstd program unpacks, with
// the text "<length of the frame in bytes> <module>". The module is path@version,
// or "*" for a frame of several.
type label struct {
	length int64
	module module.Version // zero for several
}

const (
	labelMagic = 0x184D2A50
	labelHead  = 8 // magic and length of the text
	maxLabel   = 2048

	// maxFrame is the longest frame in bytes: a zip that zstd cannot compress,
	// and what is around it.
	maxFrame = mirror.MaxZip + mirror.MaxZip/100 + mirror.MaxMod

	maxFrames = 1 << 17
)

// noModule is the name in the label of a frame of several modules.
const noModule = "*"

func (l label) name() string {
	if l.module == (module.Version{}) {
		return noModule
	}
	return l.module.String()
}

// encode is the label as it stands in a layer.
func (l label) encode() ([]byte, error) {
	text := strconv.FormatInt(l.length, 10) + " " + l.name()
	if len(text) > maxLabel || l.length > maxFrame {
		return nil, fmt.Errorf("the frame of %s is too large for a layer", l.name())
	}
	out := binary.LittleEndian.AppendUint32(nil, labelMagic)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(text)))
	return append(out, text...), nil
}

// readLabel reads the next label; io.EOF says that the layer ends here. Errors
// are a *damageError or those of reading.
func readLabel(in *input) (label, error) {
	var head [labelHead]byte
	switch n, err := io.ReadFull(in, head[:]); {
	case n == 0 && err == io.EOF && in.err == nil:
		return label{}, io.EOF
	case err != nil:
		return label{}, in.broken(err)
	}
	if magic := binary.LittleEndian.Uint32(head[:]); magic != labelMagic {
		return label{}, damaged("found %#x, expected the label of a frame", magic)
	}
	n := binary.LittleEndian.Uint32(head[4:])
	if n > maxLabel {
		return label{}, damaged("found a label of %d bytes, expected at most %d", n, maxLabel)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(in, text); err != nil {
		return label{}, in.broken(err)
	}
	length, name, _ := strings.Cut(string(text), " ")
	var l label
	var err error
	if l.length, err = parseSize(length, maxFrame); err != nil {
		return label{}, &damageError{err}
	}
	if name != noModule {
		if l.module, err = parseModule(name); err != nil {
			return label{}, &damageError{err}
		}
	}
	return l, nil
}

// parseSize reads a size in bytes, which is written in one way only.
func parseSize(text string, limit int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return 0, fmt.Errorf("found %q, expected a size", failure.Neutral(text))
	}
	if n > limit {
		return 0, fmt.Errorf("found a size of %d bytes, expected at most %d", n, limit)
	}
	return n, nil
}

// parseModule reads path@version as the go command writes them.
func parseModule(name string) (module.Version, error) {
	path, version, _ := strings.Cut(name, "@")
	err := module.Check(path, version)
	if err == nil && module.CanonicalVersion(version) != version {
		err = errors.New("its version is not canonical")
	}
	if err != nil {
		return module.Version{}, fmt.Errorf("found %q, which is not a module", failure.Neutral(name))
	}
	return module.Version{Path: path, Version: version}, nil
}
