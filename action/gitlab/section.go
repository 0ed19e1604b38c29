package gitlab

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/outlet"
)

// Fold writes the text report of a command, whose first paragraph says what matters
// most. The rest is a section of the job's log, collapsed if the run was good; the
// time in its name tells apart the sections of a job. nil g writes the text alone.
//
// Only this writes the escape sequences that GitLab reads as section markers: all
// other text is neutral.
func (g *Job) Fold(w io.Writer, command, text string, good bool) error {
	first, rest, found := strings.Cut(text, "\n\n")
	if g == nil || !found {
		_, err := io.WriteString(w, text)
		return err
	}
	began := time.Now()
	name := "modferry_" + strings.ReplaceAll(command, " ", "_") + "_" + strconv.FormatInt(began.UnixNano(), 36)
	options := ""
	if good {
		options = "[collapsed=true]"
	}
	marks := outlet.Commands(w)
	_, err := io.WriteString(w, first+"\n")
	fmt.Fprintf(marks, "\x1b[0Ksection_start:%d:%s%s\r\x1b[0Kdetails of modferry %s\n", began.Unix(), name, options, command)
	if err == nil {
		_, err = io.WriteString(w, rest)
	}
	fmt.Fprintf(marks, "\x1b[0Ksection_end:%d:%s\r\x1b[0K\n", time.Now().Unix(), name)
	return err
}
