package gitlab

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/outlet"
)

// Fold writes the text report of a command, and its details into a section of the
// job's log that is collapsed; the time in its name tells apart the sections of a job.
// nil g writes the text alone.
//
// Only this writes the escape sequences that GitLab reads as section markers: all
// other text is neutral.
func (g *Job) Fold(w io.Writer, command, text, details string) error {
	_, err := io.WriteString(w, text)
	if g == nil || details == "" || err != nil {
		return err
	}
	began := time.Now()
	name := "modferry_" + strings.ReplaceAll(command, " ", "_") + "_" + strconv.FormatInt(began.UnixNano(), 36)
	marks := outlet.Commands(w)
	fmt.Fprintf(marks, "\x1b[0Ksection_start:%d:%s[collapsed=true]\r\x1b[0Kdetails of modferry %s\n", began.Unix(), name, command)
	_, err = io.WriteString(w, strings.TrimLeft(details, "\n"))
	fmt.Fprintf(marks, "\x1b[0Ksection_end:%d:%s\r\x1b[0K\n", time.Now().Unix(), name)
	return err
}
