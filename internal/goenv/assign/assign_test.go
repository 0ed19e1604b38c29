package assign_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/goenv/assign"
	"github.com/modferry/modferry/internal/goenv/assign/assigntest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// noise is a random source that anybody could foresee.
func noise() io.Reader { return bytes.NewReader(bytes.Repeat([]byte("0123456789abcdef"), 100)) }

func format(t *testing.T, name string) assign.Format {
	t.Helper()
	for _, f := range assign.Formats() {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no format %s", name)
	return assign.Format{}
}

// written is what each format can hold.
func written(name string) []assign.Variable {
	lines, dollars := assigntest.Lines(), assigntest.Dollars()
	switch name {
	case "dotenv", "vscode":
		return lines
	case "dockerfile":
		return append(lines, dollars...)
	}
	return assigntest.All()
}

// Whether programs read these texts as they are meant is for the end-to-end
// tests, which have the programs.
func TestFormatsAreWrittenAsTheGoldenFilesShow(t *testing.T) {
	t.Parallel()
	for _, f := range assign.Formats() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			got, err := f.Text(written(f.Name), noise())
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", f.Name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestWhatAFormatCannotHoldIsAnError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, format, value string
		want                string
	}{
		{"NUL", "sh", "a\x00s3cr3t", "set variable A: found a value that is not text, expected UTF-8 without NUL"},
		{"no UTF-8", "json", "\xffs3cr3t", "set variable A: found a value that is not text, expected UTF-8 without NUL"},
		{"a line feed in dotenv", "dotenv", "s3cr3t\nEVIL=1", "A as dotenv: found the control character U+000A, expected one line of text; take it out of the value"},
		{"a carriage return in dotenv", "dotenv", "s3cr3t\r", "A as dotenv: found the control character U+000D, expected one line of text; take it out of the value"},
		{"a blank before in dotenv", "dotenv", " s3cr3t", "A as dotenv: found a blank at an end of the value, which GitLab cuts off; take it out of the value"},
		{"a blank behind in dotenv", "dotenv", "s3cr3t ", "A as dotenv: found a blank at an end of the value, which GitLab cuts off; take it out of the value"},
		{"a reference in dotenv", "dotenv", "s3cr3t$CI_JOB_TOKEN", "A as dotenv: found a $, which GitLab takes for a reference to another variable; write %24 in its place in a URL"},
		{"too much for GitLab", "dotenv", strings.Repeat("s3cr3t", 900), "dotenv: found 5403 bytes, expected fewer than 5120, which is what GitLab takes; shorten the values"},
		{"a line feed in a Dockerfile", "dockerfile", "s3cr3t\nRUN evil", "A as dockerfile: found the control character U+000A, expected one line of text; take it out of the value"},
		{"a reference in VS Code", "vscode", "s3cr3t${env:PATH}", "A as vscode: found ${, which the Go extension takes for a reference; write %24{ in its place in a URL"},
		{"a home directory in VS Code", "vscode", "~s3cr3t", "A as vscode: found a ~ at the start, which the Go extension takes for the home directory; write the directory out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			good := assign.Variable{Name: "GOOD", Value: "x"}
			text, err := format(t, tt.format).Text([]assign.Variable{good, {Name: "A", Value: tt.value}}, noise())
			// The limit counts the whole text.
			if tt.name == "too much for GitLab" {
				text, err = format(t, tt.format).Text([]assign.Variable{{Name: "A", Value: tt.value}}, noise())
			}
			if err == nil || err.Error() != tt.want {
				t.Errorf("got the error %v\nwant %s", err, tt.want)
			}
			if text != "" {
				t.Errorf("got the text %q, too", text)
			}
		})
	}
}

func TestNamesThatAreNoneAreErrors(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "1A", "A B", "A=B", "A;B", "A$B", "A-B", "A\nB", "Ä"} {
		for _, f := range assign.Formats() {
			if text, err := f.Text([]assign.Variable{{Name: name, Value: "x"}}, noise()); err == nil || text != "" {
				t.Errorf("%s takes the name %q: %q", f.Name, name, text)
			}
		}
	}
}

func TestARandomSourceThatFailsIsAnError(t *testing.T) {
	t.Parallel()
	if text, err := format(t, "github").Text(assigntest.All(), strings.NewReader("short")); err == nil || text != "" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestNothingToSetIsNoText(t *testing.T) {
	t.Parallel()
	want := map[string]string{"json": "{}\n", "vscode": "{\n  \"go.toolsEnvVars\": {}\n}\n"}
	for _, f := range assign.Formats() {
		if text, err := f.Text(nil, noise()); err != nil || text != want[f.Name] {
			t.Errorf("%s: got %q, %v", f.Name, text, err)
		}
	}
}

// readers read a text by the rules that the reading program documents.
var readers = map[string]func(string) (map[string]string, error){
	"powershell": readPowerShell,
	"dotenv":     readGitLab,
	"json": func(text string) (map[string]string, error) {
		var out map[string]string
		return out, json.Unmarshal([]byte(text), &out)
	},
	"vscode": func(text string) (map[string]string, error) {
		var out map[string]map[string]string
		err := json.Unmarshal([]byte(text), &out)
		return out["go.toolsEnvVars"], err
	},
}

func TestReadersGetTheValuesBack(t *testing.T) {
	t.Parallel()
	for name, read := range readers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := map[string]string{}
			for _, v := range written(name) {
				want[v.Name] = v.Value
			}
			text, err := format(t, name).Text(written(name), noise())
			if err != nil {
				t.Fatal(err)
			}
			got, err := read(text)
			if err != nil {
				t.Fatalf("%v in\n%s", err, text)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// readPowerShell reads assignments of verbatim strings by PowerShell's grammar
// (language specification, 2.3.5.2): any of five characters is a single quote,
// two of them in a row stand for the second one, one alone ends the string.
// PowerShell itself cannot be had everywhere.
func readPowerShell(text string) (map[string]string, error) {
	isQuote := func(r rune) bool { return strings.ContainsRune("'‘’‚‛", r) }
	out := map[string]string{}
	in := []rune(text)
	for len(in) > 0 {
		statement := string(in)
		rest, ok := strings.CutPrefix(statement, "$env:")
		name, rest, ok2 := strings.Cut(rest, " = ")
		in = []rune(rest)
		if !ok || !ok2 || len(in) == 0 || !isQuote(in[0]) {
			return nil, fmt.Errorf("no assignment: %.40q", statement)
		}
		var value []rune
		i := 1
		for ; ; i++ {
			if i == len(in) {
				return nil, fmt.Errorf("%s: the string does not end", name)
			}
			if isQuote(in[i]) {
				if i++; i == len(in) || !isQuote(in[i]) {
					break
				}
			}
			value = append(value, in[i])
		}
		if i == len(in) || in[i] != '\n' {
			return nil, fmt.Errorf("%s: something follows the string", name)
		}
		out[name], in = string(value), in[i+1:]
	}
	return out, nil
}

// readGitLab reads a dotenv report as GitLab does (scan_line! of
// app/services/ci/parse_dotenv_artifact_service.rb): cut at the first "=", both
// sides stripped of blanks; a line without "=" is an invalid file.
func readGitLab(text string) (map[string]string, error) {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok {
			return nil, fmt.Errorf("line %q has no equals sign", line)
		}
		out[strings.Trim(name, "\t\v\f\r ")] = strings.Trim(value, "\t\v\f\r ")
	}
	return out, nil
}

func FuzzReaders(f *testing.F) {
	for _, v := range assigntest.All() {
		f.Add(v.Value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for name, read := range readers {
			text, err := format(t, name).Text([]assign.Variable{{Name: "A", Value: value}, {Name: "B", Value: "x"}}, noise())
			if err != nil {
				continue
			}
			got, err := read(text)
			if diff := cmp.Diff(map[string]string{"A": value, "B": "x"}, got); err != nil || diff != "" {
				t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
			}
		}
	})
}
