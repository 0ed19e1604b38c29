package github

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// runnerFiles are the file commands of a step, empty as the runner makes them.
type runnerFiles map[string]string

func newRunnerFiles(t testing.TB) runnerFiles {
	t.Helper()
	dir, files := t.TempDir(), runnerFiles{}
	for _, name := range []string{"GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"} {
		files[name] = filepath.Join(dir, strings.ToLower(name))
		if err := os.WriteFile(files[name], nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func (r runnerFiles) getenv(name string) string { return r[name] }

func (r runnerFiles) content(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(r[name])
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// readEntries reads a file of entries as the runner does: a line is NAME=VALUE
// or NAME<<DELIMITER, whichever separator comes first; what follows the latter
// is the value, up to a line that equals the delimiter.
func readEntries(text string) (map[string]string, error) {
	entries := map[string]string{}
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if line == "" {
			continue
		}
		equals, here := strings.Index(line, "="), strings.Index(line, "<<")
		switch {
		case equals >= 0 && (here < 0 || equals < here):
			entries[line[:equals]] = line[equals+1:]
		case here >= 0:
			name, delimiter, _ := strings.Cut(line, "<<")
			if name == "" || delimiter == "" {
				return nil, errors.New("empty name or delimiter")
			}
			var value []string
			for {
				if text == "" {
					return nil, errors.New("delimiter not found")
				}
				line, text, _ = strings.Cut(text, "\n")
				if line == delimiter {
					break
				}
				value = append(value, line)
			}
			entries[name] = strings.Join(value, "\n")
		default:
			return nil, errors.New("neither = nor <<")
		}
	}
	return entries, nil
}

func TestReadEntriesReadsBothFormsOfAnEntry(t *testing.T) {
	t.Parallel()
	got, err := readEntries("A=b<<c\n\nD<<E=F\nx\n\ny=1\nE=F\nG<<H\nH\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"A": "b<<c", "D": "x\n\ny=1", "G": ""}, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"A<<\n", "<<B\nB\n", "A<<B\nC\n", "A\n"} {
		if got, err := readEntries(bad); err == nil {
			t.Errorf("readEntries(%q) = %q, want an error", bad, got)
		}
	}
}

func TestEntriesReachTheRunnerUnchanged(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"PLAIN":     "https://goproxy.example.test|direct",
		"EMPTY":     "",
		"LINES":     "a\nb\n\nc",
		"TRAILING":  "a\n",
		"NEWLINES":  "\n\n",
		"CARRIAGE":  "a\r\nb\r",
		"HEREDOC":   "X<<EOF\nevil\nEOF\nGOPROXY=https://evil.example.test",
		"DELIMITER": "x\n_GitHubActionsFileCommandDelimeter_\nEVIL=1",
		"COMMAND":   "::set-env name=A::b\n##[add-path]/evil",
		"UNICODE":   "\ufeffmödul ✓",
		"SPACES":    "  both ends  ",
	}
	files := newRunnerFiles(t)
	f := &fileCommands{files.getenv, rand.Reader}
	for _, file := range []string{envFile, outputFile, stateFile} {
		for name, value := range values {
			if err := f.set(file, name, value); err != nil {
				t.Errorf("%s in %s: %v", name, file, err)
			}
		}
		got, err := readEntries(files.content(t, file))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(values, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func TestValuesThatAreNoTextAreErrors(t *testing.T) {
	t.Parallel()
	files := newRunnerFiles(t)
	f := &fileCommands{files.getenv, rand.Reader}
	for _, value := range []string{"a\x00b", "\xff"} {
		if err := f.set(envFile, "A", value); err == nil {
			t.Errorf("%q is no error", value)
		}
	}
	if got := files.content(t, "GITHUB_ENV"); got != "" {
		t.Errorf("GITHUB_ENV = %q, want nothing", got)
	}
}

func TestDelimiterIsNeverPartOfTheValue(t *testing.T) {
	t.Parallel()
	files := newRunnerFiles(t)
	foreseen := "modferry_" + strings.Repeat("41", 16)
	// The first 16 bytes make the foreseen delimiter, the next another one.
	f := &fileCommands{files.getenv, strings.NewReader(strings.Repeat("A", 16) + strings.Repeat("B", 16))}
	value := "a\n" + foreseen + "\nEVIL=1"
	if err := f.set(envFile, "A", value); err != nil {
		t.Fatal(err)
	}
	got, err := readEntries(files.content(t, "GITHUB_ENV"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"A": value}, got); diff != "" {
		t.Error(diff)
	}
	for name, random := range map[string]io.Reader{
		"a source that repeats itself": bytes.NewReader(bytes.Repeat([]byte("A"), 1000)),
		"a source that ends":           strings.NewReader("short"),
	} {
		before := files.content(t, "GITHUB_ENV")
		if err := (&fileCommands{files.getenv, random}).set(envFile, "B", foreseen); err == nil {
			t.Errorf("%s: no error", name)
		}
		if after := files.content(t, "GITHUB_ENV"); after != before {
			t.Errorf("%s: the file has changed to %q", name, after)
		}
	}
}

func TestFilesThatCannotBeWrittenAreErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, file := range map[string]string{
		"no variable":    "",
		"no such file":   filepath.Join(dir, "absent"),
		"no such folder": filepath.Join(dir, "absent", "file"),
		"a directory":    dir,
	} {
		f := &fileCommands{func(string) string { return file }, rand.Reader}
		for what, err := range map[string]error{
			envFile: f.set(envFile, "A", "x"), outputFile: f.set(outputFile, "a", "x"), stateFile: f.set(stateFile, "a", "x"), "summary": f.appendSummary("x"),
		} {
			if err == nil {
				t.Errorf("%s: %s is no error", name, what)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "absent")); err == nil {
		t.Error("a file that the runner had not made was created")
	}
}

func TestSummaryIsAppendedUpToItsLimit(t *testing.T) {
	t.Parallel()
	files := newRunnerFiles(t)
	f := &fileCommands{files.getenv, rand.Reader}
	for _, text := range []string{"# one", "", "two\n"} {
		if err := f.appendSummary(text); err != nil {
			t.Fatal(err)
		}
	}
	const want = "# one\ntwo\n"
	if err := f.appendSummary(strings.Repeat("x", 1<<20-len(want))); err == nil {
		t.Error("a summary of more than 1 MiB is no error")
	}
	if got := files.content(t, "GITHUB_STEP_SUMMARY"); got != want {
		t.Errorf("summary = %q, want %q", got, want)
	}
	if err := f.appendSummary(strings.Repeat("x", 1<<20-len(want)-1)); err != nil {
		t.Errorf("a summary of 1 MiB: %v", err)
	}
}

func FuzzFileCommands(f *testing.F) {
	f.Add("https://a.example.test,direct", "x\nGOPROXY=https://evil.example.test")
	f.Add("EOF\n", "\r\n")
	f.Add("modferry_00000000000000000000000000000000\nA=b", "<<")
	f.Fuzz(func(t *testing.T, one, two string) {
		files := newRunnerFiles(t)
		c := &fileCommands{files.getenv, rand.Reader}
		for _, file := range []string{envFile, outputFile} {
			want := map[string]string{}
			for _, e := range []struct{ name, value string }{{"before", one}, {"name", two}, {"after", one}} {
				if err := c.set(file, e.name, e.value); err == nil {
					want[e.name] = e.value
				} else if utf8.ValidString(e.value) && !strings.Contains(e.value, "\x00") {
					t.Fatal(err)
				}
			}
			got, err := readEntries(files.content(t, file))
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(want, got) {
				t.Fatalf("%s: the runner reads %q, want %q", file, got, want)
			}
			for n := range got {
				if file == "GITHUB_ENV" && (strings.HasPrefix(n, "GITHUB_") || n == "NODE_OPTIONS") {
					t.Fatalf("the name %q got through", n)
				}
			}
		}
	})
}
