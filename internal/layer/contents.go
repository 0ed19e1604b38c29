package layer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/failure"
)

// The lines in a frame. Each but the first kind is followed by as many bytes as
// it says, and then at once by the next line.
const (
	lineModule = "module" // module <path>@<version>: what follows belongs to it
	lineMod    = kindMod  // mod <size>
	lineInfo   = kindInfo // info <size>
	lineZip    = kindZip  // zip <size>: instead of files, where no tree has the zip's hash
	lineFile   = "file"   // file <size> <name>: one of the tree; they stand together
)

// maxLine is the longest line in bytes: no file system takes a longer name.
const maxLine = 4096 + 64

// line is a line in a frame.
type line struct {
	kind   string
	module module.Version // of lineModule
	name   string         // of lineFile
	size   int64          // of what follows
}

// lineSize is the most bytes that may follow a line of that kind, negative for
// what is no such kind. The module cache has limits of its own.
func lineSize(kind string) int64 {
	if kind == lineFile {
		return modzip.MaxZipFile
	}
	return maxSize(kind)
}

// contentWriter writes what is in a frame. It keeps the first error.
type contentWriter struct {
	w   io.Writer
	buf []byte
	err error
}

func (c *contentWriter) line(words ...string) {
	c.write([]byte(strings.Join(words, " ") + "\n"))
}

func (c *contentWriter) write(data []byte) {
	if c.err == nil {
		_, c.err = c.w.Write(data)
	}
}

// part writes a line and the size bytes of r that follow it.
func (c *contentWriter) part(kind, name string, size int64, r io.Reader) error {
	words := []string{kind, strconv.FormatInt(size, 10)}
	if kind == lineFile {
		words = append(words, name)
	}
	c.line(words...)
	if c.err != nil {
		return c.err
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{c.w}, struct{ io.Reader }{io.LimitReader(r, size)}, c.buf)
	if err == nil && n != size {
		err = fmt.Errorf("the %s has %d bytes, expected %d", kind, n, size)
	}
	c.err = err
	return err
}

// contents reads what is in a frame. After an error there is nothing more.
type contents struct {
	r      *bufio.Reader
	broken func(error) error // what an error of r means
	failed error             // the first error
	cur    line
	// left are the bytes of the current line that have not been read.
	left int64
	held bool // the current line is to be given once more
}

// next goes on to the next line; io.EOF says that the frame ends here. The body
// of the line before is skipped.
func (c *contents) next() (line, error) {
	l, err := c.read()
	if err != nil && err != io.EOF {
		c.failed = err
	}
	return l, err
}

func (c *contents) read() (line, error) {
	if c.held {
		c.held = false
		return c.cur, nil
	}
	for c.left > 0 {
		n, err := c.r.Discard(int(min(c.left, 1<<20)))
		c.left -= int64(n)
		if err != nil {
			return line{}, c.broken(err)
		}
	}
	text, err := c.r.ReadSlice('\n')
	switch {
	case err == io.EOF && len(text) == 0:
		return line{}, io.EOF // of the frame, whose checksum was right
	case errors.Is(err, bufio.ErrBufferFull) || len(text) > maxLine:
		return line{}, damaged("found a line of more than %d bytes", maxLine)
	case err != nil:
		return line{}, c.broken(err)
	}
	l, err := parseLine(string(text[:len(text)-1]))
	if err != nil {
		return line{}, &damageError{err}
	}
	c.cur, c.left = l, l.size
	return l, nil
}

// Read reads the bytes that follow the current line.
func (c *contents) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err != nil && c.left > 0 {
		c.failed = c.broken(err)
		return n, c.failed
	}
	return n, nil
}

func parseLine(text string) (line, error) {
	kind, rest, _ := strings.Cut(text, " ")
	l := line{kind: kind}
	if kind == lineModule {
		var err error
		l.module, err = parseModule(rest)
		return l, err
	}
	limit := lineSize(kind)
	if limit == 0 {
		return line{}, fmt.Errorf("found a line %q, which is none", failure.Neutral(kind))
	}
	size := rest
	if kind == lineFile {
		size, l.name, _ = strings.Cut(rest, " ")
	}
	var err error
	l.size, err = parseSize(size, limit)
	return l, err
}

// tree is the files of the current module, from the current line on, as the
// module cache takes them.
type tree struct {
	c     *contents
	begun bool
	size  int64 // of the files so far
}

func (t *tree) Next() (name string, size int64, err error) {
	l := t.c.cur
	if t.begun {
		if l, err = t.c.next(); err != nil {
			return "", 0, err
		}
	}
	t.begun = true
	if l.kind != lineFile {
		t.c.held = true
		return "", 0, io.EOF
	}
	t.size += l.size
	return l.name, l.size, nil
}

func (t *tree) Read(p []byte) (int, error) { return t.c.Read(p) }
