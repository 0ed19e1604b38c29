package imports_test

import (
	"bytes"
	"fmt"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/imports"
)

// contexts are the ways to build that are compared with go/build.
var contexts = []imports.Context{
	{GOOS: "linux", GOARCH: "amd64", Cgo: true, Go: 26},
	{GOOS: "linux", GOARCH: "arm64", Go: 17, Tags: []string{"tools", "ignore"}},
	{GOOS: "windows", GOARCH: "386", Go: 26, Tags: []string{"linux", "unix", "cgo", "amd64"}},
	{GOOS: "darwin", GOARCH: "arm64", Cgo: true, Go: 21},
	{GOOS: "android", GOARCH: "arm", Go: 26},
	{GOOS: "ios", GOARCH: "arm64", Cgo: true, Go: 26},
	{GOOS: "illumos", GOARCH: "amd64", Go: 26},
	{GOOS: "js", GOARCH: "wasm", Go: 26, Tags: []string{"go1.99", "x.y"}},
	{GOOS: "freebsd", GOARCH: "riscv64", Go: 1},
	{GOOS: "plan9", GOARCH: "amd64", Go: 26},
}

// goBuild is the context for go/build, which opens what open does.
func goBuild(x imports.Context, open func(string) (io.ReadCloser, error)) *build.Context {
	return &build.Context{GOOS: x.GOOS, GOARCH: x.GOARCH, CgoEnabled: x.Cgo, Compiler: "gc", BuildTags: x.Tags, ReleaseTags: releases[:x.Go], OpenFile: open}
}

var releases = func() (tags []string) {
	for n := range 26 {
		tags = append(tags, fmt.Sprintf("go1.%d", n+1))
	}
	return tags
}()

// differs compares a file with what go/build and go/parser say of it. As for the go
// command, and unlike for MatchFile, a file with import "C" needs cgo (go/build:
// Import; cmd/go/internal/imports: scanFiles).
func differs(name string, data []byte) string {
	f, err := imports.Read(name, bytes.NewReader(data))
	if err != nil {
		return err.Error()
	}
	if f.Test != strings.HasSuffix(name, "_test.go") {
		return fmt.Sprintf("Test is %t", f.Test)
	}
	whole, err := parser.ParseFile(token.NewFileSet(), name, data, parser.SkipObjectResolution)
	if err != nil {
		return "" // the go command refuses it
	}
	var want []string
	for _, s := range whole.Imports {
		path, err := strconv.Unquote(s.Path.Value)
		if err != nil {
			return err.Error()
		}
		want = append(want, path)
	}
	if !slices.Equal(f.Imports, want) {
		return fmt.Sprintf("imports %q, go/parser has %q", f.Imports, want)
	}
	for _, x := range contexts {
		c := goBuild(x, func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
		want, err := c.MatchFile("", name)
		want = want && err == nil && (x.Cgo || !slices.Contains(f.Imports, "C")) // the error is of the constraint
		if got := f.Builds(x); got != want && imports.IsGo(name) {
			return fmt.Sprintf("builds in %+v: %t, go/build says %t, %v", x, got, want, err)
		}
	}
	return ""
}

func TestFileNamesAreAsForGoBuild(t *testing.T) {
	t.Parallel()
	parts := []string{"", "a", "test", "linux", "windows", "android", "unix", "amd64", "arm64", "386", "wasm", "js", "ios", "darwin", "solaris", "zos", "nacl", "ppc", "cgo"}
	for _, a := range parts {
		for _, b := range parts {
			for _, c := range []string{"", "_test", ".x_linux"} {
				for _, name := range []string{a + "_" + b + c + ".go", "x_" + a + "_" + b + c + ".go"} {
					if d := differs(name, []byte("package p\n")); d != "" {
						t.Errorf("%s: %s", name, d)
					}
				}
			}
		}
	}
}

func TestConstraintsAreAsForGoBuild(t *testing.T) {
	t.Parallel()
	var heads []string
	for _, tag := range []string{
		"linux", "windows", "darwin", "ios", "solaris", "android", "unix", "cgo", "gc", "gccgo", "amd64", "arm64", "ignore", "tools", "race", "x.y",
		"go1.1", "go1.17", "go1.21", "go1.26", "go1.27", "go1.99", "go1", "go1.", "go1.01", "go1.x", "go2.1", "go1.21.3", "amd64.v2",
	} {
		heads = append(heads, "//go:build "+tag+"\n", "//go:build !"+tag+"\n\n", "// +build "+tag+"\n\n", "// +build !"+tag+" linux,cgo\n\n")
	}
	lines := []string{"//go:build linux", "//go:build !linux", "//go:build", "//go:build (", "//go:build a b", "//go:buildlinux", " //go:build linux && cgo || windows && !(386 || arm)", "//\tgo:build linux",
		"// +build linux", "// +build !linux", "//+build ignore", "// +build", "// +build !!x", "//  +build windows darwin", "// +builds no", "// text", "", "/* text */", "/*\n//go:build ignore\n// +build ignore\n*/", "/* a */ /* b", "// +build ignore */ // x", "*/"}
	for _, a := range lines {
		for _, b := range lines {
			heads = append(heads, a+"\n"+b+"\n", a+"\n\n"+b+"\r\n\r\n", a+"\r\n"+b+"\n// more\n\n")
		}
	}
	for _, head := range heads {
		for _, text := range []string{head + "package p\n", "\xef\xbb\xbf" + head + "package p // +build ignore\n\n//go:build ignore\n\nimport \"C\"\n"} {
			if d := differs("p.go", []byte(text)); d != "" {
				t.Errorf("%q: %s", text, d)
			}
		}
	}
}

// MODFERRY_GOROOT_FILES is how many files of the standard library are compared, 300
// if it is not set.
func TestGOROOTIsAsForGoBuild(t *testing.T) {
	t.Parallel()
	most := 300
	if s := os.Getenv("MODFERRY_GOROOT_FILES"); s != "" {
		var err error
		if most, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	var all []string
	err := filepath.WalkDir(filepath.Join(build.Default.GOROOT, "src"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(name, ".go") {
			all = append(all, name)
		}
		return err
	})
	if err != nil || len(all) == 0 {
		t.Skipf("no GOROOT here: %v", err)
	}
	step := max(1, len(all)/most)
	for i := 0; i < len(all); i += step {
		data, err := os.ReadFile(all[i])
		if err != nil {
			t.Fatal(err)
		}
		if d := differs(filepath.Base(all[i]), data); d != "" {
			t.Errorf("%s: %s", all[i], d)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, h := range headers {
		f.Add("a_linux_test.go", []byte(h.text))
		f.Add("a.go", []byte("//go:build linux && !cgo\n\n"+h.text))
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if strings.ContainsAny(name, "/\\\x00") || !imports.IsGo("a"+name) {
			t.Skip("no file of a package")
		}
		if d := differs("a"+name, data); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	})
}
