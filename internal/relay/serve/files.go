package serve

import (
	"crypto/sha256"
	"io"
	"os"

	"github.com/modferry/modferry/internal/settings"
)

// files are those that the settings are read from, and what they held. Their content
// counts: a mounted directory changes by a link, and a time of change may stay.
type files struct {
	names []string
	held  map[string][sha256.Size]byte
}

func newFiles(v *settings.Values) *files {
	f := &files{held: map[string][sha256.Size]byte{}}
	for _, name := range []string{v.ConfigFile, v.CAFile, v.TokenFile, v.TLSCert, v.TLSKey, v.ClientCA} {
		if name != "" {
			f.names = append(f.names, name)
		}
	}
	f.changed()
	return f
}

// changed returns the files that have another content than at the last call.
func (f *files) changed() []string {
	var all []string
	for _, name := range f.names {
		now := sumOf(name)
		if was, ok := f.held[name]; ok && was != now {
			all = append(all, name)
		}
		f.held[name] = now
	}
	return all
}

// largestFile bounds what is read for that.
const largestFile = 4 << 20

// sumOf is the digest of a file; that of nothing for one that cannot be read.
func sumOf(name string) (sum [sha256.Size]byte) {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return sum
	}
	f, err := os.Open(name)
	if err != nil {
		return sum
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, largestFile)); err != nil {
		return sum
	}
	h.Sum(sum[:0])
	return sum
}
