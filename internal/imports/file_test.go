package imports_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/modferry/modferry/internal/imports"
)

// headers are files that builds read, with their imports.
var headers = []struct {
	name, text string
	want       []string
}{
	{"no imports", "package p\n", nil},
	{"one", "package p\nimport \"a\"\n", []string{"a"}},
	{"group", "package p\nimport (\n\t\"a\"\n\tb \"b/c\"\n\t. \"d\"\n\t_ \"e\"\n)\n", []string{"a", "b/c", "d", "e"}},
	{"groups and lines", "package p\nimport (\"a\"; \"b\")\nimport \"c\"\nimport ()\nimport (\n\"d\")\nvar x int", []string{"a", "b", "c", "d"}},
	{"semicolons", "package p;import \"a\";import b \"b\";", []string{"a", "b"}},
	{"as little room as can be", "package p;import\"a\";import(\"b\";.\"c\";_\"d\");import.\"e\"", []string{"a", "b", "c", "d", "e"}},
	{"raw", "package p\nimport `a/b`\nimport x `c`", []string{"a/b", "c"}},
	{"raw with carriage returns", "package p\r\nimport `a\r/b`\r\n", []string{"a/b"}},
	{"escapes", `package p; import "\x61/b\u0063\""` + "\n", []string{`a/bc"`}},
	{"comments", "// package no\n/* import \"no\" */ package /**/ p // import \"no\"\nimport /* \"no\" */ \"a\" // \"no\"\nimport ( // \"no\"\n\"b\" /* \"no\"\n*/\n/***/)\n", []string{"a", "b"}},
	{"import comment", "package p // import \"example.test/p\"\n\nimport \"a\"\n", []string{"a"}},
	{"byte order mark", "\xef\xbb\xbfpackage p\nimport \"a\"\n", []string{"a"}},
	{"byte order mark and constraint", "\xef\xbb\xbf//go:build ignore\n\npackage p\nimport \"a\"\n", []string{"a"}},
	{"cgo", "package p\n\n// #include <a.h>\nimport \"C\"\nimport \"a\"\n", []string{"C", "a"}},
	{"unicode name", "package p\nimport é \"a\"\n", []string{"a"}},
	{"named import", "package p\nimport imports \"a\"\nimport package_ \"b\"\n", []string{"a", "b"}},
	{"not an import", "package p\nimport \"a\"\nvar importx = `\nimport \"no\"`\n", []string{"a"}},
	{"a word that begins as import", "package p\nimport \"a\"\nfunc important() {}\n", []string{"a"}},
	{"in a string", "package p\nconst s = `\nimport \"no\"\n`\n", nil},
	{"end of file in the middle", "package p\nimport \"a\"", []string{"a"}},
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, tt := range headers {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := imports.Read("p.go", iotest.OneByteReader(strings.NewReader(tt.text)))
			if err != nil || !slices.Equal(f.Imports, tt.want) {
				t.Errorf("got %q, %v; want %q", f.Imports, err, tt.want)
			}
		})
	}
}

// The buffer that a file is read into may end anywhere in its header.
func TestReadWhereverTheBufferEnds(t *testing.T) {
	t.Parallel()
	const buffer = 8 << 10
	for _, tt := range headers {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mark := ""
			text, ok := strings.CutPrefix(tt.text, "\xef\xbb\xbf")
			if ok {
				mark = tt.text[:3]
			}
			for cut := range len(text) + 1 {
				long := mark + "//" + strings.Repeat("x", buffer-len(mark)-cut-3) + "\n" + text
				f, err := imports.Read("p.go", strings.NewReader(long+"\n\nvar y int\n"+strings.Repeat("// more\n", 3*buffer/8)))
				if err != nil || !slices.Equal(f.Imports, tt.want) {
					t.Errorf("after %q: got %q, %v; want %q", text[:cut], f.Imports, err, tt.want)
				}
			}
		})
	}
}

func TestReadStopsAtTheFirstDeclaration(t *testing.T) {
	t.Parallel()
	r := strings.NewReader("package p\nimport \"a\"\nvar x int\n" + strings.Repeat("// more\n", 1<<14))
	all := r.Len()
	if _, err := imports.Read("p.go", r); err != nil || all-r.Len() > 8<<10 {
		t.Errorf("read %d bytes, %v", all-r.Len(), err)
	}
	long := "package p\nimport (\n" + strings.Repeat("\t\"a/b/c/d/e/f/g\"\n", 5000) + ")\n"
	if f, err := imports.Read("p.go", strings.NewReader(long)); err != nil || len(f.Imports) != 5000 {
		t.Errorf("%d imports, %v; want 5000", len(f.Imports), err)
	}
}

// Nobody's file is read without end: of an endless comment no more than a few
// megabytes.
func TestReadIsBounded(t *testing.T) {
	t.Parallel()
	n := &counter{}
	f, err := imports.Read("p.go", io.MultiReader(strings.NewReader("package p\nimport \"a\"\n/*"), n))
	if err != nil || !slices.Equal(f.Imports, []string{"a"}) || n.n > 16<<20 {
		t.Errorf("%d bytes: %q, %v", n.n, f.Imports, err)
	}
}

// counter is endless and counts what is read of it.
type counter struct{ n int }

func (c *counter) Read(p []byte) (int, error) {
	clear(p)
	c.n += len(p)
	return len(p), nil
}

func TestReadOfWhatIsNoGo(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "\n", "package", "package ", "import \"a\"", "\x00\x01", "{}", "//", "/*", "\xef\xbb\xbf", "packages p\nimport \"a\"",
		"package p\nimport", "package p\nimport \"", "package p\nimport \"a\nb\"", "package p\nimport `a", "package p\nimport (", "package p\nimport 1",
		"package p\nimport \"\\q\"", "package p\nimport x y \"a\"", "package p\nimport (\"a\nimport \"b\"", "package p\nimport \"a\\",
	} {
		if f, err := imports.Read("p.go", strings.NewReader(text)); err != nil || len(f.Imports) != 0 {
			t.Errorf("%q: %q, %v", text, f.Imports, err)
		}
	}
}

func TestReadTellsTheErrorOfTheReader(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	if _, err := imports.Read("p.go", io.MultiReader(strings.NewReader("package p\nimport \"a\"\n"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestIsGo(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"a.go": true, "a_test.go": true, "_a.go": false, ".a.go": false, ".go": false, "a.s": false, "go": false, "a.go.txt": false} {
		if got := imports.IsGo(name); got != want {
			t.Errorf("IsGo(%q) = %t", name, got)
		}
	}
}
