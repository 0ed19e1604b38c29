package markdown_test

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report/markdown"
)

// evilMarkdown are texts that mean something to Markdown or to GitHub.
var evilMarkdown = []string{
	"[FORGED](https://evil.example.test)", "![FORGED](https://evil.example.test/x.png)", "[FORGED]: https://evil.example.test",
	"<https://evil.example.test>", "https://evil.example.test", "a www.evil.example.test b", "mailto:a@evil.example.test", "a@evil.example.test",
	"<img src=x onerror=alert(1)>", "</details></summary><script>", "<!-- FORGED", "&lt;b&gt; &#64;octocat &colon;",
	"@octocat", "(@octo-org/team)", "#1", "octo/repo#12", "GH-7 gh-8", "a5c3785ed8d6a35868bc169f07e40e889087fd2e", "see a5c3785.", "v0.0.0-20191109021931-daa7c04131f5",
	":smile:", ":+1: ::smile::", "$x$ $$y$$ $`z`$", "[^1]",
	"# FORGED", "### FORGED ###", "FORGED\nNEWLINE\n===", "===", "---", "- FORGED", "+ FORGED", "* FORGED", "- [ ] FORGED", "1. FORGED", "1234567) FORGED", "12) FORGED", "> [!NOTE] FORGED",
	"***", "_ _ _", "**FORGED** __FORGED__ ~~FORGED~~", "`FORGED`", "```", "~~~", "````FORGED", "a`", "`a",
	"| FORGED | FORGED |", "|---|", `\| a`, `a\`, `\`, `\\|\`, `\*a\*`, `\<b>`, "a || b",
	"::error::FORGED", "##[error]FORGED", "\r\n::error::FORGED\n# FORGED\n\nNEWLINE\rNEWLINE", "    FORGED", "\tFORGED", "\u202eFORGED\u2028NEWLINE\x00\xff",
	"", " ", ":", "@", "#", "$", "www.", "gh-", "\u00a0", "é@é",
}

func TestEscapedTextStaysReadable(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"a sentence", "34 files could not be obtained", "34 files could not be obtained"},
		{"a module", "golang.org/x/net@v0.30.0", "golang.org/x/net@<wbr>v0.30.0"},
		{"a URL", "get https://goproxy.example.test: gone", "get https:<wbr>//goproxy.example.test: gone"},
		{"a link", "[a](b)", `\[a\](b)`},
		{"HTML", "<b>&amp;", "&lt;b&gt;&amp;amp;"},
		{"the cell of a table", `a | b \| c`, "a &#124; b &#92;&#124; c"},
		{"code", "`a`", "&#96;a&#96;"},
		{"emphasis", "*a* _b_ ~c~", `\*a\* \_b\_ \~c\~`},
		{"a heading", "# a", `\#<wbr> a`},
		{"a list", "- a", `\- a`},
		{"a dash within", "a - b", "a - b"},
		{"a numbered list", "1. a", `1\. a`},
		{"a number", "1.5 MB", `1\.5 MB`},
		{"an issue", "o/r#1 GH-2", `o/r\#<wbr>1 GH-<wbr>2`},
		{"a commit", "at a5c3785ed8d6a3!", "at a5c378<wbr>5ed8d6<wbr>a3!"},
		{"a short number", "port 443, 123456 B", "port 443, 123456 B"},
		{"emoji", ":smile: a", ":<wbr>smile: a"},
		{"a formula", "$a$", "<span>&#36;</span>a<span>&#36;</span>"},
		{"a host", "WWW.a", "WWW<wbr>.a"},
		{"a workflow command", "::error::a", ": :<wbr>error:<wbr>:<wbr>a"},
		{"a password", "https://u:s3cret@h.example.test", "https:<wbr>//u:<wbr>xxxxx@<wbr>h.example.test"},
		{"lines", "a\n# b", `a \#<wbr> b`},
	}
	for _, tt := range tests {
		if got := markdown.Escape(tt.in); got != tt.want {
			t.Errorf("%s: EscapeMarkdown(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestEscapedMarkdownIsText(t *testing.T) {
	t.Parallel()
	for _, evil := range evilMarkdown {
		for _, s := range []string{evil, "a " + evil, evil + " b", evil + evil} {
			if why := notText(s, markdown.Escape(s)); why != "" {
				t.Errorf("EscapeMarkdown(%q) = %q %s", s, markdown.Escape(s), why)
			}
		}
	}
}

func FuzzEscapeMarkdown(f *testing.F) {
	for _, s := range evilMarkdown {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if why := notText(s, markdown.Escape(s)); why != "" {
			t.Errorf("EscapeMarkdown(%q) = %q %s", s, markdown.Escape(s), why)
		}
	})
}

var (
	// ours are the only tags that escaping writes.
	ours = regexp.MustCompile(`</?(?:wbr|span)>`)
	// special are the characters that Markdown reads anywhere in a line, where
	// no backslash stands before them.
	special = regexp.MustCompile("(?:^|[^\\\\])[][*_~`|<>$]")
	// starts are beginnings of lines that make them something else than text.
	starts = regexp.MustCompile("^(?:#|[-+=>*]|[0-9]+[.)]|```|~~~|::| )")
	// found is what GitHub looks for in text after Markdown.
	found = regexp.MustCompile(`@[A-Za-z0-9]|#[0-9]|\b[Gg][Hh]-[0-9]|:[A-Za-z0-9_+-]+:|(?i:(?:https?|ftp|mailto|xmpp):(?://|[a-z]))|(?i:www\.\S)|\b[0-9a-fA-F]{7,40}\b|[^\s]@[^\s]|\$[^$]+\$`)
)

// notText says why escaped text is shown otherwise than as the text s.
func notText(s, escaped string) string {
	switch {
	case strings.ContainsFunc(escaped, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "has an unprintable character"
	case starts.MatchString(escaped):
		return "begins like a block"
	case strings.Contains(escaped, "##"):
		return "has two # in a row"
	}
	shown := ""
	for _, node := range ours.Split(escaped, -1) {
		if special.MatchString(node) {
			return "is read as Markdown"
		}
		node = textOf(node)
		if what := found.FindString(node); what != "" {
			return "shows " + what
		}
		shown += node
	}
	if want := failure.Plain(s); shown != want {
		return "shows as " + shown + ", want " + want
	}
	return ""
}

var backslash = regexp.MustCompile(`\\([!-/:-@\[-` + "`" + `{-~])`)

// textOf is what Markdown shows of text between tags.
func textOf(node string) string { return html.UnescapeString(backslash.ReplaceAllString(node, "$1")) }
