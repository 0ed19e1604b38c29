package markdown

import "github.com/modferry/modferry/internal/failure"

// Escape escapes any text.
func Escape(s string) string { return escape(failure.Plain(s)) }
