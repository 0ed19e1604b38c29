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
	f.follow(v)
	return f
}

// follow has the files of other settings count.
func (f *files) follow(v *settings.Values) {
	names := []string{v.ConfigFile, v.CAFile, v.TokenFile, v.TLSCert, v.TLSKey, v.ClientCA}
	for _, m := range v.ConfiguredMirrors {
		names = append(names, m.CAFile, m.ClientCert, m.ClientKey)
	}
	f.names = f.names[:0]
	for _, name := range names {
		if name == "" {
			continue
		}
		f.names = append(f.names, name)
		if _, ok := f.held[name]; !ok {
			f.held[name] = sumOf(name)
		}
	}
}

// changed returns the files that have another content than at the last call.
func (f *files) changed() []string {
	var all []string
	for _, name := range f.names {
		if now := sumOf(name); now != f.held[name] {
			all = append(all, name)
			f.held[name] = now
		}
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
