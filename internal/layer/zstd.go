package layer

import (
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	// maxWindow is how far zstd looks back, when writing and at most when
	// reading: nearly all the memory of a coder, of which there is one for each
	// worker.
	maxWindow = 4 << 20

	// worthBetter is up to how many bytes, unpacked, a layer is compressed at
	// the better level: it makes module trees 6 % smaller and takes twice as
	// long. Beyond a fraction of a second, no upload makes up for that.
	worthBetter = 64 << 20
)

// newEncoder makes an encoder for frames of a layer of that many bytes, unpacked.
// Its checksum finds damage where the module cache has no hash to compare with.
func newEncoder(bytes int64) (*zstd.Encoder, error) {
	level := zstd.SpeedDefault
	if bytes <= worthBetter {
		level = zstd.SpeedBetterCompression
	}
	return zstd.NewWriter(nil,
		zstd.WithWindowSize(maxWindow), // before the level, which otherwise halves the blocks
		zstd.WithEncoderLevel(level),
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(true))
}

// newDecoder reads on the caller's goroutine: frames are parallel among each
// other. r may be nil.
func newDecoder(r io.Reader) (*zstd.Decoder, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
}

var decoders = sync.Pool{New: func() any {
	z, err := newDecoder(nil)
	if err != nil {
		panic("layer: " + err.Error()) // the options are in order
	}
	return z
}}
