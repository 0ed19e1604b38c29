package layer

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Bounds of an archive. Those on what is accepted are far above any real layer;
// they bound memory, time and the length of reports when somebody made one up.
const (
	// maxWindow is how far zstd looks back, when writing and at most when reading
	// (8 MiB is what every decoder has to accept: RFC 8878, 3.1.1.1.2). With
	// twice that it is the memory of pack, and once the memory of unpack.
	// Versions of one module have whole files in common, byte for byte also
	// when compressed: a module cache with several takes 4 % less room with 8
	// MiB than with 1, and no more time.
	maxWindow = 8 << 20

	// maxBlock is the most bytes that zstd returns at a time (RFC 8878,
	// 3.1.1.2.4).
	maxBlock = 128 << 10

	maxMembers  = 1 << 17
	maxRejected = 1000

	// An archive may unpack to maxUnpacked bytes, and while it is read to
	// freeUnpacked + maxRatio times what has been read. Zips are compressed
	// already: a layer of nothing but go.mod files shrinks to a fifth.
	maxUnpacked  = 16 << 30
	freeUnpacked = 64 << 20
	maxRatio     = 100
)

// encoding is how archives are written. All of it on one goroutine: on module
// zips that is 1.5 times faster with no Huffman coding, at the same size, and
// no slower than with two goroutines, which would need ten times the memory.
// The bytes do not depend on the number of processors. The checksum finds
// damage wherever the module cache has no hash to compare with.
func encoding() []zstd.EOption {
	return []zstd.EOption{
		zstd.WithWindowSize(maxWindow), // before the level, which otherwise halves the blocks
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithNoEntropyCompression(true),
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(true),
	}
}

// decoding is how archives are read: on the caller's goroutine, which is faster
// than with several since there is nothing to do but to copy, and leaves none
// behind.
func decoding() []zstd.DOption {
	return []zstd.DOption{
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxWindow(maxWindow),
	}
}

// archiveError says that the bytes of an archive are not those that pack wrote:
// damaged, cut short, or made up. Errors of reading them are none.
type archiveError struct {
	Offset int64 // how many bytes of the archive had been read; the fault is there or up to a block before
	Err    error // io.ErrUnexpectedEOF when the end is missing
}

func (e *archiveError) Error() string {
	if errors.Is(e.Err, io.ErrUnexpectedEOF) {
		return fmt.Sprintf("unpack layer: its archive is cut short at byte %d", e.Offset)
	}
	return fmt.Sprintf("unpack layer: its archive is damaged at byte %d: %v", e.Offset, e.Err)
}

func (e *archiveError) Unwrap() error { return e.Err }
