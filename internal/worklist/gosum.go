package worklist

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/finding"
)

// emptyModHash is the hash of an empty go.mod, which an old bug wrote into
// go.sum files. The go command drops such lines (cmd/go modfetch/fetch.go:
// emptyGoModHash), so they are no lines here either.
const emptyModHash = "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY="

// sumKey names what a line of go.sum gives the hash of.
type sumKey struct {
	path, version string
	mod           bool // the go.mod file, not the zip
}

func (k sumKey) String() string {
	kind := "zip"
	if k.mod {
		kind = "go.mod"
	}
	return fmt.Sprintf("the %s of %s %s", kind, plain(k.path), plain(k.version))
}

// sumLine is a line of go.sum or go.work.sum that counts.
type sumLine struct {
	sumKey
	hash string // "h1:" and whatever follows: see validHash
	pos  Position
}

// sumFile is a go.sum or go.work.sum file.
type sumFile struct {
	file  string
	lines []sumLine // in order, one per key
	index map[sumKey]int
	mark  bool      // it begins with a byte order mark, which the go command takes for a part of the first line
	again []sumLine // those with another hash than an earlier line for the same file
}

func (f *sumFile) find(key sumKey) (sumLine, bool) {
	i, ok := f.index[key]
	if !ok {
		return sumLine{}, false
	}
	return f.lines[i], true
}

// has reports whether there is a line for key.
func (f *sumFile) has(key sumKey) bool {
	_, ok := f.index[key]
	return ok
}

// parseSum reads a go.sum file as the go command does (cmd/go
// modfetch/fetch.go: readGoSum): three fields a line, blank lines and both
// line endings allowed, unknown algorithms as if the line were not there.
//
// Of two lines with different hashes for one file the first counts (cmd/go
// modfetch/fetch.go: haveModSumLocked); see needs.checkTwoHashes.
func parseSum(file string, data []byte) (*sumFile, error) {
	text := string(data)
	size := strings.Count(text, "\n") + 1
	f := &sumFile{file: file, lines: make([]sumLine, 0, size), index: make(map[sumKey]int, size), mark: strings.HasPrefix(text, byteOrderMark)}
	if err := foreignEncoding(file, data); err != nil {
		return nil, err
	}
	n := 0
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		n++
		if isMergeMarker(line) {
			return nil, mergeError(file, n, line)
		}
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 3 && n == 1 && f.mark {
			return nil, markError(file)
		}
		if len(fields) != 3 {
			return nil, &InputError{
				File: file, Line: n,
				Found:    fmt.Sprintf("%d fields in %s", len(fields), quote(strings.TrimSpace(line))),
				Expected: "three: module path, version and hash",
				Remedy:   "restore the line, or delete it and run `go mod tidy`",
			}
		}
		hash := fields[2]
		if !strings.HasPrefix(hash, "h1:") || hash == emptyModHash {
			continue
		}
		l := sumLine{hash: hash, pos: Position{File: file, Line: n}}
		l.path = fields[0]
		l.version, l.mod = strings.CutSuffix(fields[1], "/go.mod")
		if i, ok := f.index[l.sumKey]; ok {
			if f.lines[i].hash != l.hash {
				f.again = append(f.again, l)
			}
			continue
		}
		f.index[l.sumKey] = len(f.lines)
		f.lines = append(f.lines, l)
	}
	return f, nil
}

// checkTwoHashes tells of lines that contradict an earlier one. In the go.sum of
// a workspace's member the go command accepts neither.
func (n *needs) checkTwoHashes(f *sumFile, member bool) error {
	if len(f.again) == 0 {
		return nil
	}
	second := f.again[0]
	first, _ := f.find(second.sumKey)
	if member {
		return agree(first, second)
	}
	found := fmt.Sprintf("%s for %s", quote(second.hash), second.sumKey)
	if more := len(f.again) - 1; more > 0 {
		found += fmt.Sprintf(" and %d more", more)
	}
	n.tell(finding.Finding{
		Check: "go-sum-two-hashes", Severity: finding.Warning, File: f.file, Line: second.pos.Line, Found: found,
		Effect: fmt.Sprintf("Line %d has another hash for the same file. The go command compares with the first line only, and so does modferry.", first.pos.Line),
		Fix:    "delete the wrong one of the two lines (a version never changes its hash) and run go mod verify",
	})
	return nil
}

// agree returns an error unless two lines for the same file state the same
// hash.
func agree(first, second sumLine) error {
	if first.hash == second.hash {
		return nil
	}
	return &InputError{
		File: second.pos.File, Line: second.pos.Line,
		Found:    fmt.Sprintf("%s for %s", quote(second.hash), second.sumKey),
		Expected: fmt.Sprintf("%s as %s:%d says", quote(first.hash), first.pos.File, first.pos.Line),
		Remedy:   "delete the wrong one of the two lines (a version never changes its hash) and run `go mod verify`",
	}
}

// check returns an error unless the hash can be the hash of something: h1 is
// a SHA-256 in base64 (golang.org/x/mod/sumdb/dirhash: Hash1).
func (l sumLine) check() error {
	sum, err := base64.StdEncoding.Strict().DecodeString(l.hash[len("h1:"):])
	if err == nil && len(sum) == 32 {
		return nil
	}
	return &InputError{
		File: l.pos.File, Line: l.pos.Line,
		Found:    fmt.Sprintf("%s for %s", quote(l.hash), l.sumKey),
		Expected: `"h1:" and 44 characters of base64`,
		Remedy:   "restore the line, or delete it and run `go mod tidy`",
		Err:      err,
	}
}

func mergeError(file string, line int, text string) error {
	return &InputError{
		File: file, Line: line,
		Found:    "the merge conflict marker " + quote(strings.TrimSpace(text)),
		Expected: "a file without conflicts",
		Remedy:   "resolve the merge (for go.sum: keep the lines of both sides, then run `go mod tidy`)",
	}
}
