package gitlab

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/outlet"
)

// Section begins a section of the job's log, collapsed if folded is true; what is
// written to w until end is called is in it. The section's name consists of name and
// the time, so that the sections of a job differ. Errors of w are ignored: writing
// the text will meet them too.
//
// Only this writes the escape sequences that GitLab reads as section markers: all
// other text is neutral.
func (g *Job) Section(w io.Writer, name, header string, folded bool) (end func()) {
	if g == nil {
		return func() {}
	}
	began := time.Now()
	name = "modferry_" + sectionName(name) + "_" + strconv.FormatInt(began.UnixNano(), 36)
	options := ""
	if folded {
		options = "[collapsed=true]"
	}
	marks := outlet.Commands(w)
	fmt.Fprintf(marks, "\x1b[0Ksection_start:%d:%s%s\r\x1b[0K%s\n", began.Unix(), name, options, failure.Plain(header))
	return func() { fmt.Fprintf(marks, "\x1b[0Ksection_end:%d:%s\r\x1b[0K\n", time.Now().Unix(), name) }
}

// sectionName replaces the characters that a section name cannot have.
func sectionName(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '-':
			return r
		}
		return '_'
	}, text)
}

// Fold writes a text report, whose first paragraph says what matters most. The rest
// is a section, collapsed if the run was good.
func (g *Job) Fold(w io.Writer, name, text string, good bool) error {
	first, rest, found := strings.Cut(text, "\n\n")
	if g == nil || !found {
		_, err := io.WriteString(w, text)
		return err
	}
	if _, err := io.WriteString(w, first+"\n"); err != nil {
		return err
	}
	end := g.Section(w, name, "details of modferry "+name, good)
	defer end()
	_, err := io.WriteString(w, rest)
	return err
}
