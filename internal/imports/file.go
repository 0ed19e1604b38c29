package imports

import (
	"bytes"
	"go/build/constraint"
	"io"
	"slices"
	"strings"
	"sync"
)

// File is what a Go file says to builds before its first declaration.
type File struct {
	Name    string   // base name
	Imports []string // import paths as written, "C" included
	Test    bool     // named *_test.go

	goos, goarch string // that the name asks for, "" for none
	when         constraint.Expr
}

// headerBuffer has room for the imports of most files; maxHeader bounds what is
// read of the others, of which only a comment can be so long.
const (
	headerBuffer = 8 << 10
	maxHeader    = 4 << 20
)

var headers = sync.Pool{New: func() any { b := make([]byte, headerBuffer); return &b }}

// Read reads the import clauses and build constraints of a Go file, and no more of
// r than that takes. What is no Go has no imports: the go command tells of it when
// it builds. The error is that of r.
func Read(name string, r io.Reader) (File, error) {
	f := File{Name: name, Test: strings.HasSuffix(name, "_test.go")}
	f.goos, f.goarch = platformOf(name)
	pooled := headers.Get().(*[]byte)
	defer headers.Put(pooled)
	buf, n := *pooled, 0
	for {
		k, err := io.ReadFull(r, buf[n:])
		n += k
		end := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !end {
			return f, err
		}
		s := scanner{data: buf[:n]}
		var enough bool
		if f.Imports, enough = s.imports(); enough || end || n >= maxHeader {
			f.when = constraintOf(s.data)
			return f, nil
		}
		buf = append(buf, make([]byte, len(buf))...)
	}
}

// IsGo reports whether a file with this name belongs to a package: the go command
// overlooks names that begin with _ or a dot.
func IsGo(name string) bool {
	return strings.HasSuffix(name, ".go") && name[0] != '_' && name[0] != '.'
}

// constraintOf is the build constraint of a file, nil for none (go/build: shouldBuild,
// parseFileHeader): its //go:build line, else its +build lines, which have to stand
// above a blank line and above any block comment.
func constraintOf(data []byte) constraint.Expr {
	var build constraint.Expr
	var plus []string
	var above int // how many of them a blank line follows
	block, blocks := false, false
	for len(data) > 0 {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte("\n"))
		line = bytes.TrimSpace(line)
		if !block {
			switch text := string(line[:min(len(line), maxConstraint)]); {
			case text == "":
				if !blocks {
					above = len(plus)
				}
				continue
			case constraint.IsGoBuild(text):
				x, err := constraint.Parse(text)
				if err != nil || build != nil {
					return never{}
				}
				build = x
			case constraint.IsPlusBuild(text):
				plus = append(plus, text)
			}
		}
		var code bool
		if block, code = afterComments(line, block); code {
			break
		}
		blocks = blocks || !bytes.HasPrefix(line, []byte("//"))
	}
	if build != nil {
		return build
	}
	var all constraint.Expr
	for _, text := range plus[:above] {
		x, err := constraint.Parse(text)
		if err != nil {
			continue
		}
		if all == nil {
			all = x
		} else {
			all = &constraint.AndExpr{X: all, Y: x}
		}
	}
	return all
}

// maxConstraint bounds a line that may be a constraint, whose parser recurses.
const maxConstraint = 4 << 10

// never is the constraint of a file whose constraint cannot be read.
type never struct{ constraint.Expr }

func (never) Eval(func(string) bool) bool { return false }

// afterComments reads the comments of a line. It reports whether a block comment
// goes on in the next one, and whether there is something else than comments.
func afterComments(line []byte, block bool) (open, code bool) {
	for len(line) > 0 {
		switch {
		case block:
			_, rest, closed := bytes.Cut(line, []byte("*/"))
			if !closed {
				return true, false
			}
			block, line = false, bytes.TrimSpace(rest)
		case bytes.HasPrefix(line, []byte("//")):
			return false, false
		case bytes.HasPrefix(line, []byte("/*")):
			block, line = true, line[2:]
		default:
			return false, true
		}
	}
	return block, false
}

// platformOf is what a file name asks for: name_GOOS.go, name_GOARCH.go or
// name_GOOS_GOARCH.go, each also with _test (go/build: goodOSArchFile).
func platformOf(name string) (goos, goarch string) {
	name, _, _ = strings.Cut(name, ".")
	_, rest, found := strings.Cut(name, "_")
	if !found {
		return "", ""
	}
	parts := strings.Split(rest, "_")
	n := len(parts)
	if parts[n-1] == "test" {
		n--
	}
	if n == 0 {
		return "", ""
	}
	switch last := parts[n-1]; {
	case slices.Contains(knownArch, last):
		if n > 1 && slices.Contains(knownOS, parts[n-2]) {
			return parts[n-2], last
		}
		return "", last
	case slices.Contains(knownOS, last):
		return last, ""
	}
	return "", ""
}
