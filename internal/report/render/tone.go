package render

// Tone says whether a word is good news.
type Tone int

const (
	neutral Tone = iota
	Good
	Fair
	Bad
)
