package worklist

import "bytes"

// byteOrderMark is what some editors and shells put at the beginning of UTF-8.
// The go command never skips it: go.mod and go.work then cannot be parsed, and
// the first line of go.sum or vendor/modules.txt means something else.
const byteOrderMark = "\ufeff"

// asUTF8 is what to do about it.
const asUTF8 = "save the file as UTF-8 without a byte order mark"

func markError(file string) error {
	return &InputError{
		File: file, Line: 1,
		Found:    "a byte order mark, which the go command does not accept",
		Expected: "a file that begins with its first line",
		Remedy:   asUTF8,
	}
}

// foreignEncoding returns an error for UTF-16, which shells on Windows write.
func foreignEncoding(file string, data []byte) error {
	if !bytes.HasPrefix(data, []byte{0xff, 0xfe}) && !bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return nil
	}
	return &InputError{
		File: file, Line: 1,
		Found:    "text in UTF-16 with a byte order mark",
		Expected: "UTF-8",
		Remedy:   asUTF8,
	}
}
