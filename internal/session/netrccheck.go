package session

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/mirror"
)

// UnusedCredentials tells of a file of passwords that is not there, and of entries that
// are meant for a mirror and do not serve it.
func (s *Session) UnusedCredentials() []finding.Finding {
	name := s.NetrcFile()
	if name == "" {
		return nil
	}
	data, err := diskfile.Read(name, mirror.MaxNetrc)
	if errors.Is(err, fs.ErrNotExist) && name == s.getenv("NETRC") {
		return []finding.Finding{{Check: "netrc-missing", Severity: finding.Warning, Setting: "NETRC", Found: name,
			Effect: "NETRC names a file that does not exist, so mirrors get no credentials, and the go command says nothing of it. A CI variable of type File that this job does not have looks like this.",
			Fix:    "the file at that place, or NETRC unset"}}
	}
	if err != nil {
		return nil // readNetrc has told what matters
	}
	var out []finding.Finding
	for _, h := range s.Chain.Hops {
		u, err := url.Parse(h.URL)
		if err != nil || u.Host == "" || u.User != nil {
			continue // a directory, or with its own
		}
		var f *finding.Finding
		if u.Scheme == "http" {
			f = plainNetrc(string(data), u)
		} else if f = examineNetrc(string(data), u); f == nil && !h.Public {
			f = onlyDefault(string(data), u)
		}
		if f != nil {
			f.Severity, f.Setting = finding.Warning, ".netrc"
			out = append(out, *f)
		}
	}
	return out
}

// RefusedCredentials tells of credentials that were sent to mirrors which want other
// ones; refused says which mirrors answered so.
func (s *Session) RefusedCredentials(refused func(*Hop) bool) []finding.Finding {
	if s.guest {
		return nil // nothing was sent
	}
	var out []finding.Finding
	for _, h := range s.Chain.Hops {
		u, err := url.Parse(h.URL)
		if err != nil || u.Scheme != "https" || !refused(h) {
			continue
		}
		f := finding.Finding{Check: "credentials-refused", Severity: finding.Warning, Setting: "GOPROXY", Found: h.Name(),
			Effect: "The credentials in the URL were sent to the mirror and refused.", Fix: "a valid password or token in the URL, from a secret"}
		password, _ := u.User.Password()
		if u.User == nil {
			e, ok := mirror.LookupNetrc(s.netrc, u.Host, strings.TrimRight(u.Path, "/"))
			if !ok {
				continue
			}
			password, f.Setting = e.Password, ".netrc"
			f.Effect = fmt.Sprintf("The credentials of %s (login %s) were sent to the mirror and refused.", s.NetrcFile(), e.Login)
			f.Fix = "machine " + u.Host + " with a valid login and password"
		}
		if _, after, ok := strings.Cut(password, "${"); ok && strings.Contains(after, "}") {
			f.Effect += " The password contains ${…}: it looks like a variable that nothing has replaced with its value."
		}
		out = append(out, f)
	}
	return out
}

// plainNetrc says that an entry for a mirror is not used, as the mirror's URL is a
// plain one.
func plainNetrc(text string, u *url.URL) *finding.Finding {
	entries, _ := mirror.ParseNetrc(text)
	e, ok := mirror.LookupNetrc(entries, u.Host, strings.TrimRight(u.Path, "/"))
	if !ok {
		return nil
	}
	return &finding.Finding{Check: "netrc-http", Found: e.Machine,
		Effect: fmt.Sprintf("Neither modferry nor the go command sends credentials over plain http, so %s gets none.", u.Host),
		Fix:    "https://" + u.Host + u.Path + " in GOPROXY"}
}

// onlyDefault says that a file with no entry but default has none for a mirror.
func onlyDefault(text string, u *url.URL) *finding.Finding {
	fields := strings.Fields(text)
	if !slices.Contains(fields, "default") || slices.Contains(fields, "machine") {
		return nil
	}
	return &finding.Finding{Check: "netrc-unmatched", Found: "default",
		Effect: fmt.Sprintf("Neither a parent domain nor default covers the mirror %s: the go command finds no credentials for it.", u.Host),
		Fix:    "machine " + u.Host + " with login and password"}
}

// examineNetrc says why a file of passwords does not serve a mirror although it
// names it; nil when it serves it or has nothing to do with it. The go command
// compares with the port where the URL has one (cmd/go/internal/auth/netrc.go).
func examineNetrc(text string, u *url.URL) *finding.Finding {
	host, path, instead := u.Host, strings.TrimRight(u.Path, "/"), "machine "+u.Host
	entries, incomplete := mirror.ParseNetrc(text)
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
			Effect: "The login or the password has quotes around it, which the go command sends as part of it: .netrc files have no quoting.",
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
			Effect: fmt.Sprintf("The entry has no %s, so the go command silently sends the mirror no credentials at all.", lacks),
			Fix:    instead + " with login and password"}
	}
	if e := find(entries, func(e mirror.NetrcEntry) bool { return hostOf(e) == host }); e != nil {
		return &finding.Finding{Check: "netrc-path", Found: e.Machine,
			Effect: fmt.Sprintf("The entry is for a different path of the host than the mirror's, %s: the go command finds no credentials for it.", u.Host+u.Path), Fix: instead}
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
			Effect: fmt.Sprintf("Neither a parent domain nor default covers the mirror %s: the go command finds no credentials for it.", host), Fix: instead}
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
				Effect: "The machine has quotes around it, which the go command reads as part of the name: .netrc files have no quoting.", Fix: instead}
		case machine != u.Host:
			return &finding.Finding{Check: "netrc-unread", Found: bare,
				Effect: fmt.Sprintf("The machine must be spelled exactly like the host in the mirror's URL, %s, without http://: the go command finds no credentials for it.", u.Host), Fix: instead}
		}
		return &finding.Finding{Check: "netrc-unread", Found: bare,
			Effect: "The go command does not read an entry at this place: it is inside a macdef, which ends at the next empty line, or misaligned with the words before it (a comment, a byte order mark).",
			Fix:    instead + " with login and password, at the beginning of the file"}
	}
	return nil
}

// quoted reports whether a word of the file begins or ends with a quotation
// mark.
func quoted(word string) bool { return strings.Trim(word, `"'`) != word }
