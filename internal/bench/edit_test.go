package main

import (
	"errors"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEditChangesTheProgramInEveryPackageAndCanBeUndone(t *testing.T) {
	t.Parallel()
	c := &checkout{dir: t.TempDir()}
	files := map[string]string{
		"a.go":            "package a // no newline",
		"b.go":            "package a\n",
		"a_test.go":       "package a\n",
		"c/c.go":          "package c\n",
		"c/testdata/d.go": "package d\n",
		"readme.txt":      "package\n",
	}
	past := time.Unix(1e9, 0)
	for name, text := range files {
		name = filepath.Join(c.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644), os.Chtimes(name, past, past)); err != nil {
			t.Fatal(err)
		}
	}
	read := func() map[string]string {
		got := map[string]string{}
		for name := range files {
			data, err := os.ReadFile(filepath.Join(c.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			got[name] = string(data)
		}
		return got
	}
	undo, err := c.edit()
	if err != nil {
		t.Fatal(err)
	}
	added := map[string]bool{}
	for name, text := range read() {
		changed := name == "a.go" || name == "b.go" || name == "c/c.go"
		if (text != files[name]) != changed {
			t.Errorf("%s: got %q", name, text)
			continue
		}
		if !changed {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil || len(file.Decls) != 1 {
			t.Errorf("%s: got %q (%v), expected one function", name, text, err)
		}
		added[text[len(files[name]):len(files[name])+len("\nfunc modferryBench1")]] = true
	}
	if len(added) != 3 {
		t.Errorf("got the functions %v, expected three names", added)
	}
	if err := undo(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files, read()); diff != "" {
		t.Errorf("after undo: %s", diff)
	}
	if err := c.touch(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(c.dir, "readme.txt")); err != nil || !info.ModTime().After(past) {
		t.Errorf("touch left the time %v (%v)", info.ModTime(), err)
	}
}
