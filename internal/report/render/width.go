package render

import (
	"unicode"
)

// Cut shortens text to width cells by leaving its middle out: URLs and module
// paths differ at both ends.
func Cut(text string, width int) string {
	if Cells(text) <= width {
		return text
	}
	if width < 2 {
		return "…"
	}
	head := (width - 1) / 2
	tail := width - 1 - head
	runes := []rune(text)
	i, n := 0, 0
	for n+runeCells(runes[i]) <= head {
		n += runeCells(runes[i])
		i++
	}
	j, n := len(runes), 0
	for n+runeCells(runes[j-1]) <= tail {
		j--
		n += runeCells(runes[j])
	}
	return string(runes[:i]) + "…" + string(runes[j:])
}

// Cells is the width of a text on a terminal.
func Cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

// runeCells is the width of a character on a terminal: none for combining
// marks, two for the wide ones of East Asia and for pictures (Unicode Standard
// Annex 11, simplified to whole blocks).
func runeCells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}
