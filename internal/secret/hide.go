package secret

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// nested is how many encodings may lie over each other: the JSON of a header in
// base64 is two.
const nested = 2

type span struct{ start, end int }

// Hide returns a text without the secrets of the set, in whatever encoding they
// stand there. It compares without regard to case, blanks and invisible
// characters, which somebody could put between the letters.
func (s *Set) Hide(text string) string {
	values := s.all()
	if len(values) == 0 || text == "" {
		return text
	}
	f := finder{values: values, shortest: len(values[len(values)-1].text)}
	f.search(plain(text), nested)
	f.cuts(text)
	if len(f.found) == 0 {
		return text
	}
	slices.SortFunc(f.found, func(a, b span) int { return cmp.Or(a.start-b.start, b.end-a.end) })
	var b strings.Builder
	done := 0 // bytes of text that are dealt with
	for _, x := range f.found {
		if x.end <= done {
			continue
		}
		if x.start >= done {
			b.WriteString(text[done:x.start] + Mask)
		}
		done = x.end
	}
	return b.String() + text[done:]
}

// view is a text as one of its encodings shows it: where[i] is the part of the
// original that byte i comes from.
type view struct {
	text  []byte
	where []span
}

func (v *view) add(b byte, at span) { v.text, v.where = append(v.text, b), append(v.where, at) }

func plain(text string) view {
	v := view{[]byte(text), make([]span, len(text))}
	for i := range v.where {
		v.where[i] = span{i, i + 1}
	}
	return v
}

// finder collects the parts of a text that are to be hidden.
type finder struct {
	values   []value
	shortest int  // bytes of the shortest value
	cut      bool // the text ends where it was cut: a part of a value counts
	found    []span
}

// search finds the secrets in a view and in what lies under at most depth
// encodings of it.
func (f *finder) search(v view, depth int) {
	if len(v.text) < f.shortest && !f.cut {
		return
	}
	f.compare(v, depth == nested)
	if depth == 0 {
		return
	}
	for _, e := range escapes {
		if decoded, ok := e.decode(v); ok {
			f.search(decoded, depth-1)
		}
	}
	for _, decode := range []func(view, int, func(view)){base64s, hexadecimals} {
		decode(v, f.shortest, func(decoded view) { f.search(decoded, depth-1) })
	}
}

// compare finds the secrets that stand in a view as they are. written says that
// it is the text itself: there a login is shown.
func (f *finder) compare(v view, written bool) {
	text, at := fold(v.text)
	for _, x := range f.values {
		if f.cut {
			if n := ending(text, x.text); n > 0 {
				f.found = append(f.found, span{v.where[at[len(text)-n]].start, v.where[at[len(text)-1]].end})
			}
			continue
		}
		for from := 0; ; {
			i := strings.Index(text[from:], x.text)
			if i < 0 {
				break
			}
			start := from + i
			from = start + 1
			end := start + len(x.text)
			// The bytes of the view; what is dropped between two of them goes along.
			first, last := at[start], at[end-1]
			if x.word && (letter(v.text, first-1) || letter(v.text, last+1)) {
				continue
			}
			if written {
				first = at[start+x.shown]
			}
			f.found = append(f.found, span{v.where[first].start, v.where[last].end})
			from = end
		}
	}
}

// ellipsis stands where a text of ours was cut, and least is the part of a
// secret before it that is worth hiding.
const (
	ellipsis = "…"
	least    = 4
	window   = 8 << 10 // longer than any secret in any encoding

	longestEscape = 10
)

// cuts finds the secrets of which a cut left a part.
func (f *finder) cuts(text string) {
	all := finder{values: f.values, shortest: least, cut: true}
	for from := 0; ; {
		i := strings.Index(text[from:], ellipsis)
		if i < 0 {
			break
		}
		end := from + i
		start := max(end-window, from)
		ends := []int{end}
		if i := strings.LastIndexAny(text[max(start, end-longestEscape):end], `%&\`); i >= 0 {
			ends = append(ends, max(start, end-longestEscape)+i) // the cut may go through an escape
		}
		for _, e := range ends {
			all.found = nil
			all.search(plain(text[start:e]), nested)
			for _, x := range all.found {
				if x.end == e-start {
					x.end = end - start
				}
				f.found = append(f.found, span{start + x.start, start + x.end})
			}
		}
		from = end + len(ellipsis)
	}
}

// ending returns how many bytes at the end of text are the begin of a secret, 0
// when they are too few to tell.
func ending(text, secret string) int {
	for n := min(len(text), len(secret)-1); n >= least; n-- {
		if strings.HasSuffix(text, secret[:n]) {
			return n
		}
	}
	return 0
}

func folded(s string) string {
	text, _ := fold([]byte(s))
	return text
}

// fold returns text in lower case, without blanks and what cannot be seen, and
// for each byte of it where it was.
func fold(text []byte) (string, []int) {
	out, at := make([]byte, 0, len(text)), make([]int, 0, len(text))
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			if ' ' < c && c < 0x7f {
				out, at = append(out, c), append(at, i)
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && n == 1: // a byte that is no UTF-8 is compared as it is
			out, at = append(out, text[i]), append(at, i)
		case !unicode.IsPrint(r):
		default:
			out = utf8.AppendRune(out, unicode.ToLower(r))
			for len(at) < len(out) {
				at = append(at, i)
			}
			at[len(at)-1] = i + n - 1
		}
		i += n
	}
	return string(out), at
}

func letter(text []byte, i int) bool {
	if i < 0 || i >= len(text) {
		return false
	}
	c := text[i]
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf
}
