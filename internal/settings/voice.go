package settings

import (
	"cmp"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/diskfile"
)

// Voice says what a configuration file that lies in the checkout may do with a
// setting. A pull request may have written it, so the file may tune and narrow
// what the job does; it may not decide whom the job trusts, where credentials
// of the job go or what is written outside of the checkout. The zero value is
// the job alone: a new setting is closed until somebody opens it.
type Voice int

// The voices.
const (
	JobOnly  Voice = iota // nothing: it is not obeyed, and a finding says so
	Anyone                // everything
	Narrows               // choose any value but the ones that loosen
	AddsUp                // add patterns for this run, take none away
	Inside                // name a place in the checkout
	Verified              // name mirrors, for what go.sum verifies in this run
)

// String is the voice as docs/settings.md shows it.
func (v Voice) String() string {
	switch v {
	case Anyone:
		return "yes"
	case Narrows:
		return "narrower only"
	case AddsUp:
		return "adds"
	case Inside:
		return "inside it"
	case Verified:
		return "this run"
	}
	return "no"
}

// Checkout is what a configuration file without the job's voice says. Nothing
// of it reaches the later steps of a job: there it would decide what @latest
// is, or which names are told to whom.
type Checkout struct {
	Root    string // what files of the checkout are confined to, absolute
	File    string // the configuration file as messages name it; "" when it has the job's voice or is not there
	Proxy   string // GOPROXY list, "" also when Mirrors are to be used
	Mirrors []MirrorConfig
	Direct  bool   // as Values.Direct
	Private string // patterns that count beside the job's
	Rules   []RuleConfig

	Obeyed  []string  // names of the settings that the file decided, in the order of the table
	Ignored []Ignored // what it said in vain

	Sources map[string]string // setting → where Proxy, Mirrors or Private come from
}

// Ignored is a setting that the checkout may not say.
type Ignored struct {
	Setting Setting
	Source  string // "file .modferry.yaml:3"
	Why     string // a sentence: what it would do
}

// ProxyList is Values.ProxyList for the mirrors that only the checkout names.
func (c *Checkout) ProxyList() string { return proxyList(c.Proxy, c.Mirrors, c.Direct) }

// FromCheckout reports whether the checkout decided a setting.
func (v *Values) FromCheckout(name string) bool { return slices.Contains(v.Checkout.Obeyed, name) }

// hasJobsVoice reports whether a file at a place says what the job says.
func (v *Values) hasJobsVoice(at place) bool { return !at.ofCheckout || v.TrustCheckout }

// heard returns what the configuration file gives for a setting, nil when it is
// of the checkout and must not say it. overruled says that the job gave a value
// itself, which wins in any case. The error is about a value that nobody can
// mean.
func (v *Values) heard(s Setting, g *given, at place, overruled bool) (*given, error) {
	if g == nil || v.hasJobsVoice(at) {
		return g, nil
	}
	if s.Kind == File {
		name := strings.TrimSpace(g.text)
		if !filepath.IsAbs(name) {
			name = filepath.Join(at.dir, name)
		}
		if at.files.IsIrregular(name) {
			return nil, g.err(quote(g.text)+", which is a device or a pipe", "a file", "correct the path or remove it")
		}
	}
	if overruled && s.Checkout != AddsUp {
		return nil, nil // without a word: it is the ordinary precedence
	}
	refuse := func(why string) (*given, error) {
		v.Checkout.Ignored = append(v.Checkout.Ignored, Ignored{s, g.source, why})
		return nil, nil
	}
	switch s.Checkout {
	case JobOnly:
		return refuse(cmp.Or(s.why, "With it, the change would decide what the job trusts."))
	case Narrows:
		if slices.Contains(s.loose, strings.TrimSpace(g.text)) {
			return refuse(s.why)
		}
	case Inside:
		if why := at.outside(s, g.text); why != "" {
			return refuse(why)
		}
	case Verified:
		if s.Kind == Chain && !at.holdsFiles(g.text) {
			return refuse(s.why)
		}
	}
	v.obey(s.Name, g.source)
	if s.apart != nil {
		*s.apart(v), _ = parseList(g.text)
		return nil, nil
	}
	return g, nil
}

// withoutCertificates is a mirror of the checkout without what decides whom the job
// trusts, and what it shows of itself.
func (v *Values) withoutCertificates(m MirrorConfig, at place) MirrorConfig {
	source := fmt.Sprintf("file %s:%d", at.shown, m.Line)
	for _, c := range []struct {
		key  string
		said bool
		why  string
	}{
		{keyCAFile, m.CAFile != "", "With it, the change would decide which servers the job trusts."},
		{keyCert, m.ClientCert != "", "With it, a credential of the job would go to a server that the job did not name."},
	} {
		if c.said {
			v.Checkout.Ignored = append(v.Checkout.Ignored, Ignored{Setting{Name: c.key, Config: c.key}, source, c.why})
		}
	}
	m.CAFile, m.ClientCert, m.ClientKey = "", "", ""
	return m
}

func (v *Values) obey(name, source string) {
	v.Checkout.Obeyed = append(v.Checkout.Obeyed, name)
	v.Checkout.Sources[name] = source
}

// place is where a configuration file was found.
type place struct {
	ofCheckout bool
	shown      string // the file as messages name it
	dir        string // the file's directory, which paths in it are relative to
	root       string // of the checkout
	files      Files
}

// outside says why a value names something that is not in the checkout; "" when
// it is, or names no place at all.
func (p place) outside(s Setting, text string) string {
	text = strings.TrimSpace(text)
	if text == off {
		return ""
	}
	if s.Kind == Store {
		kind, path, _ := strings.Cut(text, ":")
		switch kind {
		case "gha": // the service that the job's own variables name
			return ""
		case "dir":
			text = path
		default:
			return s.why
		}
	}
	if !filepath.IsAbs(text) {
		text = filepath.Join(p.dir, text)
	}
	if !p.contains(text) {
		return whyWrite
	}
	return ""
}

// holdsFiles reports whether the file:// mirrors of a GOPROXY list are
// directories of the checkout.
func (p place) holdsFiles(list string) bool {
	for _, entry := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == '|' || r == '\n' }) {
		entry = strings.TrimSpace(entry)
		if len(entry) < len("file:") || !strings.EqualFold(entry[:len("file:")], "file:") {
			continue
		}
		u, err := url.Parse(entry)
		if err != nil || u.Host != "" || u.Path == "" || !p.contains(diskfile.FromURL(u)) {
			return false
		}
	}
	return true
}

// contains reports whether a path is in the checkout, links on the way counted.
func (p place) contains(path string) bool {
	return within(p.files.Real(p.root), p.files.Real(path))
}

// within reports whether path is dir or below it.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
