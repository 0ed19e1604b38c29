package goenv

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/settings"
)

func (c *checker) proxy() {
	value := c.env.Get("GOPROXY")
	elements := cutList(value)
	if len(elements) == 0 {
		c.addError(emptyProxyError(value))
		return
	}
	// One finding quotes the whole list; nobody needs thousands of them.
	elements = elements[:min(len(elements), maxListed)]
	var chain Chain
	var ignored []string
	wrong := false // an entry is: the chain is not the one that was meant
	for _, el := range elements {
		if el.ignored {
			ignored = append(ignored, settings.Redact(el.raw))
			continue
		}
		entry, bad := parseEntry(el)
		if bad != nil {
			c.addError(bad.in(value))
			wrong = true
			continue
		}
		if m, ok := findMistake(el.raw); ok && entry.Kind == Mirror {
			c.strangeEntry(value, entry, m)
			wrong = true
			continue
		}
		chain = append(chain, entry)
	}
	for i, entry := range chain {
		if entry.Kind == Mirror {
			c.mirror(value, chain, i)
		}
	}
	if len(ignored) > 0 {
		c.ignoredEntries(value, chain, ignored)
	}
	if !wrong {
		chain[len(chain)-1].Sep = End
		c.separators(chain)
		c.duplicates(chain)
		c.sources(chain)
	}
}

// strangeEntry is about an entry that is a mistake but that the go command
// takes for a URL.
func (c *checker) strangeEntry(value string, entry Entry, m mistake) {
	c.add(m.check, finding.Error, "GOPROXY", entry.Raw,
		fmt.Sprintf("The entry %s; the go command reads all of it as one URL, %s, and finds nothing there.", m.what, entry.URL),
		cmp.Or(correctProxy(value), proxyExample))
}

func (c *checker) ignoredEntries(value string, chain Chain, ignored []string) {
	last := chain[len(chain)-1]
	c.add("goproxy-ignored-entries", finding.Warning, "GOPROXY", strings.Join(ignored, ","),
		fmt.Sprintf("The list ends at %s: the go command never uses what follows.", last.text()), cmp.Or(correctProxy(value), chain.String()))
}

func (c *checker) mirror(value string, chain Chain, i int) {
	entry := chain[i]
	if entry.hostless() {
		c.add("goproxy-no-host", finding.Error, "GOPROXY", entry.Raw,
			`The URL has no host, so every request fails with "http: no Host in request URL".`, cmp.Or(correctProxy(value), proxyExample))
		return
	}
	u, err := url.Parse(entry.URL)
	if err != nil || entry.isFile() {
		return
	}
	bare := *u
	bare.User = nil
	switch secret := settings.Redact(entry.URL) != entry.URL; {
	case u.User != nil && u.Scheme == "http":
		bare.Scheme = "https"
		c.add("goproxy-http-credentials", finding.Error, "GOPROXY", entry.Raw,
			`The go command sends no credentials over plain http: every request fails with "refusing to pass credentials to insecure URL", after which a pipe falls back to the next entry and a comma does not.`,
			chain.with(i, bare.String()))
	case u.User != nil:
		c.add("goproxy-credentials", finding.Warning, "GOPROXY", entry.Raw, credentialsEffect(u), chain.with(i, bare.String()))
	case secret:
		c.add("goproxy-credentials", finding.Warning, "GOPROXY", entry.Raw,
			"The go command sends the query with every request and shows it in every error message.",
			"the URL without the secret, which netrc or GOAUTH supplies")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		bare.Scheme = "https"
		c.add("goproxy-http", finding.Info, "GOPROXY", entry.Raw,
			"Requests to this mirror are unencrypted: anyone on the network path sees the module names and can answer in its place; only go.sum and the checksum database detect wrong content.",
			chain.with(i, bare.String()))
	}
	c.writing(chain, i, u)
}

// credentialsEffect says where credentials in an https URL show up. The go
// command hides a password (url.Redacted), but a token that stands alone is
// the user name.
func credentialsEffect(u *url.URL) string {
	if _, hasPassword := u.User.Password(); !hasPassword {
		return "The go command shows the token in every error message, because it hides passwords only and takes the token for a user name; netrc keeps it out of the value."
	}
	return "The go command uses these credentials instead of netrc, and every process and every dump of the environment shows the value; netrc keeps them out of it."
}

// writing checks how the URL of a mirror is written.
func (c *checker) writing(chain Chain, i int, u *url.URL) {
	entry := chain[i]
	if !strings.Contains(entry.Raw, ":/") {
		severity := finding.Info
		if port := u.Port(); isLoopback(u.Hostname()) || port != "" && port != "443" {
			severity = finding.Warning // such a server rarely speaks TLS
		}
		c.add("goproxy-scheme-added", severity, "GOPROXY", entry.Raw,
			"The go command adds https:// to an entry without a scheme.", chain.with(i, entry.URL))
	}
	if strings.Contains(entry.Raw, "#") {
		c.add("goproxy-fragment", finding.Info, "GOPROXY", entry.Raw,
			"The go command does not send what follows #.", chain.with(i, entry.URL))
	}
}

func (c *checker) separators(chain Chain) {
	piped := append(Chain(nil), chain...)
	severity := finding.Info
	var stops []string
	for i, entry := range chain[:len(chain)-1] {
		next := chain[i+1]
		if entry.Kind == Mirror && entry.Sep == Comma && next.Kind != Off && !entry.isFile() {
			piped[i].Sep = Pipe
			stops = append(stops, settings.Redact(entry.Raw))
			if next.Kind == Mirror {
				severity = finding.Warning
			}
		}
		if u, err := url.Parse(entry.URL); err == nil && u.User != nil && entry.Sep == Pipe && next.Kind != Off {
			c.add("goproxy-pipe-passes-refusal", finding.Info, "GOPROXY", entry.Raw,
				"A pipe falls back on a refusal (401, 403), too: what this mirror denies is requested from the next entry; with a comma its refusal is final.",
				chain.withSep(i, Comma))
		}
	}
	if len(stops) > 0 {
		c.add("goproxy-separator", severity, "GOPROXY", chain.String(),
			fmt.Sprintf("A comma falls back on 404 and 410 only: when %s is down, times out or answers 403, 429 or 5xx, the download fails and the next entry is not tried; that is right only where a refusal must be final.", some(stops)),
			piped.String())
	}
}

func (c *checker) duplicates(chain Chain) {
	seen := map[string]bool{}
	for _, entry := range chain.Mirrors() {
		if seen[entry.URL] {
			c.add("goproxy-duplicate", finding.Info, "GOPROXY", entry.Raw,
				"The go command remembers the first answer of a mirror, errors included: listing it again gives a second attempt for zips only.",
				"each mirror once")
		}
		seen[entry.URL] = true
	}
}

func (c *checker) sources(chain Chain) {
	mirrors := chain.Mirrors()
	network := false
	for _, m := range mirrors {
		network = network || !m.isFile()
	}
	switch {
	case len(mirrors) == 0 && chain.hasDirect():
		c.add("goproxy-direct-only", finding.Info, "GOPROXY", chain.String(),
			"No mirror is used: the go command gets every module from its repository, through git or another version control program.",
			"a mirror before direct, as in https://mirror.example/path,direct")
	case !network && !chain.hasDirect():
		severity, still := finding.Info, []string(nil)
		if p := c.env.Get("GONOPROXY"); p != "" && p != patternNone {
			severity, still = finding.Warning, append(still, fmt.Sprintf("modules that match GONOPROXY (%s) are still downloaded from their repositories", p))
		}
		if c.env.Get("GOSUMDB") != keywordOff {
			still = append(still, "hashes that go.sum lacks are still looked up in the checksum database")
		}
		if len(still) == 0 {
			return
		}
		c.add("goproxy-not-offline", severity, "GOPROXY", chain.String(), "This is not offline: "+strings.Join(still, ", and ")+".",
			"GODEBUG=cmdgonetlimit=0 in the environment refuses every use of the network")
	}
}

func (c Chain) with(i int, mirror string) string {
	changed := append(Chain(nil), c...)
	changed[i].URL = mirror
	return changed.String()
}

func (c Chain) withSep(i int, sep Separator) string {
	changed := append(Chain(nil), c...)
	changed[i].Sep = sep
	return changed.String()
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}
