package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"html"
	"strconv"
	"unicode/utf8"
)

// escape is an encoding in which a sign introduces what is not meant as it is.
type escape struct {
	sign byte
	// unit reads what stands at a sign: how many bytes that is, and what they mean;
	// 0 for a sign that stands for itself.
	unit func(rest []byte) (n int, meaning []byte)
}

var escapes = []escape{{'%', percent}, {'+', form}, {'&', entity}, {'\\', backslash}}

// decode makes a view of another; ok is false where nothing is encoded.
func (e escape) decode(v view) (out view, ok bool) {
	if bytes.IndexByte(v.text, e.sign) < 0 {
		return v, false
	}
	for i := 0; i < len(v.text); {
		n, meaning := 0, []byte(nil)
		if v.text[i] == e.sign {
			n, meaning = e.unit(v.text[i:])
		}
		if n == 0 {
			out.add(v.text[i], v.where[i])
			i++
			continue
		}
		ok = true
		at := span{v.where[i].start, v.where[i+n-1].end}
		for _, b := range meaning {
			out.add(b, at)
		}
		i += n
	}
	return out, ok
}

// percent decodes "%41", as in URLs.
func percent(rest []byte) (int, []byte) {
	if len(rest) < 3 {
		return 0, nil
	}
	b, err := hex.DecodeString(string(rest[1:3]))
	if err != nil {
		return 0, nil
	}
	return 3, b
}

// form reads "+" for a blank, as in queries and forms.
func form([]byte) (int, []byte) { return 1, []byte{' '} }

// longestEntity is enough for the names that stand for ASCII ("&DiacriticalGrave;").
const longestEntity = 20

// entity decodes "&amp;" and "&#65;", as in HTML and XML.
func entity(rest []byte) (int, []byte) {
	end := bytes.IndexByte(rest[:min(len(rest), longestEntity)], ';')
	if end < 0 {
		return 0, nil
	}
	written := string(rest[:end+1])
	meaning := html.UnescapeString(written)
	if meaning == written {
		return 0, nil
	}
	return end + 1, []byte(meaning)
}

// controls are what single letters mean behind a backslash.
var controls = map[byte]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// backslash decodes the escapes of JSON, Go, C and shells.
func backslash(rest []byte) (int, []byte) {
	if len(rest) < 2 {
		return 0, nil
	}
	number := func(from, base, want int) (rune, bool) {
		if len(rest) < from+want {
			return 0, false
		}
		n, err := strconv.ParseUint(string(rest[from:from+want]), base, 32)
		return rune(n), err == nil
	}
	switch c := rest[1]; {
	case c == 'u':
		if r, ok := number(2, 16, 4); ok {
			return 6, utf8.AppendRune(nil, r)
		}
	case c == 'U':
		if r, ok := number(2, 16, 8); ok {
			return 10, utf8.AppendRune(nil, r)
		}
	case c == 'x':
		if r, ok := number(2, 16, 2); ok {
			return 4, []byte{byte(r)}
		}
	case '0' <= c && c <= '7':
		if r, ok := number(1, 8, 3); ok {
			return 4, []byte{byte(r)}
		}
	case controls[c] != 0:
		return 2, []byte{controls[c]}
	}
	return 2, rest[1:2]
}

// base64s decodes whatever could be base64, in both alphabets and at each of
// the four places at which a group may begin: a secret in the middle of
// something longer is found, too. What is decoded has at least least bytes.
func base64s(v view, least int, found func(view)) {
	runs(v, least*8/6, func(c byte) bool {
		return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '-' || c == '_'
	}, func(start, end int) {
		text := bytes.Map(func(r rune) rune {
			switch r {
			case '-':
				return '+'
			case '_':
				return '/'
			}
			return r
		}, v.text[start:end])
		for end < len(v.text) && v.text[end] == '=' {
			end++ // padding, which would tell the length
		}
		for skip := range min(4, len(text)) {
			group := text[skip:]
			if len(group)%4 == 1 {
				group = group[:len(group)-1]
			}
			decoded, err := base64.RawStdEncoding.DecodeString(string(group))
			if err != nil {
				continue
			}
			out := view{text: decoded}
			for i := range decoded {
				// Three bytes are four characters: all that hold a bit of this one.
				first, last := start+skip+i*8/6, start+skip+(i*8+7)/6
				at := span{v.where[first].start, v.where[last].end}
				if i == len(decoded)-1 {
					at.end = v.where[end-1].end
				}
				out.where = append(out.where, at)
			}
			found(out)
		}
	})
}

// hexadecimals decodes runs of digits, beginning at either of the first two.
func hexadecimals(v view, least int, found func(view)) {
	runs(v, 2*least, func(c byte) bool {
		return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
	}, func(start, end int) {
		for skip := range 2 {
			digits := v.text[start+skip : end]
			decoded := make([]byte, len(digits)/2)
			if _, err := hex.Decode(decoded, digits[:len(decoded)*2]); err != nil {
				continue
			}
			out := view{text: decoded}
			for i := range decoded {
				at := start + skip + 2*i
				out.where = append(out.where, span{v.where[at].start, v.where[at+1].end})
			}
			found(out)
		}
	})
}

// runs calls run with every part of a view, of at least least bytes, all of
// which are of a kind.
func runs(v view, least int, kind func(byte) bool, run func(start, end int)) {
	for i := 0; i < len(v.text); i++ {
		start := i
		for i < len(v.text) && kind(v.text[i]) {
			i++
		}
		if i-start >= least {
			run(start, i)
		}
	}
}
