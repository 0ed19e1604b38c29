package keep

import (
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/modferry/modferry/internal/failure"
)

// digest is the ETag of a file. Zips of one h1 differ in their bytes between mirrors.
func (k *Keep) digest(f *file) (string, error) {
	r, err := k.OpenFile(f.v, f.kind)
	if err != nil {
		return "", err
	}
	defer r.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		return "", failure.As(err)
	}
	return `"` + hex.EncodeToString(sum.Sum(nil)[:16]) + `"`, nil
}
