package report

import (
	"strings"
	"unicode"
)

// style is the number of an SGR sequence, "" for none.
type style string

const (
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

// span is a piece of a line in one style. Its text is neutral.
type span struct {
	text  string
	style style
}

// proseWidth is where running text is broken when no width is given.
const proseWidth = 120

// page collects lines. All of them pass through emit, so that nothing reaches
// the output that a CI system takes for a command, however lines were broken.
type page struct {
	b      strings.Builder
	width  int // of lines; 0 leaves tables as wide as they are
	colour bool
}

// emit writes one line. A line that begins with "::" after blanks would be a
// workflow command, even when Neutral left the "::" in the midst of a text.
func (p *page) emit(spans ...span) {
	last := len(spans) - 1
	for last > 0 && strings.TrimRight(spans[last].text, " ") == "" {
		last--
	}
	started := false
	for i, s := range spans[:last+1] {
		if i == last {
			s.text = strings.TrimRight(s.text, " ")
		}
		if !started {
			if at := strings.IndexFunc(s.text, func(r rune) bool { return r != ' ' }); at >= 0 {
				started = true
				if strings.HasPrefix(s.text[at:], "::") {
					s.text = s.text[:at+1] + " " + s.text[at+1:]
				}
			}
		}
		if p.colour && s.style != "" && s.text != "" {
			p.b.WriteString("\x1b[" + string(s.style) + "m" + s.text + "\x1b[0m")
		} else {
			p.b.WriteString(s.text)
		}
	}
	p.b.WriteByte('\n')
}

// heading starts a section.
func (p *page) heading(text string) {
	p.b.WriteByte('\n')
	p.emit(span{text, bold})
}

// prose writes text after prefix, broken between words; further lines are
// indented to the width of the prefix, or by indent where that is more than 0.
func (p *page) prose(prefix span, text string, indent int) {
	width := p.width
	if width <= 0 {
		width = proseWidth
	}
	if indent <= 0 {
		indent = cells(prefix.text)
	}
	text = strings.Join(strings.Fields(text), " ")
	first := wrap(text, max(width-cells(prefix.text), 20))
	if len(first) == 0 {
		p.emit(prefix)
		return
	}
	p.emit(prefix, span{text: first[0]})
	rest := strings.TrimPrefix(text, first[0])
	for _, line := range wrap(rest, max(width-indent, 20)) {
		p.emit(span{text: strings.Repeat(" ", indent) + line})
	}
}

// wrap breaks text between words into lines of at most width cells. A word
// that is longer has a line of its own.
func wrap(text string, width int) []string {
	var lines []string
	line, used := "", 0
	for word := range strings.FieldsSeq(text) {
		n := cells(word)
		if used > 0 && used+1+n > width {
			lines = append(lines, line)
			line, used = "", 0
		}
		if used > 0 {
			line += " "
			used++
		}
		line += word
		used += n
	}
	if used > 0 {
		lines = append(lines, line)
	}
	return lines
}

// cut shortens text to width cells by leaving its middle out: URLs and module
// paths differ at both ends.
func cut(text string, width int) string {
	if cells(text) <= width {
		return text
	}
	if width < 2 {
		return "…"
	}
	head := (width - 1) / 2
	tail := width - 1 - head
	runes := []rune(text)
	i, n := 0, 0
	for n+runeCells(runes[i]) <= head {
		n += runeCells(runes[i])
		i++
	}
	j, n := len(runes), 0
	for n+runeCells(runes[j-1]) <= tail {
		j--
		n += runeCells(runes[j])
	}
	return string(runes[:i]) + "…" + string(runes[j:])
}

// cells is the width of a text on a terminal.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

// runeCells is the width of a character on a terminal: none for combining
// marks, two for the wide ones of East Asia and for pictures (Unicode Standard
// Annex 11, simplified to whole blocks).
func runeCells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}
