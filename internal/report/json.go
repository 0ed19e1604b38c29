package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/modferry/modferry/internal/failure"
)

// maxJSON is the size of the largest result that Decode reads. A result has a
// few hundred bytes per module.
const maxJSON = 32 << 20

// JSON writes r as indented JSON with a line end. The same result gives the
// same bytes. Lists that the format requires are written even when they are
// empty. Characters that could act on a terminal or in a CI log are written as
// escapes, which a reader of JSON does not notice.
func JSON(w io.Writer, r *Result) error {
	out := *r
	if out.Schema == "" {
		out.Schema = Schema
	}
	if out.Mirrors == nil {
		out.Mirrors = []Mirror{}
	}
	if out.Modules == nil {
		out.Modules = []Module{}
	}
	if out.Totals.BySource == nil {
		out.Totals.BySource = map[string]int{}
	}
	return WriteJSON(w, "result", out)
}

// WriteJSON writes v as JSON that is harmless where it is printed; what is its
// name in an error.
func WriteJSON(w io.Writer, what string, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	if err == nil {
		_, err = w.Write(EscapeHostile(b.Bytes()))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}

// EscapeHostile escapes what json leaves as it is but is not harmless where
// JSON is printed: unprintable characters (C1 controls, bidi overrides) and the
// second "#" of every "##", with which commands of CI systems begin. All of
// them can stand in JSON strings only.
func EscapeHostile(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRune(text[i:])
		switch {
		case c == '#' && i > 0 && text[i-1] == '#':
			out = append(out, `\u0023`...)
		case c > unicode.MaxASCII && !unicode.IsPrint(c):
			out = appendEscaped(out, c)
		default:
			out = append(out, text[i:i+n]...)
		}
		i += n
	}
	return out
}

func appendEscaped(out []byte, c rune) []byte {
	if c > 0xffff {
		c -= 0x10000
		return fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+c>>10, 0xdc00+c&0x3ff)
	}
	return fmt.Appendf(out, `\u%04x`, c)
}

// Decode reads a result that JSON wrote, this version's or that of a later one
// with additional fields.
func Decode(r io.Reader) (*Result, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxJSON+1))
	if err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	if len(data) > maxJSON {
		return nil, fmt.Errorf("read result: found more than %s, expected a result of modferry, which is smaller", Bytes(maxJSON))
	}
	var head struct {
		Schema *string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, jsonError(data, err)
	}
	switch {
	case head.Schema == nil:
		return nil, fmt.Errorf("read result: found JSON without schema, expected %q; give a file that modferry wrote with --json", Schema)
	case *head.Schema != Schema:
		return nil, fmt.Errorf("read result: found schema %q, expected %q; read it with the version of modferry that wrote it",
			failure.Neutral(*head.Schema), Schema)
	}
	var out Result
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, jsonError(data, err)
	}
	if !slices.Contains(Outcomes[:], out.Outcome) {
		return nil, fmt.Errorf("read result: found outcome %q, expected one of %s", failure.Neutral(string(out.Outcome)), Outcomes)
	}
	return &out, nil
}

func jsonError(data []byte, err error) error {
	offset := int64(-1)
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = e.Offset
	} else if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = e.Offset
	}
	text := failure.Neutral(err.Error())
	if offset < 0 || offset > int64(len(data)) {
		return fmt.Errorf("read result: %s", text)
	}
	line := 1 + bytes.Count(data[:offset], []byte("\n"))
	return fmt.Errorf("read result: line %d: %s; expected a result that modferry wrote with --json", line, text)
}
