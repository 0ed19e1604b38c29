package outlet

import (
	"bytes"
	"io"
	"strings"
	"sync"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/secret"
)

// Writer makes text neutral, a line at a time. It is safe for concurrent use.
type Writer struct {
	to      io.Writer
	secrets *secret.Set
	colours bool

	mu   sync.Mutex
	line []byte // begun, without its end
}

// New returns the outlet of a program to a terminal, a log or a file. Colours
// says that it is a terminal, which may show them. A Writer is returned as it
// is: there is one outlet.
func New(to io.Writer, secrets *secret.Set, colours bool) *Writer {
	if w, ok := to.(*Writer); ok {
		return w
	}
	return &Writer{to: to, secrets: secrets, colours: colours}
}

// Write takes text. What has no line end yet waits for it, or for Flush.
func (w *Writer) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	end := bytes.LastIndexByte(text, '\n') + 1
	if end == 0 {
		w.line = append(w.line, text...)
		return len(text), nil
	}
	var b strings.Builder
	for line := range strings.Lines(string(w.line) + string(text[:end])) {
		b.WriteString(w.neutral(strings.TrimSuffix(line, "\n")) + "\n")
	}
	w.line = append(w.line[:0], text[end:]...)
	if _, err := io.WriteString(w.to, b.String()); err != nil {
		return 0, err
	}
	return len(text), nil
}

// neutral is a line that does nothing and tells no secret. Hiding comes last:
// what was dropped could have parted a secret.
func (w *Writer) neutral(line string) string {
	return w.secrets.Hide(failure.NeutralLine(line, w.colours))
}

// Flush writes what waits for the end of its line.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush()
}

func (w *Writer) flush() error {
	if len(w.line) == 0 {
		return nil
	}
	_, err := io.WriteString(w.to, w.neutral(string(w.line)))
	w.line = w.line[:0]
	return err
}

// raw writes to the same place, after what was written before, what somebody
// else has made sure of.
type raw struct {
	w    *Writer
	hide func(string) string // nil for data
}

func (r raw) Write(p []byte) (int, error) {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	if err := r.w.flush(); err != nil {
		return 0, err
	}
	text := string(p)
	if r.hide != nil {
		text = r.hide(text)
	}
	if _, err := io.WriteString(r.w.to, text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Commands takes what acts: workflow commands, marks of sections, the sequences
// of a live line. Each comes with one Write. Secrets are hidden in them, but in
// the command that tells GitHub's runner a secret. Other writers than a Writer
// are returned as they are.
func Commands(to io.Writer) io.Writer {
	w, ok := to.(*Writer)
	if !ok {
		return to
	}
	return raw{w, func(command string) string {
		if strings.HasPrefix(command, "::add-mask::") {
			return command
		}
		return w.secrets.Hide(command)
	}}
}

// Data takes what a program reads and nothing may change: settings for a shell,
// JSON. Other writers than a Writer are returned as they are.
func Data(to io.Writer) io.Writer {
	if w, ok := to.(*Writer); ok {
		return raw{w: w}
	}
	return to
}

// Behind is what a Writer writes to; any other writer is that itself.
func Behind(to io.Writer) io.Writer {
	if w, ok := to.(*Writer); ok {
		return w.to
	}
	return to
}
