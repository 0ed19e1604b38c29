package outlet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/secret"
)

func TestTextDoesNothing(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"laid-out text stays", "a  b\n\tc — d\u00a0e\n\n  x::y\n", "a  b\n\tc — d\u00a0e\n\n  x::y\n"},
		{"a workflow command", "::add-mask::x\n", ": :add-mask::x\n"},
		{"a workflow command after blanks", " \t\u00a0::add-mask::x\n", " \t\u00a0: :add-mask::x\n"},
		{"a workflow command after an invisible character", "\u200b\ufeff::add-mask::x\n", ": :add-mask::x\n"},
		{"a workflow command on a later line", "a\n::stop-commands::x\n", "a\n: :stop-commands::x\n"},
		{"an old workflow command", "see ##[add-mask]x\n", "see # #[add-mask]x\n"},
		{"another system's command", "##vso[task.setvariable]x ##teamcity[x]\n", "# #vso[task.setvariable]x # #teamcity[x]\n"},
		{"Azure's commands in any case", "a ##VSO[task.complete]x ###vso[x]y\n", "a # #VSO[task.complete]x ## #vso[x]y\n"},
		{"sections of Buildkite", "--- a\n+++ b\n~~~\tc\n^^^ +++\n---\u00a0d\n+++\n", "- -- a\n+ ++ b\n~ ~~\tc\n^ ^^ +++\n- --\u00a0d\n+ ++\n"},
		{"a section of Buildkite after an invisible character", "\u200b--- a\n", "- -- a\n"},
		{"lines that begin like sections", "---- a\n +++ b\n--flag\n+1\n", "---- a\n +++ b\n--flag\n+1\n"},
		{"a note of Jenkins", "\x1b[8mha:////4AAA=\x1b[0mx\n", "ha:////4AAA=x\n"},
		{"a section of GitLab", "section_start:1:a\r\x1b[0Kx\n", "section_start:1:a x\n"},
		{"a line that rewrites itself", "bad\r\x1b[2Kgood\n", "bad good\n"},
		{"colours and titles", "\x1b[31mred\x1b[0m\x1b]0;t\x07\n", "red]0;t\n"},
		{"line ends of Unicode", "a\u2028::x\u2029b\u0085c\n", "a ::x b c\n"},
		{"a leading line end of Unicode", "\u2028::x\n", " : :x\n"},
		{"bidi and zero width", "a\u202eb\u2066c\u200dd\n", "abcd\n"},
		{"bytes that are no text", "a\xffb\n", "a\ufffdb\n"},
		{"no line end at the end", "a\n::x", "a\n: :x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{len(tt.in), 1, 3} { // a command in two writes is one
				var b bytes.Buffer
				w := outlet.New(&b, nil, false)
				for rest := []byte(tt.in); len(rest) > 0; rest = rest[min(size, len(rest)):] {
					if _, err := w.Write(rest[:min(size, len(rest))]); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Flush(); err != nil {
					t.Fatal(err)
				}
				if got := b.String(); got != tt.want {
					t.Errorf("%q in writes of %d bytes\n got %q\nwant %q", tt.in, size, got, tt.want)
				}
			}
		})
	}
}

func TestColoursAreForTerminals(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	fmt.Fprintln(outlet.New(&b, nil, true), "\x1b[1;31mred\x1b[0m \x1b[2Kx \u009b31my \x1b]0;t\x07")
	if got, want := b.String(), "\x1b[1;31mred\x1b[0m x y ]0;t\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Buildkite runs jobs in a terminal, and reads lines without their colours.
func TestColoursHideNoCommand(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	fmt.Fprint(outlet.New(&b, nil, true), "\x1b[31m--- a\n-\x1b[0m-- b\n\x1b[1m::x\n#\x1b[0m#vso[x]\n\x1b[1mfine --- c\n")
	if got, want := b.String(), "- -- a\n- -- b\n: :x\n# #vso[x]\n\x1b[1mfine --- c\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	var secrets secret.Set
	secrets.AddLogin("u", "PLANTED9Q")
	var b bytes.Buffer
	w := outlet.New(&b, &secrets, false)
	fmt.Fprint(w, "text PLAN")
	fmt.Fprintln(w, "TED9Q dTpQTEFOVEVEOVE=")
	fmt.Fprintln(w, "text PLAN\x1b[0mTED9Q")
	fmt.Fprintln(outlet.Commands(w), "::error::PLANTED9Q")
	fmt.Fprintln(outlet.Commands(w), "::add-mask::PLANTED9Q")
	fmt.Fprintln(outlet.Data(w), "GOPROXY=https://u:PLANTED9Q@b.example.test")
	want := "text xxxxx xxxxx\ntext xxxxx\n::error::xxxxx\n::add-mask::PLANTED9Q\nGOPROXY=https://u:PLANTED9Q@b.example.test\n"
	if got := b.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestCommandsAndDataComeAsTheyAre(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]func(io.Writer) io.Writer{"commands": outlet.Commands, "data": outlet.Data} {
		var b bytes.Buffer
		w := outlet.New(&b, &secret.Set{}, false)
		fmt.Fprint(w, "begun")
		fmt.Fprint(way(w), "\r\x1b[K::x\n")
		fmt.Fprint(w, "::y\n")
		if got, want := b.String(), "begun\r\x1b[K::x\n: :y\n"; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
		if way(&b) != io.Writer(&b) {
			t.Errorf("%s: another writer is not returned as it is", name)
		}
	}
}

func TestThereIsOneOutlet(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := outlet.New(&b, nil, false)
	if outlet.New(w, &secret.Set{}, true) != w || outlet.Behind(w) != io.Writer(&b) || outlet.Behind(&b) != io.Writer(&b) {
		t.Error("an outlet before an outlet")
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestErrorsOfTheWriterArrive(t *testing.T) {
	t.Parallel()
	w := outlet.New(full{}, nil, false)
	if _, err := io.WriteString(w, "a\n"); !errors.Is(err, errFull) {
		t.Errorf("Write: %v", err)
	}
	if _, err := io.WriteString(w, "a"); err != nil {
		t.Errorf("what waits for its line end failed: %v", err)
	}
	if err := w.Flush(); !errors.Is(err, errFull) {
		t.Errorf("Flush: %v", err)
	}
	if _, err := io.WriteString(outlet.Data(w), "a"); !errors.Is(err, errFull) {
		t.Errorf("Data: %v", err)
	}
}

// section is what Buildkite's agent takes as the head of a section.
var section = regexp.MustCompile(`^(?:(?:---|\+\+\+|~~~)\s(.+)?|\^\^\^\s+\+\+\+\s*)$`)

func FuzzText(f *testing.F) {
	for _, seed := range []string{"::x\n", "#\u200b#[x]", " \x1b[0m::a", "\r\n::x", "##\x1b[0m[a]", "\x1b[1m--- a\n", "^^^\u200b +++\n"} {
		f.Add(seed, 1)
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		var b bytes.Buffer
		w := outlet.New(&b, nil, false)
		for rest := text; rest != ""; {
			n := min(max(size, 1), len(rest))
			io.WriteString(w, rest[:n])
			rest = rest[n:]
		}
		w.Flush()
		got := b.String()
		for line := range strings.Lines(got) {
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") || section.MatchString(line) {
				t.Errorf("%q became the command %q", text, line)
			}
		}
		if strings.ContainsAny(got, "\r\x1b\x07\u009b\u202e\u200b") {
			t.Errorf("%q became %q", text, got)
		}
		if strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Errorf("%q has not the lines of %q", got, text)
		}
	})
}
