package keep

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
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
	return hashGoMod(io.NewSectionReader(f, 0, modzip.MaxGoMod))
}

func hashGoMod(r io.Reader) (string, error) {
	return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return io.NopCloser(r), nil })
}

// hashOpen is the hash of a file that has no name any more; "" for what has none.
func hashOpen(of key, f io.ReaderAt, size int64) string {
	if of.kind == report.KindMod {
		h1, _ := hashGoMod(io.NewSectionReader(f, 0, size))
		return h1
	}
	z, err := zip.NewReader(f, size)
	if err != nil {
		return ""
	}
	files := map[string]*zip.File{}
	var names []string
	for _, f := range z.File {
		files[f.Name] = f
		names = append(names, f.Name)
	}
	h1, _ := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return files[name].Open() })
	return h1
}

// digest is the ETag of a file. Zips of one h1 differ in their bytes between mirrors.
func (k *Keep) digest(f *file) (string, error) {
	r, err := k.reader(f)
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
