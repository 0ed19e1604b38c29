package settings

import "strings"

// Suggest returns the one of known that was most likely meant by word, or ""
// when none is near: the same but for case, an unfinished word, or at most two
// letters off (one in a word of up to four letters).
func Suggest(word string, known []string) string {
	word = strings.ToLower(strings.Trim(strings.TrimSpace(word), "-_ "))
	if word == "" {
		return ""
	}
	limit := 2
	if len(word) <= 4 {
		limit = 1
	}
	best, bestDistance := "", limit+1
	for _, k := range known {
		d := distance(plainName(word), plainName(k))
		if d < bestDistance {
			best, bestDistance = k, d
		}
	}
	if best != "" {
		return best
	}
	// An unfinished or overlong word: "conf" for "configured".
	for _, k := range known {
		if len(word) >= 3 && (strings.HasPrefix(k, word) || len(k) >= 3 && strings.HasPrefix(word, k)) {
			return k
		}
	}
	return ""
}

// plainName makes names alike that differ only in the way words are joined.
func plainName(s string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(s))
}

// distance is the number of letters to insert, remove, replace or swap with
// their neighbour to get from a to b (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(x)][len(y)]
}
