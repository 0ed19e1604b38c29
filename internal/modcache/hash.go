package modcache

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/failure"
)

// HashZip is the hash of a zip of which nobody knows what it must be, if it is one of
// the version by its names and sizes.
func HashZip(v module.Version, name string) (string, error) {
	_, err := modzip.CheckZip(v, name)
	h1 := ""
	if err == nil {
		h1, err = dirhash.HashZip(name, dirhash.Hash1)
	}
	if err != nil {
		return "", contentError(v, err.Error())
	}
	return h1, nil
}

// HashMod is HashZip for a go.mod.
func HashMod(v module.Version, f *os.File) (string, error) {
	head := make([]byte, 512)
	if n, _ := f.ReadAt(head, 0); failure.IsPage(head[:n]) {
		return "", contentError(v, "an HTML page instead of a go.mod")
	}
	h1, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(f, 0, modzip.MaxGoMod)), nil
	})
	if err != nil {
		return "", failure.As(err)
	}
	return h1, nil
}

func contentError(v module.Version, why string) error {
	e := failure.New(failure.WrongContent, "verify", "", nil)
	e.Detail = failure.Plain(fmt.Sprintf("%s: %s", v, why))
	return e
}
