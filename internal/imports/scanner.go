package imports

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// scanner reads the package clause and the import declarations of a Go file. It is
// much faster than go/parser, which needs the whole file.
type scanner struct {
	data []byte
	at   int
}

// imports returns the import paths. enough is false when data ended before
// something that can be no import declaration: then more of the file may bring
// further ones.
func (s *scanner) imports() (paths []string, enough bool) {
	s.data = bytes.TrimPrefix(s.data, []byte("\xef\xbb\xbf"))
	if s.word() != "package" || s.word() == "" {
		return nil, s.more()
	}
	for {
		s.separators()
		if s.word() != "import" { // at the end of the data it may be the beginning of one
			return paths, s.more()
		}
		if !s.space() {
			return paths, false
		}
		if s.data[s.at] != '(' {
			p, ok := s.spec()
			if !ok {
				return paths, s.more()
			}
			paths = append(paths, p)
			continue
		}
		s.at++
		for {
			s.separators()
			if s.at == len(s.data) {
				return paths, false
			}
			if s.data[s.at] == ')' {
				s.at++
				break
			}
			p, ok := s.spec()
			if !ok {
				return paths, s.more()
			}
			paths = append(paths, p)
		}
	}
}

// more reports whether the place that the scanner stopped at is one that further
// data cannot change.
func (s *scanner) more() bool { return s.at < len(s.data) }

// spec reads [name] "path".
func (s *scanner) spec() (string, bool) {
	if !s.space() {
		return "", false
	}
	if c := s.data[s.at]; c == '.' {
		s.at++
	} else if c != '"' && c != '`' && s.word() == "" {
		return "", false
	}
	if !s.space() {
		return "", false
	}
	quote := s.data[s.at]
	if quote != '"' && quote != '`' {
		return "", false
	}
	for end := s.at + 1; end < len(s.data); end++ {
		switch c := s.data[end]; {
		case c == quote:
			path, err := strconv.Unquote(string(s.data[s.at : end+1]))
			s.at = end + 1
			return path, err == nil
		case quote == '"' && c == '\\':
			end++
		case quote == '"' && c == '\n':
			return "", false
		}
	}
	s.at = len(s.data)
	return "", false
}

// word reads an identifier or keyword; "" when there is none.
func (s *scanner) word() string {
	if !s.space() {
		return ""
	}
	start := s.at
	for s.at < len(s.data) {
		c := s.data[s.at]
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c < utf8.RuneSelf {
			break
		}
		s.at++
	}
	return string(s.data[start:s.at])
}

// separators skips blanks, comments and semicolons.
func (s *scanner) separators() {
	for s.space() && s.data[s.at] == ';' {
		s.at++
	}
}

// space skips blanks and comments. It reports whether something follows.
func (s *scanner) space() bool {
	for s.at < len(s.data) {
		switch c := s.data[s.at]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			s.at++
		case c == '/' && s.at+1 == len(s.data):
			s.at++
			return false
		case c == '/' && s.data[s.at+1] == '/':
			s.skipTo("\n")
		case c == '/' && s.data[s.at+1] == '*':
			s.at += 2
			s.skipTo("*/")
		default:
			return true
		}
	}
	return false
}

func (s *scanner) skipTo(end string) {
	i := bytes.Index(s.data[s.at:], []byte(end))
	if i < 0 {
		s.at = len(s.data)
		return
	}
	s.at += i + len(end)
}
