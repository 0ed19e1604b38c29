package text

import (
	"fmt"
	"io"
	"strings"

	"github.com/modferry/modferry/internal/report/render"
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

var styles = map[render.Tone]style{render.Neutral: dim, render.Quiet: dim, render.Good: green, render.Fair: yellow, render.Bad: red}

// Span is a piece of a line in one style. Its text is neutral.
type Span struct {
	Text  string
	style style
}

// proseWidth is where running text is broken when no width is given.
const proseWidth = 120

// Page collects lines. All of them pass through emit, so that nothing reaches
// the output that a CI system takes for a command, however lines were broken.
type Page struct {
	b      strings.Builder
	width  int // of lines; 0 leaves tables as wide as they are
	colour bool
}

// Toned is a piece of a line in the colour of a tone.
func Toned(text string, t render.Tone) Span { return Span{text, styles[t]} }

// WriteTo writes what was collected; what is its name in an error.
func (p *Page) WriteTo(w io.Writer, what string) error {
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}

// Emit writes one line. A line that begins with "::" after blanks would be a
// workflow command, even when Neutral left the "::" in the midst of a text.
func (p *Page) Emit(spans ...Span) {
	last := len(spans) - 1
	for last > 0 && strings.TrimRight(spans[last].Text, " ") == "" {
		last--
	}
	started := false
	for i, s := range spans[:last+1] {
		if i == last {
			s.Text = strings.TrimRight(s.Text, " ")
		}
		if !started {
			if at := strings.IndexFunc(s.Text, func(r rune) bool { return r != ' ' }); at >= 0 {
				started = true
				if strings.HasPrefix(s.Text[at:], "::") {
					s.Text = s.Text[:at+1] + " " + s.Text[at+1:]
				}
			}
		}
		if p.colour && s.style != "" && s.Text != "" {
			p.b.WriteString("\x1b[" + string(s.style) + "m" + s.Text + "\x1b[0m")
		} else {
			p.b.WriteString(s.Text)
		}
	}
	p.b.WriteByte('\n')
}

// Heading starts a section.
func (p *Page) Heading(text string) {
	p.b.WriteByte('\n')
	p.Emit(Span{text, bold})
}

// Prose writes text after prefix, broken between words; further lines are
// indented to the width of the prefix, or by indent where that is more than 0.
func (p *Page) Prose(prefix Span, text string, indent int) {
	width := p.width
	if width <= 0 {
		width = proseWidth
	}
	if indent <= 0 {
		indent = render.Cells(prefix.Text)
	}
	text = strings.Join(strings.Fields(text), " ")
	first := wrap(text, max(width-render.Cells(prefix.Text), 20))
	if len(first) == 0 {
		p.Emit(prefix)
		return
	}
	p.Emit(prefix, Span{Text: first[0]})
	rest := strings.TrimPrefix(text, first[0])
	for _, line := range wrap(rest, max(width-indent, 20)) {
		p.Emit(Span{Text: strings.Repeat(" ", indent) + line})
	}
}

// notes writes labelled texts below each other, those without a text left out.
func (p *Page) notes(indent int, all ...render.Line) {
	width := 0
	for _, l := range all {
		if l.Plain() != "" {
			width = max(width, render.Cells(l.Label))
		}
	}
	for _, l := range all {
		if l.In.Has(render.Text) && l.Plain() != "" {
			p.Prose(Span{strings.Repeat(" ", indent) + fmt.Sprintf("%-*s ", width+1, l.Label+":"), dim}, l.Plain(), 0)
		}
	}
}

func note(label, text string) render.Line {
	return render.Line{Label: label, Spans: []render.Span{{Text: text}}}
}

// wrap breaks text between words into lines of at most width cells. A word
// that is longer has a line of its own.
func wrap(text string, width int) []string {
	var lines []string
	line, used := "", 0
	for word := range strings.FieldsSeq(text) {
		n := render.Cells(word)
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
