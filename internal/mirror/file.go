package mirror

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
)

// open answers a request from a file:// mirror: the static layout that
// GOMODCACHE/cache/download has too. A missing file is a 404, as for the go
// command (cmd/go/internal/web/file.go).
func (m *Mirror) open(r Request) (*Response, error) {
	name := filepath.Join(m.dir, filepath.FromSlash(r.Path))
	shown := "file://" + filepath.ToSlash(name)
	f, err := diskfile.Open(name)
	var kind *diskfile.KindError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, failure.New(failure.NotFound, "get", shown, err)
	case errors.As(err, &kind):
		// The mirror's fault, not that of this machine: another one may have it.
		return nil, failure.New(failure.WrongContent, "get", shown, errors.New(kind.Kind()+", not a regular file"))
	case err != nil:
		return nil, failure.New(failure.Classify(err), "get", shown, err)
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, failure.New(failure.LocalIO, "get", shown, err)
	}
	if r.Max > 0 && st.Size() > r.Max {
		f.Close()
		return nil, tooLarge(shown, st.Size(), r.Max)
	}
	if r.Seen != nil {
		r.Seen.Proto = "file"
	}
	return &Response{
		Status: 200, Length: st.Size(), Size: st.Size(),
		release: func() {},
		body:    &body{ctx: context.Background(), rc: f, url: shown, want: st.Size(), max: r.Max},
	}, nil
}
