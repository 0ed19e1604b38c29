package golog

import (
	"bufio"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// readUTF8 returns a log as UTF-8: PowerShell writes what is redirected to a file
// as UTF-16 with a byte order mark.
func readUTF8(r io.Reader) io.Reader {
	in := bufio.NewReader(r)
	head, _ := in.Peek(2) // what is wrong with the reader is told when it is read
	switch string(head) {
	case "\xff\xfe":
		return &utf16Reader{in: in, low: 0}
	case "\xfe\xff":
		return &utf16Reader{in: in, low: 1}
	}
	return in
}

// utf16Reader reads UTF-16, whose low byte is the first (0) or the second (1) of
// two.
type utf16Reader struct {
	in   *bufio.Reader
	low  int
	rest []byte // what is decoded and not yet read
	high rune   // the first of a surrogate pair, 0 for none
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.rest) == 0 {
		var unit [2]byte
		if _, err := io.ReadFull(u.in, unit[:]); errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, io.EOF // half a character
		} else if err != nil {
			return 0, err
		}
		r := rune(unit[u.low]) | rune(unit[1-u.low])<<8
		switch {
		case u.high != 0:
			r, u.high = utf16.DecodeRune(u.high, r), 0
		case utf16.IsSurrogate(r):
			u.high = r
			continue
		}
		u.rest = utf8.AppendRune(u.rest[:0], r)
	}
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}
