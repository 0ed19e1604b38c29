package keep

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/failure"
)

// hashZip is the hash of a zip that is one of the version by its names and sizes.
func hashZip(v module.Version, name string) (string, error) {
	if _, err := modzip.CheckZip(v, name); err != nil {
		return "", wrong(failure.WrongContent, v, "%v", err)
	}
	h1, err := dirhash.HashZip(name, dirhash.Hash1)
	if err != nil {
		return "", wrong(failure.WrongContent, v, "%v", err)
	}
	return h1, nil
}

func hashMod(v module.Version, f *os.File) (string, error) {
	head := make([]byte, 512)
	if n, _ := f.ReadAt(head, 0); failure.IsPage(head[:n]) {
		return "", wrong(failure.WrongContent, v, "an HTML page instead of a go.mod")
	}
	return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(f, 0, modzip.MaxGoMod)), nil
	})
}

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

func wrong(class failure.Class, v module.Version, format string, args ...any) error {
	e := failure.New(class, "keep", "", nil)
	e.Detail = failure.Plain(v.String() + ": " + fmt.Sprintf(format, args...))
	return e
}
