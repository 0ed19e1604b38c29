package github

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/modferry/modferry/internal/goenv/assign"
)

// maxSummary is the most that GitHub takes as the summary of one step; it drops
// a longer one as a whole.
const maxSummary = 1 << 20

// fileCommands writes the files through which a step hands variables, outputs,
// state and its summary to the runner. A value never becomes another entry,
// whatever it holds: each is delimited by a random line that it does not
// contain. Every entry is appended by one write, and one that was written in part
// is removed again, because the runner fails a step whose file is malformed. It is
// not safe for concurrent use.
type fileCommands struct {
	getenv func(string) string
	random io.Reader
}

// The files of entries, by the variables that name them.
const (
	envFile    = "GITHUB_ENV"    // variables of later steps
	outputFile = "GITHUB_OUTPUT" // outputs of the step
	stateFile  = "GITHUB_STATE"  // what the post stage finds as STATE_name
)

// set writes an entry to a file of entries. The name is a constant of this package
// or of a variable that the go command reads: the runner splits lines at "=" and
// "<<" and has names of its own.
func (f *fileCommands) set(file, name, value string) error {
	entry, err := assign.GitHubEntry(name, value, f.random)
	if err == nil {
		err = f.append(file, entry, 0)
	}
	if err != nil {
		return fmt.Errorf("set %s in %s: %w", name, file, err)
	}
	return nil
}

// appendSummary appends Markdown to the summary of the step. A text that would
// make it too long for GitHub is an error and changes nothing.
func (f *fileCommands) appendSummary(text string) error {
	if text == "" {
		return nil
	}
	return f.append("GITHUB_STEP_SUMMARY", strings.TrimSuffix(text, "\n")+"\n", maxSummary)
}

// append adds text to the file that the variable names. A limit other than 0 is
// the most bytes that the file may have then.
func (f *fileCommands) append(variable, text string, limit int64) (err error) {
	name := f.getenv(variable)
	if name == "" {
		return fmt.Errorf("%s is not set: expected the path of a file, which the runner sets", variable)
	}
	before, err := os.Stat(name) // before opening, which would block on a FIFO
	switch {
	case err != nil:
		return fmt.Errorf("file of %s: %w", variable, err)
	case !before.Mode().IsRegular():
		return fmt.Errorf("file of %s: %s is not a regular file", variable, name)
	case limit > 0 && before.Size()+int64(len(text)) > limit:
		return fmt.Errorf("file of %s: it would have %d bytes, expected at most %d", variable, before.Size()+int64(len(text)), limit)
	}
	// Without O_CREATE: the runner has made the file, and would not read another one.
	w, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("file of %s: %w", variable, err)
	}
	defer func() {
		if closed := w.Close(); closed != nil && err == nil {
			err = fmt.Errorf("file of %s: %w", variable, closed)
		}
	}()
	if n, err := io.WriteString(w, text); err != nil {
		if n > 0 {
			err = errors.Join(err, w.Truncate(before.Size()))
		}
		return fmt.Errorf("file of %s: %w", variable, err)
	}
	return nil
}
