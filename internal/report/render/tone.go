package render

// Tone says whether a word is good news.
type Tone int

// The tones; Neutral is that of every other word.
const (
	Neutral Tone = iota
	Quiet        // of no importance
	Good
	Fair
	Bad
)
