package layer

import (
	"errors"
	"io"
	"os"

	"github.com/modferry/modferry/internal/modcache"
)

// mostSpooled is how many bytes of a frame are kept in memory until its length
// is known; more go to a temporary file.
const mostSpooled = 4 << 20

// spool keeps a frame until it is written.
type spool struct {
	cache *modcache.Cache
	mem   []byte
	file  *os.File // nil while mem has it all
	size  int64
}

func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil && len(s.mem)+len(p) > mostSpooled {
		f, err := s.cache.Temp()
		if err != nil {
			return 0, err
		}
		s.file = f
		if _, err := f.Write(s.mem); err != nil {
			return 0, err
		}
	}
	s.size += int64(len(p))
	if s.file != nil {
		return s.file.Write(p)
	}
	s.mem = append(s.mem, p...)
	return len(p), nil
}

// WriteTo writes all of it.
func (s *spool) WriteTo(w io.Writer) (int64, error) {
	if s.file == nil {
		n, err := w.Write(s.mem)
		return int64(n), err
	}
	return io.Copy(w, io.NewSectionReader(s.file, 0, s.size))
}

// reset empties it, for the next frame.
func (s *spool) reset() error {
	s.mem, s.size = s.mem[:0], 0
	if s.file == nil {
		return nil
	}
	name := s.file.Name()
	err := errors.Join(s.file.Close(), os.Remove(name))
	s.file = nil
	return err
}
