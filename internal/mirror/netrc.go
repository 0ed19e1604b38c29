package mirror

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/modferry/modferry/internal/diskfile"
)

// MaxNetrc is the most bytes that are read of a .netrc file.
const MaxNetrc = 1 << 20

// NetrcEntry is one machine of a .netrc file.
type NetrcEntry struct {
	Machine  string // host as written in a URL, port included, or host/path
	Login    string
	Password string
}

// NetrcFile is the file that the go command reads credentials from
// (cmd/go/internal/auth/netrc.go), "" when GOAUTH leaves it out, when there is no
// home directory, and when getenv is nil.
func NetrcFile(getenv func(string) string, goauth string) string {
	if getenv == nil || (goauth != "" && !strings.Contains(goauth, "netrc")) {
		return ""
	}
	if name := getenv("NETRC"); name != "" {
		return name
	}
	home := getenv("HOME")
	if home == "" {
		home = getenv("USERPROFILE")
	}
	if home == "" {
		return ""
	}
	if legacy := filepath.Join(home, "_netrc"); filepath.Separator == '\\' {
		if _, err := os.Stat(legacy); err == nil {
			return legacy
		}
	}
	return filepath.Join(home, ".netrc")
}

// ReadNetrc reads NetrcFile. That there is none is no error.
func ReadNetrc(getenv func(string) string, goauth string) ([]NetrcEntry, error) {
	name := NetrcFile(getenv, goauth)
	if name == "" {
		return nil, nil
	}
	data, err := diskfile.Read(name, MaxNetrc)
	// The go command goes on without a file that it may not read, or whose
	// directory is none: jobs may run as a user without a home.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the credentials of %s: %w", name, err)
	}
	entries, _ := ParseNetrc(string(data))
	return entries, nil
}

// ParseNetrc reads the text of a .netrc file the way the go command does
// (cmd/go/internal/auth/netrc.go): several tokens a line are fine, a macdef
// runs to the next empty line, and reading ends at "default". For the incomplete
// entries the go command has no credentials, because the login or the password is
// missing.
func ParseNetrc(data string) (entries, incomplete []NetrcEntry) {
	var e NetrcEntry
	drop := func() {
		if e.Machine != "" {
			incomplete = append(incomplete, e)
		}
	}
	inMacro := false
	for line := range strings.SplitSeq(data, "\n") {
		if inMacro {
			inMacro = line != ""
			continue
		}
		f := strings.Fields(line)
		i := 0
		for ; i < len(f)-1; i += 2 {
			switch f[i] {
			case "machine":
				drop()
				e = NetrcEntry{Machine: f[i+1]}
			case "default":
			case "login":
				e.Login = f[i+1]
			case "password":
				e.Password = f[i+1]
			case "macdef":
				inMacro = true
			}
			if e.Machine != "" && e.Login != "" && e.Password != "" {
				entries = append(entries, e)
				e = NetrcEntry{}
			}
		}
		if i < len(f) && f[i] == "default" {
			break // "There can be only one default token, and it must be after all machine tokens."
		}
	}
	drop()
	return entries, incomplete
}

// Serves reports whether the entry is for host (as in the URL, port included)
// and path. The machine may be written as an https:// URL
// (cmd/go/internal/auth/auth.go: storeCredential).
func (e NetrcEntry) Serves(host, path string) bool {
	h, p, _ := strings.Cut(strings.TrimPrefix(e.Machine, "https://"), "/")
	p = "/" + strings.Trim(p, "/")
	return h == host && (p == "/" || path == p || strings.HasPrefix(path, p+"/"))
}

// LookupNetrc finds the credentials for host (as in the URL, port included)
// and path. An entry for host/path beats one for the host alone; a parent
// domain does not count.
func LookupNetrc(entries []NetrcEntry, host, path string) (NetrcEntry, bool) {
	var best NetrcEntry
	found := false
	for _, e := range entries {
		if !e.Serves(host, path) {
			continue
		}
		if !found || len(e.Machine) > len(best.Machine) {
			best, found = e, true
		}
	}
	return best, found
}
