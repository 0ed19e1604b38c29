package modcache

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/failure"
)

// maxDirectory bounds the list of files at the end of a zip, which has to be
// held in memory: it has room for 200,000 files with names of 100 bytes.
const maxDirectory = 32 << 20

// An archive is an open module zip that keeps the limits and belongs to its
// module by name. Nothing is known about its contents before read.
type archive struct {
	m     module.Version
	file  *os.File
	size  int64
	files []*zip.File
	crew  *crew
}

// openArchive reads the list of files of the module zip f. The file stays
// the caller's. Errors are verdicts (*failure.Error) or those of reading f.
//
// The rule that every name starts with path@version/ is checked here, because
// the go command checks it at download; all other rules for names it checks
// only at extraction (cmd/go modfetch/fetch.go: downloadZip).
func openArchive(m module.Version, f *os.File, crew *crew) (*archive, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if size > modzip.MaxZipFile {
		return nil, reject(failure.TooLarge, "zip", m, "found a zip of %d bytes, expected at most %d", size, modzip.MaxZipFile)
	}
	in := &zipReader{file: f, left: maxDirectory}
	r, err := zip.NewReader(in, size)
	in.left = -1
	switch {
	case errors.Is(err, zip.ErrInsecurePath) && r != nil: // only under GODEBUG=zipinsecurepath=0; names are checked below
	case errors.Is(err, errDirectory):
		return nil, reject(failure.TooLarge, "zip", m, "found a list of files of more than %d bytes", maxDirectory)
	case in.err != nil:
		return nil, in.err
	case err != nil:
		return nil, reject(failure.WrongContent, "zip", m, "found %s, expected a zip (%v)", describe(f, size), err)
	}
	r.RegisterDecompressor(zip.Deflate, crew.inflate)
	a := &archive{m: m, file: f, size: size, files: r.File, crew: crew}
	if err := a.checkLimits(); err != nil {
		return nil, err
	}
	return a, nil
}

// checkLimits compares what the list of files declares with the limits of
// module zips, before anything is inflated. Inflating then never goes beyond
// what is declared.
func (a *archive) checkLimits() error {
	prefix := prefix(a.m)
	var total uint64
	for _, f := range a.files {
		name, ok := strings.CutPrefix(f.Name, prefix)
		if !ok {
			return reject(failure.UnsafeZip, "zip", a.m, "found file %q, expected every name to start with %q", f.Name, prefix)
		}
		limit := uint64(modzip.MaxZipFile)
		switch name {
		case "go.mod":
			limit = modzip.MaxGoMod
		case "LICENSE":
			limit = modzip.MaxLICENSE
		}
		if f.UncompressedSize64 > limit {
			return reject(failure.TooLarge, "zip", a.m, "found file %q of %d bytes, expected at most %d", name, f.UncompressedSize64, limit)
		}
		if total += f.UncompressedSize64; total > modzip.MaxZipFile {
			return reject(failure.TooLarge, "zip", a.m, "found contents of more than %d bytes", modzip.MaxZipFile)
		}
	}
	return nil
}

// read inflates and hashes every file once and, when tree is not nil, also
// writes it there. Errors are verdicts, those of ctx, or those of reading the
// zip; a failing tree only notes its error and is written no further.
func (a *archive) read(ctx context.Context, parallel int, tree *treeWriter) (manifest, error) {
	sums := make([]fileSum, len(a.files))
	skip := len(prefix(a.m))
	last := make(map[string]int, len(a.files))
	for i, f := range a.files {
		last[f.Name] = i
	}
	err := a.crew.each(ctx, len(a.files), parallel, func(w *worker, i int) error {
		f := a.files[i]
		if last[f.Name] != i {
			sums[i] = fileSum{name: f.Name} // only the last of a name counts, see newManifest
			return nil
		}
		out := tree.create(f.Name[skip:])
		if out != nil {
			defer out.close()
		}
		sum, err := w.sumFile(ctx, f, out)
		if err != nil && !mishap(err) {
			// The go command's own inflater has the last word: on odd streams
			// the fast one refuses what that one accepts.
			sum, err = a.sumAgain(ctx, w, i, out)
		}
		if err != nil {
			return a.damaged(f, err)
		}
		sums[i] = fileSum{name: f.Name, sum: sum}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newManifest(sums), nil
}

// sumFile inflates and hashes one file of a zip and, when out is not nil,
// writes it there.
func (w *worker) sumFile(ctx context.Context, f *zip.File, out *treeFile) (digest, error) {
	r, err := f.Open()
	if err != nil {
		return digest{}, err
	}
	defer r.Close()
	var show func([]byte)
	if out != nil {
		show = out.write
	}
	return w.sum(ctx, r, show)
}

// sumAgain is sumFile of the i-th file with the inflater of the standard
// library.
func (a *archive) sumAgain(ctx context.Context, w *worker, i int, out *treeFile) (digest, error) {
	r, err := zip.NewReader(&zipReader{file: a.file, left: -1}, a.size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return digest{}, err
	}
	if out != nil {
		out.restart()
	}
	return w.sumFile(ctx, r.File[i], out)
}

// mishap reports whether an error is the disk's or the context's, and so no
// verdict on the zip.
func mishap(err error) bool {
	var disk *os.PathError
	return errors.As(err, &disk) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// damaged is the verdict on a file of the zip that can't be read, unless the
// disk or ctx is to blame.
func (a *archive) damaged(f *zip.File, err error) error {
	if mishap(err) {
		return err
	}
	return reject(failure.WrongContent, "zip", a.m, "found a damaged zip: %s: %v", f.Name, err)
}

// checkRules returns the first violation of the module zip rules, which
// decide whether the go command will extract the zip, or nil.
func (a *archive) checkRules() error {
	_, err := modzip.CheckZip(a.m, a.file.Name())
	var list modzip.FileErrorList
	if errors.As(err, &list) && len(list) > 0 {
		err = list[0]
	}
	var disk *os.PathError
	if err == nil || errors.As(err, &disk) {
		return err
	}
	return reject(failure.UnsafeZip, "zip", a.m, "found a zip that breaks the rules of module zips: %v", err)
}

// refuse is the verdict on a zip whose hash is not the expected one, or could
// not be computed (then err says why): unsafe when it also breaks the rules.
func (a *archive) refuse(got, want string, err error) error {
	if rule := a.checkRules(); rule != nil {
		return rule
	}
	for _, f := range a.files {
		if !f.Mode().IsRegular() && !f.Mode().IsDir() {
			return reject(failure.UnsafeZip, "zip", a.m, "found %q, which is not a regular file (%v)", f.Name, f.Mode())
		}
	}
	if err != nil {
		return err
	}
	return mismatch("zip", a.m, got, want)
}

// verify reads the zip and compares its h1 hash with want.
func (a *archive) verify(ctx context.Context, want string, parallel int, tree *treeWriter) (manifest, error) {
	files, err := a.read(ctx, parallel, tree)
	if err != nil {
		var verdict *failure.Error
		if errors.As(err, &verdict) {
			err = a.refuse("", want, err)
		}
		return nil, err
	}
	got, err := files.h1()
	if err != nil {
		return nil, reject(failure.UnsafeZip, "zip", a.m, "found %v", err)
	}
	if got != want {
		return nil, a.refuse(got, want, nil)
	}
	return files, nil
}

// describe says for people what a file is that is not a zip.
func describe(f *os.File, size int64) string {
	if size == 0 {
		return "nothing (0 bytes)"
	}
	head := make([]byte, failure.MostTitle)
	n, _ := f.ReadAt(head, 0)
	head = bytes.TrimSpace(head[:n])
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return fmt.Sprintf("a truncated or damaged zip of %d bytes", size)
	case failure.IsPage(head):
		titled := ""
		if title := failure.PageTitle(head); title != "" {
			titled = fmt.Sprintf(" titled %q", title)
		}
		return fmt.Sprintf("an HTML page of %d bytes%s, as login pages and captive portals send", size, titled)
	}
	start := string(head)
	if len(start) > 40 {
		start = start[:40] + "…"
	}
	return fmt.Sprintf("%d bytes that start with %q", size, start)
}

var errDirectory = errors.New("modcache: the list of files of the zip is too long")

// A zipReader reads the bytes of a zip. While left is not negative it gives
// up after so many bytes, and keeps the first error of the disk, to tell it
// from what is wrong with the content.
type zipReader struct {
	file io.ReaderAt
	left int64
	err  error
}

func (z *zipReader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 { // as a zip may say; a file would call that an error of its own
		return 0, zip.ErrFormat
	}
	if z.left < 0 {
		return z.file.ReadAt(p, off)
	}
	if z.left -= int64(len(p)); z.left < 0 {
		z.left = 0
		return 0, errDirectory
	}
	n, err := z.file.ReadAt(p, off)
	if err != nil && err != io.EOF && z.err == nil {
		z.err = err
	}
	return n, err
}
