package worklist

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Fixtures are checkouts in the txtar format: "-- name --" lines, each
// followed by a file's content. In them h1:word stands for a valid hash made
// from the word, so that lines stay readable.

// checkout writes a fixture to a new directory.
func checkout(t testing.TB, archive string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range unpack(archive) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// unpack returns the files of a fixture.
func unpack(archive string) map[string]string {
	files := make(map[string]string)
	name := ""
	for line := range strings.Lines(archive) {
		marker := strings.TrimSpace(line)
		if inner, ok := strings.CutPrefix(marker, "-- "); ok && strings.HasSuffix(inner, " --") {
			name = strings.TrimSuffix(inner, " --")
			files[name] = ""
			continue
		}
		if name != "" {
			files[name] += shortHash.ReplaceAllStringFunc(line, longHash)
		}
	}
	return files
}

var shortHash = regexp.MustCompile(`\bh1:[a-z]+\s`)

// longHash returns the hash that h1:word stands for.
func longHash(short string) string {
	word := strings.TrimRight(short, " \t\r\n")
	sum := sha256.Sum256([]byte(word))
	return "h1:" + base64.StdEncoding.EncodeToString(sum[:]) + short[len(word):]
}

// lines renders modules, one a line: path, version, then for each file needed
// the line that states its hash, then what else is known.
func lines(modules []Module) string {
	var b strings.Builder
	at := func(what string, p Position) {
		if p != (Position{}) {
			fmt.Fprintf(&b, " %s=%s:%d", what, p.File, p.Line)
		}
	}
	for _, m := range modules {
		fmt.Fprintf(&b, "%s %s", m.Path, m.Version)
		at("zip", m.ZipSum)
		at("mod", m.ModSum)
		at("require", m.Require)
		at("replace", m.Replace)
		if m.Indirect {
			b.WriteString(" indirect")
		}
		if m.Optional {
			b.WriteString(" low")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// findings renders findings, one a line: check and place.
func findings(l *List) string {
	var b strings.Builder
	for _, f := range l.Findings {
		fmt.Fprintf(&b, "%s %s:%d\n", f.Check, f.File, f.Line)
	}
	return b.String()
}

// mains renders the main modules, one a line.
func mains(l *List) string {
	var b strings.Builder
	for _, m := range l.Mains {
		name := m.Path
		if m.Work {
			name = "workspace"
		}
		fmt.Fprintf(&b, "%s %s go=%s toolchain=%s\n", m.Dir, name, m.Go, m.Toolchain)
	}
	return b.String()
}

// loadCase is a checkout and what Load makes of it. Empty expectations mean
// that there is none of it, except for mains, which "" leaves unchecked.
type loadCase struct {
	name     string
	in       string // directory to load, relative to the checkout
	opts     Options
	files    string
	modules  string
	findings string
	mains    string
	vendored []string
}

func (c loadCase) run(t *testing.T) {
	t.Parallel()
	dir := checkout(t, c.files)
	l, err := Load(filepath.Join(dir, filepath.FromSlash(c.in)), c.opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []struct{ what, got, want string }{
		{"modules", lines(l.Modules), c.modules},
		{"findings", findings(l), c.findings},
	} {
		if diff := cmp.Diff(trim(part.want), part.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", part.what, diff)
		}
	}
	if c.mains != "" {
		if diff := cmp.Diff(trim(c.mains), mains(l)); diff != "" {
			t.Errorf("mains (-want +got):\n%s", diff)
		}
	}
	if diff := cmp.Diff(c.vendored, l.Vendored); diff != "" {
		t.Errorf("vendored (-want +got):\n%s", diff)
	}
	for _, f := range l.Findings {
		if f.Severity == "" || !strings.HasSuffix(f.Effect, ".") || f.Fix == "" || strings.Contains(f.Effect, dir) {
			t.Errorf("finding %+v", f)
		}
	}
	checkPositions(t, l)
}

// trim removes the indentation that expectations have in Go source.
func trim(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// checkPositions holds every go.sum position against the file: the line must
// state that hash for that module.
func checkPositions(t testing.TB, l *List) {
	t.Helper()
	files := make(map[string][]string)
	check := func(p Position, want ...string) {
		if p == (Position{}) {
			return
		}
		if files[p.File] == nil {
			data, err := os.ReadFile(filepath.Join(l.Root, filepath.FromSlash(p.File)))
			if err != nil {
				t.Error(err)
				return
			}
			files[p.File] = strings.Split(string(data), "\n")
		}
		if p.Line < 1 || p.Line > len(files[p.File]) {
			t.Errorf("%s has no line %d", p.File, p.Line)
			return
		}
		if diff := cmp.Diff(want, strings.Fields(files[p.File][p.Line-1])); diff != "" {
			t.Errorf("%s:%d (-want +got):\n%s", p.File, p.Line, diff)
		}
	}
	for _, m := range l.Modules {
		if (m.Zip == "") != (m.ZipSum == Position{}) || (m.Mod == "") != (m.ModSum == Position{}) {
			t.Errorf("%s %s: hash without position or position without hash", m.Path, m.Version)
		}
		check(m.ZipSum, m.Path, m.Version, m.Zip)
		check(m.ModSum, m.Path, m.Version+"/go.mod", m.Mod)
	}
}

// errorCase is a checkout that Load refuses, and the message.
type errorCase struct {
	name  string
	in    string
	opts  Options
	files string
	want  string // regular expression for the whole message
}

func (c errorCase) run(t *testing.T) {
	t.Parallel()
	dir := checkout(t, c.files)
	l, err := Load(filepath.Join(dir, filepath.FromSlash(c.in)), c.opts)
	if err == nil {
		t.Fatalf("no error, but %d modules", len(l.Modules))
	}
	if l != nil {
		t.Error("a list besides the error")
	}
	var input *InputError
	if !errors.As(err, &input) {
		t.Fatalf("%T, want *InputError: %v", err, err)
	}
	if input.Found == "" || input.Expected == "" || input.Remedy == "" {
		t.Errorf("incomplete: %+v", input)
	}
	got := strings.ReplaceAll(err.Error(), filepath.ToSlash(dir), "DIR")
	if !regexp.MustCompile(`\A(?:` + c.want + `)\z`).MatchString(got) {
		t.Errorf("message\n\t%s\nwant\n\t%s", got, c.want)
	}
}
