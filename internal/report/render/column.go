package render

// Column is one of a table. The last column is the one with running text: it
// is aligned to the left and broken where it does not fit.
type Column struct {
	Title    string // "" for a table without head
	Right    bool   // aligned to the right
	Flexible bool   // may be cut in the middle when the line is too narrow
	Optional bool   // may be left out when the line is too narrow
	Below    bool   // of the last: may stand on lines of its own when the line is too narrow
}
