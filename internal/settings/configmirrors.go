package settings

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// mirrorKeys are the keys of an entry of the mirrors list, and how they are read.
var mirrorKeys = map[string]func(*document, *MirrorConfig, entry) error{
	"url": func(d *document, m *MirrorConfig, e entry) (err error) {
		if m.URL, err = d.single(e, "a single value"); err != nil {
			return err
		}
		return d.checkURL(m.URL, e.value)
	},
	"weight": func(d *document, m *MirrorConfig, e entry) error {
		text, err := d.single(e, "a single value")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxWeight {
			return d.unfit(e, &misfit{found: quote(text), expected: fmt.Sprintf("a whole number from 1 to %d", maxWeight)})
		}
		m.Weight = n
		return nil
	},
	"fall-through": func(d *document, m *MirrorConfig, e entry) error {
		text, err := d.single(e, "a single value")
		if err != nil {
			return err
		}
		choice, bad := parseChoice(text, []string{fallThroughNotFound, FallThroughAny})
		m.FallThrough = choice
		return d.unfit(e, bad)
	},
	"fallback-only": func(d *document, m *MirrorConfig, e entry) error {
		b, err := d.boolean(e)
		m.FallbackOnly = b
		return err
	},
	"timeouts": (*document).timeouts,
	"name":     (*document).mirrorName,
	"region":   wordOf(func(m *MirrorConfig) *string { return &m.Region }),
	keyCAFile:  wordOf(func(m *MirrorConfig) *string { return &m.CAFile }),
	keyCert:    wordOf(func(m *MirrorConfig) *string { return &m.ClientCert }),
	keyKey:     wordOf(func(m *MirrorConfig) *string { return &m.ClientKey }),
}

// The keys of the files of one mirror.
const (
	keyCAFile = "ca-file"
	keyCert   = "client-certificate"
	keyKey    = "client-key"
)

// wordOf reads a value that is one word or path.
func wordOf(field func(*MirrorConfig) *string) func(*document, *MirrorConfig, entry) error {
	return func(d *document, m *MirrorConfig, e entry) (err error) {
		text, err := d.single(e, "a single value")
		if err == nil && text == "" {
			err = d.err(e.value, "an empty value", "a value for "+e.key, "write a value or leave it out")
		}
		*field(m) = text
		return err
	}
}

// mirrorName reads what rules call a mirror by.
func (d *document) mirrorName(m *MirrorConfig, e entry) error {
	text, err := d.single(e, "a name")
	switch {
	case err != nil:
		return err
	case text == "" || strings.ContainsAny(text, ":/,| \t") || slices.Contains(ruleWords, text):
		return d.err(e.value, quote(text), "a name such as artifactory", "write a word that is neither a URL nor "+list(ruleWords))
	}
	m.Name = text
	return nil
}

// timeoutKeys are the keys of its timeouts.
var timeoutKeys = map[string]func(*Timeouts) *time.Duration{
	"connect":    func(t *Timeouts) *time.Duration { return &t.Connect },
	"tls":        func(t *Timeouts) *time.Duration { return &t.TLS },
	"first-byte": func(t *Timeouts) *time.Duration { return &t.FirstByte },
	"stall":      func(t *Timeouts) *time.Duration { return &t.Stall },
	"request":    func(t *Timeouts) *time.Duration { return &t.Request },
}

// The values of fall-through.
const (
	fallThroughNotFound = "not-found"
	// FallThroughAny says that every failure falls back to the next mirror.
	FallThroughAny = "any"
)

// mirrors reads the mirrors list.
func (d *document) mirrors(e entry) ([]MirrorConfig, error) {
	items, err := d.sequence(e)
	if err != nil {
		return nil, err
	}
	var out []MirrorConfig
	for _, item := range items {
		m, err := d.mirror(item)
		if err != nil {
			return nil, err
		}
		same := func(o MirrorConfig) bool { return strings.TrimRight(o.URL, "/") == strings.TrimRight(m.URL, "/") }
		if i := slices.IndexFunc(out, same); i >= 0 {
			return nil, d.err(item, fmt.Sprintf("the mirror of line %d again", out[i].Line), "every mirror once",
				"remove one; for more attempts, set retries")
		}
		if m.Name != "" && slices.ContainsFunc(out, func(o MirrorConfig) bool { return o.Name == m.Name }) {
			return nil, d.err(item, "the name "+quote(m.Name)+" again", "another name for every mirror", "")
		}
		out = append(out, m)
	}
	if !slices.ContainsFunc(out, func(m MirrorConfig) bool { return !m.FallbackOnly }) {
		return nil, d.err(e.keyNode, "only mirrors with fallback-only: true", "at least one without it", "remove it from the first")
	}
	return out, nil
}

// mirror reads one entry: a mapping, or just the URL.
func (d *document) mirror(node ast.Node) (MirrorConfig, error) {
	m := MirrorConfig{Weight: 1, FallThrough: fallThroughNotFound, Line: position(node).Line}
	if text, ok := scalar(node); ok {
		m.URL = strings.TrimSpace(text)
		return m, d.checkURL(m.URL, node)
	}
	entries, err := d.mapping(node, "a mirror: its url and options")
	if err != nil {
		return m, err
	}
	for _, e := range entries {
		read, ok := mirrorKeys[e.key]
		if !ok {
			return m, d.unknownKey(e, slices.Collect(maps.Keys(mirrorKeys)))
		}
		if err := read(d, &m, e); err != nil {
			return m, err
		}
	}
	if m.URL == "" {
		return m, d.err(node, "a mirror without url", "its url", "add url: https://…")
	}
	if m.ClientKey != "" && m.ClientCert == "" {
		return m, d.err(node, keyKey+" without "+keyCert, "both, or the certificate alone when its file has the key too", "add "+keyCert)
	}
	if m.CAFile+m.ClientCert != "" && !strings.HasPrefix(m.URL, "https:") {
		return m, d.err(node, "certificates for "+quote(m.URL), "certificates for an https:// mirror only", "")
	}
	return m, nil
}

// timeouts reads the limits of one mirror.
func (d *document) timeouts(m *MirrorConfig, e entry) error {
	entries, err := d.mapping(e.value, "limits: connect, tls, first-byte, stall or request")
	if err != nil {
		return err
	}
	for _, e := range entries {
		field, ok := timeoutKeys[e.key]
		if !ok {
			return d.unknownKey(e, slices.Collect(maps.Keys(timeoutKeys)))
		}
		text, err := d.single(e, "a duration")
		if err != nil {
			return err
		}
		limit, bad := parseDuration(text, false, maxDuration)
		if err := d.unfit(e, bad); err != nil {
			return err
		}
		*field(&m.Timeouts) = limit
	}
	return nil
}

// checkURL accepts what the go command accepts as a mirror, but asks for the
// scheme to be written out.
func (d *document) checkURL(text string, node ast.Node) error {
	fail := func(found, expected, remedy string) error { return d.err(node, found, expected, remedy) }
	const expected = "an absolute URL that begins with https://, http:// or file:///"
	switch {
	case text == "direct":
		return fail("direct in the list of mirrors", "URLs of mirrors only", "remove it: direct follows the mirrors unless direct: false is set")
	case text == "off":
		return fail("off in the list of mirrors", "URLs of mirrors only", "set direct: false to have nothing follow the mirrors")
	case strings.ContainsAny(text, ",|"):
		return fail("several entries in "+quote(text), "one URL for each mirror",
			"write one list item for each, with fall-through: any instead of a bar")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return fail(quote(text)+", which is not a URL", expected, "")
	case u.Scheme == "" || u.Opaque != "" || (u.Host == "" && u.Scheme != "file"):
		remedy := ""
		if host, _, _ := strings.Cut(text, "/"); strings.ContainsAny(host, ".:") {
			remedy = "write https://" + text
		}
		return fail(quote(text), expected, remedy)
	case u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "file":
		return fail(quote(text), expected, "")
	case u.Scheme == "file" && (u.Host != "" || !strings.HasPrefix(u.Path, "/")):
		return fail(quote(text), "file:/// and an absolute path", "write file:///"+strings.TrimLeft(u.Host+u.Path, "/"))
	case u.Scheme == "http" && u.User != nil:
		return fail(quote(text)+", which would send the password unencrypted", "credentials in an https:// URL only, as the go command requires",
			"write https:// instead, or put the credentials into netrc")
	}
	return nil
}
