package github

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
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

// newFileCommands finds the files through the environment when they are needed.
func newFileCommands(getenv func(string) string, random io.Reader) *fileCommands {
	return &fileCommands{getenv: getenv, random: random}
}

// SetEnv sets an environment variable of the later steps. Names that the runner
// keeps for itself (GITHUB_*, RUNNER_*) or does not let through (NODE_OPTIONS)
// are an error.
func (f *fileCommands) SetEnv(name, value string) error {
	upper := strings.ToUpper(name)
	switch {
	case !variableName.MatchString(name):
		return fmt.Errorf("set variable %q: found an invalid name, expected letters, digits and _", name)
	case upper == "NODE_OPTIONS", strings.HasPrefix(upper, "GITHUB_"), strings.HasPrefix(upper, "RUNNER_"):
		return fmt.Errorf("set variable %s: the runner reserves this name, choose another one", name)
	}
	return f.set("GITHUB_ENV", name, value)
}

// SetOutput sets an output of the step.
func (f *fileCommands) SetOutput(name, value string) error {
	return f.setNamed("GITHUB_OUTPUT", name, value)
}

// SaveState hands a value to the post stage, which finds it as STATE_name.
func (f *fileCommands) SaveState(name, value string) error {
	return f.setNamed("GITHUB_STATE", name, value)
}

// AppendSummary appends Markdown to the summary of the step. A text that would
// make it too long for GitHub is an error and changes nothing.
func (f *fileCommands) AppendSummary(text string) error {
	if text == "" {
		return nil
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return f.append("GITHUB_STEP_SUMMARY", text, maxSummary)
}

// The names that entries can have. The runner itself splits a line at "=" or
// "<<" and takes any name.
var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	entryName    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
)

func (f *fileCommands) setNamed(file, name, value string) error {
	if !entryName.MatchString(name) {
		return fmt.Errorf("set %q in %s: found an invalid name, expected letters, digits, - and _", name, file)
	}
	return f.set(file, name, value)
}

func (f *fileCommands) set(file, name, value string) error {
	entry, err := assign.GitHubEntry(name, value, f.random)
	if err != nil {
		return fmt.Errorf("set %s in %s: %w", name, file, err)
	}
	if err := f.append(file, entry, 0); err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	return nil
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
