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
	// maxWindow is how far zstd looks back, when writing and at most when
	// reading (8 MiB is what every decoder should accept: RFC 8878,
	// 3.1.1.1.2). Twice that is nearly all the memory of pack, once that of
	// unpack. Versions of one module have whole files in common, byte for byte
	// also when compressed: a module cache with several takes 3 to 4 % less
	// room with 8 MiB than with 1, and no more time.
	maxWindow = 8 << 20

	// maxBlock is the most bytes that zstd returns at a time (RFC 8878,
	// 3.1.1.2.4).
	maxBlock = 128 << 10

	maxMembers  = 1 << 17
	maxRejected = 1000

	// An archive may unpack to maxUnpacked bytes, and while it is read to
	// freeUnpacked + maxRatio times what has been read. Zips are compressed
	// already: a layer of nothing but go.mod files shrinks to a quarter.
	maxUnpacked  = 16 << 30
	freeUnpacked = 64 << 20
	maxRatio     = 100
)

// encoding is how archives are written. Huffman coding is off, since on module
// zips it takes half as much time again and saves nothing; go.mod files alone
// become a seventh larger. One goroutine does all: splitting the stream for two
// (WithConcurrentBlocks) is 1.2 to 1.7 times faster, but allocates hundreds of
// megabytes and makes the bytes depend on the number of processors, and without
// splitting a second one is of no use. The checksum finds damage where the
// module cache has no hash to compare with.
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
	// Offset is how many bytes of the archive had been read. The fault is there
	// or up to a block before; with a wrong checksum, anywhere before.
	Offset int64
	Err    error // io.ErrUnexpectedEOF when the end is missing
}

func (e *archiveError) Error() string {
	if errors.Is(e.Err, io.ErrUnexpectedEOF) {
		return fmt.Sprintf("unpack layer: its archive is cut short at byte %d", e.Offset)
	}
	return fmt.Sprintf("unpack layer: its archive is damaged at byte %d: %v", e.Offset, e.Err)
}

func (e *archiveError) Unwrap() error { return e.Err }
