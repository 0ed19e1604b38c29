package layer

import (
	"bufio"
	"bytes"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Memory for frames between their arrival and their unpacking.
const (
	// mostHeld is the longest frame in bytes that is received whole and then
	// unpacked beside others; a longer one is unpacked as it comes.
	mostHeld = 16 << 20
	// heldTogether is how many bytes of frames are held at a time, in all
	// layers of a restore.
	heldTogether = 24 << 20
)

// unpacker reads a layer frame by frame.
type unpacker struct {
	in *input
	// want says which frames are of interest; the others are passed over.
	want func(label) bool
	// hold waits for room for n bytes of a frame, letGo gives it back.
	hold  func(n int64) error
	letGo func(n int64)
	// start waits for a processor and calls work on a goroutine of its own.
	start func(work func()) error
	// take reads a frame, several at a time.
	take func(label, *contents) error
	// spoilt tells of a frame that could not be read to its end.
	spoilt func(label, error)
}

// unpack reads the layer to its end. The error is a *damageError when it goes on
// in no way that a layer does, or that of reading. Damage in a frame does not
// end it.
func (u *unpacker) unpack() error {
	for range maxFrames {
		l, err := readLabel(u.in)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		body := &io.LimitedReader{R: u.in, N: l.length}
		switch {
		case !u.want(l):
		case l.length <= mostHeld:
			err = u.hand(l, body)
		default:
			err = u.frame(l, body, u.in.broken)
			if u.in.err != nil {
				return u.in.err
			}
			u.ended(l, err)
			err = nil
		}
		if err == nil {
			_, err = io.Copy(io.Discard, body)
		}
		if err == nil && body.N > 0 {
			err = io.EOF
		}
		if err != nil {
			return u.in.broken(err)
		}
	}
	return damaged("found more than %d frames", maxFrames)
}

// hand receives a frame and has it unpacked on another goroutine.
func (u *unpacker) hand(l label, body io.Reader) error {
	if err := u.hold(l.length); err != nil {
		return err
	}
	data := make([]byte, l.length)
	_, err := io.ReadFull(body, data)
	if err == nil {
		err = u.start(func() {
			defer u.letGo(l.length)
			u.ended(l, u.frame(l, bytes.NewReader(data), asDamage))
		})
	}
	if err != nil {
		u.letGo(l.length)
	}
	return err
}

func (u *unpacker) ended(l label, err error) {
	if err != nil {
		u.spoilt(l, err)
	}
}

// contentBuffer is for what goes into a frame or comes out of it.
const contentBuffer = 64 << 10

// frame unpacks one frame.
func (u *unpacker) frame(l label, r io.Reader, broken func(error) error) error {
	z := decoders.Get().(*zstd.Decoder)
	defer decoders.Put(z)
	// Not a *bytes.Reader alone: zstd unpacks what it takes for a buffer whole.
	if err := z.Reset(struct{ io.Reader }{r}); err != nil {
		return broken(err)
	}
	defer z.Reset(nil) // never fails; the frame can go
	c := &contents{r: bufio.NewReaderSize(&bounded{z, u.in.budget}, contentBuffer), broken: broken}
	return u.take(l, c)
}
