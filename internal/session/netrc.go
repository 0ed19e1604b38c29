package session

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/mirror"
)

// readNetrc reads the file that the go command reads
// (cmd/go/internal/auth/netrc.go) unless GOAUTH leaves it out.
func readNetrc(getenv func(string) string, goauth string) ([]mirror.NetrcEntry, error) {
	name := netrcFile(getenv, goauth)
	if name == "" {
		return nil, nil
	}
	data, err := diskfile.Read(name, maxNetrc)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the credentials of %s: %w", name, err)
	}
	return mirror.ParseNetrc(string(data)), nil
}

// NetrcFile is the file that the go command reads credentials from, "" for none.
func (s *Session) NetrcFile() string { return netrcFile(s.Options.Getenv, s.Env.Get("GOAUTH")) }

func netrcFile(getenv func(string) string, goauth string) string {
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

// maxNetrc is how many bytes are read of a file of passwords.
const maxNetrc = 1 << 20
