package diskfile

import (
	"net/url"
	"path/filepath"
	"strings"
)

// FromURL is the name of the file or directory that a file:// URL without a host
// means to the go command: file:///C:/dir is C:\dir on Windows.
func FromURL(u *url.URL) string {
	name := filepath.FromSlash(u.Path)
	if local := strings.TrimPrefix(name, `\`); filepath.VolumeName(local) != "" {
		return local
	}
	return name
}
