package markdown

import "strings"

// wbr is an element that shows nothing and leaves nothing behind in text that
// is copied. GitHub looks for links, mentions and emoji in the text between
// elements, after Markdown and its escapes have been resolved: only an element
// keeps the parts of such a word asunder. GitHub's sanitiser lets this one pass.
const wbr = "<wbr>"

// escape returns neutral text (see failure.Plain) as text for Markdown as GitHub
// renders it: in running text, at the start of a line, in a heading, a list or
// the cell of a table. The rendering shows its characters and nothing else: no
// link, image, tag, emphasis, heading, list, cell or fence; what GitHub itself
// makes into a link or a picture afterwards (URLs, @mentions, #1, GH-1, hashes of
// commits, :emoji:, $formulas$) stays text too. The source is no workflow command
// either.
//
// It is not for the inside of code, where nothing needs to be escaped and
// nothing can be.
func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if taken, written := escapeWord(s[i:]); taken > 0 {
			b.WriteString(written)
			i += taken
			continue
		}
		switch c := s[i]; c {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '|': // a backslash before it would have to pass the table's own escapes first
			b.WriteString("&#124;")
		case '`': // as above, for renderers that look for code before they look for escapes
			b.WriteString("&#96;")
		case '\\':
			b.WriteString("&#92;")
		case '$': // in GitHub's words: "use span tags around the explicit $"
			b.WriteString("<span>&#36;</span>")
		case '*', '_', '[', ']', '~':
			b.WriteString(`\` + string(c))
		case '#':
			b.WriteString(`\#` + wbr)
		case '@':
			b.WriteString("@" + wbr)
		case ':':
			b.WriteByte(':')
			if i+1 < len(s) && s[i+1] != ' ' {
				b.WriteString(wbr)
			}
		case '-', '+', '=': // a list, or what underlines a heading
			if i == 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		case '.', ')': // a numbered list
			if i > 0 && strings.TrimLeft(s[:i], "0123456789") == "" {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
		i++
	}
	return b.String()
}

// escapeWord escapes what is special as a word at the start of rest. It returns
// the length of the text it took care of, 0 for none.
func escapeWord(rest string) (taken int, written string) {
	switch {
	case len(rest) >= 4 && strings.EqualFold(rest[:4], "www."):
		return 4, rest[:3] + wbr + "."
	case len(rest) >= 4 && strings.EqualFold(rest[:3], "gh-") && '0' <= rest[3] && rest[3] <= '9':
		return 3, rest[:3] + wbr
	}
	// The hash of a commit has 7 digits or more. Where GitHub sees the ends of
	// a word is not for us to guess.
	digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789abcdefABCDEF"))]
	if len(digits) < 7 {
		return 0, ""
	}
	const part = 6
	for at := 0; at < len(digits); at += part {
		if at > 0 {
			written += wbr
		}
		written += digits[at:min(at+part, len(digits))]
	}
	return len(digits), written
}

// code returns neutral text as code, which stays as it is and is easily
// copied. In code GitHub looks for nothing. Text with characters that code
// cannot hold in every place is escaped instead.
func code(s string) string {
	if s == "" || strings.ContainsAny(s, "`|\\<>$") {
		return escape(s)
	}
	return "`" + s + "`"
}

// unbroken returns escaped text that is not to be broken into lines.
func unbroken(s string) string { return strings.ReplaceAll(s, " ", "&nbsp;") }

// fence returns lines of neutral text as a block of code. The fence is longer
// than every run of backticks in it.
func fence(lines ...string) string {
	text := strings.Join(lines, "\n")
	mark := "```"
	for strings.Contains(text, mark) {
		mark += "`"
	}
	return mark + "text\n" + text + "\n" + mark + "\n"
}
