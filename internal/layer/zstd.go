package layer

import (
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// maxWindow is how far zstd looks back in bytes, when writing and at most when
// reading: nearly all the memory of a coder, of which there is one for each
// worker.
const maxWindow = 4 << 20

// levelFor is how hard to compress a layer of that many bytes, unpacked. Of the
// trees of 97 modules, 296 MB, the fastest level makes 71.1 MB, the default one
// 66.7 MB in 1.35 times as long, the better one 63.0 MB in 1.9 times as long. A
// save may take a second or two of two processors; what is small may take its
// time, since it is restored more often than saved.
func levelFor(bytes int64) zstd.EncoderLevel {
	switch {
	case bytes <= 64<<20:
		return zstd.SpeedBetterCompression
	case bytes <= 512<<20:
		return zstd.SpeedDefault
	}
	return zstd.SpeedFastest
}

// newEncoder makes an encoder for frames of a layer of that many bytes, unpacked.
// Its checksum finds damage where the module cache has no hash to compare with.
func newEncoder(bytes int64) (*zstd.Encoder, error) {
	return zstd.NewWriter(nil,
		zstd.WithWindowSize(maxWindow), // before the level, which otherwise halves the blocks
		zstd.WithEncoderLevel(levelFor(bytes)),
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
