package fetch

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/mirror"
)

// netrcLimit bounds the file of passwords that is examined.
const netrcLimit = 1 << 20

// credentials checks the file that the go command takes passwords from.
func (j *Job) credentials() []finding.Finding {
	name := netrcFile(j.o.Getenv, j.env.Get("GOAUTH"))
	if name == "" {
		return nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil // readNetrc has told what matters
	}
	var out []finding.Finding
	if runtime.GOOS != "windows" && info.Mode()&fs.FileMode(0o077) != 0 {
		out = append(out, finding.Finding{Check: "netrc-readable", Severity: finding.Warning, Setting: ".netrc", Found: name,
			Effect: fmt.Sprintf("Other users of this machine can read its passwords (mode %04o).", info.Mode().Perm()), Fix: "chmod 600 " + name})
	}
	return append(out, j.unusedCredentials()...)
}

// unusedCredentials tells of entries of that file that are meant for a mirror
// and do not serve it.
func (j *Job) unusedCredentials() []finding.Finding {
	name := netrcFile(j.o.Getenv, j.env.Get("GOAUTH"))
	if name == "" {
		return nil
	}
	data, err := diskfile.Read(name, netrcLimit)
	if err != nil {
		return nil // readNetrc has told what matters
	}
	var out []finding.Finding
	for _, h := range j.chain.hops {
		u, err := url.Parse(h.url)
		if err != nil || u.Scheme != "https" || u.User != nil {
			continue // asked without, or with its own
		}
		if f := examineNetrc(string(data), u); f != nil {
			f.Severity, f.Setting = finding.Warning, ".netrc"
			out = append(out, *f)
		}
	}
	return out
}

// refusals explains by the file of passwords why mirrors wanted credentials.
func (j *Job) refusals(c chain) []finding.Finding {
	refused := func(h *hop) bool {
		codes := h.Health.Counts().Codes
		return codes["401"]+codes["403"] > 0 || h.failing() && (h.verdict.Class == failure.Unauthorized || h.verdict.Class == failure.Forbidden)
	}
	if !slices.ContainsFunc(c.hops, refused) {
		return nil
	}
	return j.unusedCredentials()
}

// examineNetrc says why a file of passwords does not serve a mirror although it
// names it; nil when it serves it or has nothing to do with it. The go command
// compares with the port where the URL has one (cmd/go/internal/auth/netrc.go).
func examineNetrc(text string, u *url.URL) *finding.Finding {
	host, path, instead := u.Host, strings.TrimRight(u.Path, "/"), "machine "+u.Host
	entries, incomplete := mirror.ParseNetrc(text), mirror.IncompleteNetrc(text)
	hostOf := func(e mirror.NetrcEntry) string {
		h, _, _ := strings.Cut(strings.TrimPrefix(e.Machine, "https://"), "/")
		return h
	}
	find := func(all []mirror.NetrcEntry, is func(mirror.NetrcEntry) bool) *mirror.NetrcEntry {
		if i := slices.IndexFunc(all, is); i >= 0 {
			return &all[i]
		}
		return nil
	}
	if e := find(entries, func(e mirror.NetrcEntry) bool { return e.Serves(host, path) }); e != nil {
		if !quoted(e.Login) && !quoted(e.Password) {
			return nil
		}
		return &finding.Finding{Check: "netrc-quotes", Found: e.Machine,
			Effect: "The login or the password has quotes around it, which the go command sends as a part of it: a .netrc file knows no quotes.",
			Fix:    instead + " with login and password, without quotes"}
	}
	if e := find(incomplete, func(e mirror.NetrcEntry) bool { return e.Serves(host, path) }); e != nil {
		lacks := "password"
		if e.Login == "" {
			lacks = "login"
			if e.Password == "" {
				lacks = "login and password"
			}
		}
		return &finding.Finding{Check: "netrc-incomplete", Found: e.Machine,
			Effect: fmt.Sprintf("The entry is without %s, so the go command sends the mirror no credentials at all, and does not say so.", lacks),
			Fix:    instead + " with login and password"}
	}
	if e := find(entries, func(e mirror.NetrcEntry) bool { return hostOf(e) == host }); e != nil {
		return &finding.Finding{Check: "netrc-path", Found: e.Machine,
			Effect: fmt.Sprintf("The entry is for another path of the host than that of the mirror, %s: the go command finds no credentials for it.", u.Host+u.Path), Fix: instead}
	}
	if e := find(entries, func(e mirror.NetrcEntry) bool {
		other := url.URL{Host: hostOf(e)}
		return other.Hostname() == u.Hostname()
	}); e != nil {
		return &finding.Finding{Check: "netrc-port", Found: e.Machine,
			Effect: fmt.Sprintf("The go command looks for %s and finds no credentials for that mirror.", host), Fix: instead}
	}
	if e := find(entries, func(e mirror.NetrcEntry) bool { return strings.HasSuffix(u.Hostname(), "."+e.Machine) }); e != nil {
		return &finding.Finding{Check: "netrc-unmatched", Found: e.Machine,
			Effect: fmt.Sprintf("A domain does not stand for its hosts, nor does default: the go command finds no credentials for the mirror %s.", host), Fix: instead}
	}
	return unreadNetrc(text, u, instead)
}

// unreadNetrc says why an entry that seems to be there is none: its machine is
// spelled otherwise, or stands where no entry is read.
func unreadNetrc(text string, u *url.URL, instead string) *finding.Finding {
	fields := strings.Fields(strings.TrimPrefix(text, "\ufeff"))
	for i, machine := range fields {
		if i == 0 || fields[i-1] != "machine" {
			continue
		}
		bare := strings.ToLower(strings.Trim(machine, `"'`))
		if _, after, ok := strings.Cut(bare, "://"); ok {
			bare = after
		}
		bare = bare[strings.LastIndex(bare, "@")+1:]
		if bare, _, _ = strings.Cut(bare, "/"); bare != strings.ToLower(u.Host) && bare != strings.ToLower(u.Hostname()) {
			continue
		}
		switch {
		case quoted(machine):
			return &finding.Finding{Check: "netrc-quotes", Found: bare,
				Effect: "The machine has quotes around it, which the go command takes for a part of the name: a .netrc file knows no quotes.", Fix: instead}
		case machine != u.Host:
			return &finding.Finding{Check: "netrc-unread", Found: bare,
				Effect: fmt.Sprintf("The machine is not spelled like the host in the mirror's URL, %s, letter by letter and without http://: the go command finds no credentials for it.", u.Host), Fix: instead}
		}
		return &finding.Finding{Check: "netrc-unread", Found: bare,
			Effect: "The entry stands where the go command reads none: in a macdef, which ends at the next empty line, or out of step with the words before it (a comment, a byte order mark).",
			Fix:    instead + " with login and password, at the beginning of the file"}
	}
	return nil
}

// quoted reports whether a word of the file begins or ends with a quotation
// mark.
func quoted(word string) bool { return strings.Trim(word, `"'`) != word }
