package mirror

import "strings"

// NetrcEntry is one machine of a .netrc file.
type NetrcEntry struct {
	Machine  string // host as written in a URL, port included, or host/path
	Login    string
	Password string
}

// ParseNetrc reads a .netrc file the way the go command does
// (cmd/go/internal/auth/netrc.go): several tokens a line are fine, a macdef
// runs to the next empty line, and reading ends at "default".
func ParseNetrc(data string) []NetrcEntry {
	complete, _ := readNetrc(data)
	return complete
}

// IncompleteNetrc returns the machines of a .netrc file for which the go command
// has no credentials because the login or the password is missing.
func IncompleteNetrc(data string) []NetrcEntry {
	_, incomplete := readNetrc(data)
	return incomplete
}

func readNetrc(data string) (entries, incomplete []NetrcEntry) {
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

// lookupNetrc finds the credentials for host (as in the URL, port included)
// and path. An entry for host/path beats one for the host alone; a parent
// domain does not count.
func lookupNetrc(entries []NetrcEntry, host, path string) (NetrcEntry, bool) {
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
