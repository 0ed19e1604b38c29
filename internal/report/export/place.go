// Package export renders results for machines, in formats of others: JUnit,
// GitLab Code Quality, CycloneDX and the Prometheus text format.
package export

import (
	"path"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

// Place is where a checkout is in its repository, for renderings whose readers
// know the repository only. The zero value is its root.
type Place struct {
	Dir string // slash-separated, relative to the root of the repository; "" for the root itself
}

// path returns a file of a result as the repository knows it, neutral; "" for
// none, for one outside the repository and for one whose name would not come
// out unchanged.
func (p Place) path(file string) string {
	if file == "" || failure.Neutral(file) != file || path.IsAbs(file) || strings.ContainsAny(file, ":\\") {
		return ""
	}
	file = path.Join(p.Dir, file)
	if file == "." || file == ".." || strings.HasPrefix(file, "../") {
		return ""
	}
	return file
}
