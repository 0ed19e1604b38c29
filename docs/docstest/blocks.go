// Package docstest reads the examples of the documents, for the tests that run
// them.
package docstest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Block is a fenced block of a document.
type Block struct {
	// ID is the document, the anchor of the heading above the block, and the
	// language: "docs/env.md#shells sh"; with a number behind it from the second
	// of a language below one heading on.
	ID   string
	Lang string // "text" for a fence that names none
	Text string // without the indentation of the fence
	Line int    // of the fence, from 1 on
}

// Pages are the documents, slash-separated, relative to the root of the
// repository.
func Pages(tb testing.TB) []string {
	tb.Helper()
	root := Root(tb)
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "action/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			tb.Fatal(err)
		}
		for _, name := range found {
			rel, err := filepath.Rel(root, name)
			if err != nil {
				tb.Fatal(err)
			}
			pages = append(pages, filepath.ToSlash(rel))
		}
	}
	return pages
}

// Text is the text of one block.
func Text(tb testing.TB, id string) string {
	tb.Helper()
	page, _, _ := strings.Cut(id, "#")
	for _, b := range Blocks(tb, page) {
		if b.ID == id {
			return b.Text
		}
	}
	tb.Fatalf("the documents have no example %s", id)
	return ""
}

// Swap replaces what an example says by what there is here: each old text, which has to
// be in the example, by the new one that follows it.
func Swap(tb testing.TB, text string, pairs ...string) string {
	tb.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			tb.Fatalf("the example does not say %q any more:\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

var (
	fence   = regexp.MustCompile("^( *)```+([a-z]*)")
	heading = regexp.MustCompile(`^#+ +(.*)$`)
	linked  = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)
	outside = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// Anchor is what GitHub calls a heading in a link to it.
func Anchor(heading string) string {
	heading = linked.ReplaceAllString(heading, "$1")
	heading = outside.ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(heading, " ", "-")
}

// Blocks are the blocks of a document, from top to bottom.
func Blocks(tb testing.TB, page string) []Block {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(Root(tb), filepath.FromSlash(page)))
	if err != nil {
		tb.Fatal(err)
	}
	var (
		blocks []Block
		open   *Block
		indent string
		below  string
		seen   = map[string]int{}
		line   int
	)
	for text := range strings.Lines(string(data)) {
		line++
		m := fence.FindStringSubmatch(text)
		switch {
		case open != nil && m != nil && m[2] == "":
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.Text += strings.TrimPrefix(text, indent)
		case m != nil:
			open, indent = &Block{Lang: m[2], Line: line}, m[1]
			if open.Lang == "" {
				open.Lang = "text"
			}
			open.ID = page + "#" + below + " " + open.Lang
			if seen[open.ID]++; seen[open.ID] > 1 {
				open.ID += fmt.Sprintf(" %d", seen[open.ID])
			}
		default:
			if m := heading.FindStringSubmatch(strings.TrimRight(text, "\n")); m != nil {
				below = Anchor(m[1])
			}
		}
	}
	if open != nil {
		tb.Fatalf("%s:%d: the block has no end", page, open.Line)
	}
	return blocks
}

// Root is the root of the repository, which the working directory of a test is in.
func Root(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "docs", "docstest")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			tb.Fatal("found no directory docs/docstest above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}
