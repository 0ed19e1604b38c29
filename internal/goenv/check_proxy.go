package goenv

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/settings"
)

func (c *checker) proxy() {
	value := c.env.Get("GOPROXY")
	elements := cutList(value)
	if len(elements) == 0 {
		c.addError(emptyProxyError(value), "")
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
			c.addError(bad.in(value), correctProxy(value))
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
	edits := &edits{c: c, fixed: slices.Clone(chain)}
	for i, entry := range chain {
		if entry.Kind == Mirror {
			c.mirror(value, edits, i)
		}
	}
	if len(ignored) > 0 {
		c.ignoredEntries(value, chain, ignored)
	}
	if !wrong {
		chain[len(chain)-1].Sep = End
		edits.fixed[len(chain)-1].Sep = End
		c.separators(chain, edits)
		c.duplicates(chain)
		c.sources(chain)
	}
	edits.tell()
}

// edits are the changes to a chain that its findings propose, made together.
type edits struct {
	c     *checker
	fixed Chain
	of    []int // the findings
}

func (e *edits) add(check string, severity finding.Severity, offending, effect string) {
	e.c.add(check, severity, "GOPROXY", offending, effect, "")
	e.of = append(e.of, len(e.c.found)-1)
}

// tell gives the findings the chain with all changes.
func (e *edits) tell() {
	for _, i := range e.of {
		e.c.found[i].value = e.fixed.String()
	}
}

// strangeEntry is about an entry that is a mistake but that the go command
// takes for a URL.
func (c *checker) strangeEntry(value string, entry Entry, m mistake) {
	c.addValue(m.check, finding.Error, "GOPROXY", entry.Raw,
		fmt.Sprintf("The entry %s; the go command reads all of it as one URL, %s, and finds nothing there.", m.what, entry.URL),
		correctProxy(value), proxyExample)
}

func (c *checker) ignoredEntries(value string, chain Chain, ignored []string) {
	last := chain[len(chain)-1]
	c.addValue("goproxy-ignored-entries", finding.Warning, "GOPROXY", strings.Join(ignored, ","),
		fmt.Sprintf("The list ends at %s: the go command never uses what follows.", last.text()), cmp.Or(correctProxy(value), chain.String()), "")
}

func (c *checker) mirror(value string, edits *edits, i int) {
	entry := edits.fixed[i]
	if entry.hostless() {
		c.addValue("goproxy-no-host", finding.Error, "GOPROXY", entry.Raw,
			`The URL has no host, so every request fails with "http: no Host in request URL".`, correctProxy(value), proxyExample)
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
		edits.add("goproxy-http-credentials", finding.Error, entry.Raw,
			`The go command sends no credentials over plain http: every request fails with "refusing to pass credentials to insecure URL", after which a pipe falls back to the next entry and a comma does not. Over https, netrc supplies them.`)
		edits.fixed[i].URL = bare.String()
	case u.User != nil:
		edits.add("goproxy-credentials", finding.Warning, entry.Raw, credentialsEffect(u))
		edits.fixed[i].URL = bare.String()
	case secret:
		c.add("goproxy-credentials", finding.Warning, "GOPROXY", entry.Raw,
			"The go command sends path and query with every request and shows them in every error message.",
			"over https, the URL without the secret, which netrc or GOAUTH supplies")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		bare.Scheme = "https"
		edits.add("goproxy-http", finding.Info, entry.Raw,
			"Requests to this mirror are unencrypted: anyone on the network path sees the module names and can answer in its place; only go.sum and the checksum database detect wrong content.")
		edits.fixed[i].URL = bare.String()
	}
	c.writing(edits, entry, u)
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
func (c *checker) writing(edits *edits, entry Entry, u *url.URL) {
	if !strings.Contains(entry.Raw, ":/") {
		severity := finding.Info
		if port := u.Port(); isLoopback(u.Hostname()) || port != "" && port != "443" {
			severity = finding.Warning // such a server rarely speaks TLS
		}
		edits.add("goproxy-scheme-added", severity, entry.Raw, "The go command adds https:// to an entry without a scheme.")
	}
	if strings.Contains(entry.Raw, "#") {
		edits.add("goproxy-fragment", finding.Info, entry.Raw, "The go command does not send what follows #.")
	}
}

// separators checks what stands behind each mirror. A comma behind one that is not
// public may be what makes a company's refusals final, so nobody is told to replace
// it.
func (c *checker) separators(chain Chain, edits *edits) {
	severity := finding.Info
	var stops []string
	var piped []int
	for i, entry := range chain[:len(chain)-1] {
		next := chain[i+1]
		if entry.Kind == Mirror && entry.Sep == Comma && next.Kind != Off && !entry.isFile() {
			stops = append(stops, settings.Redact(entry.Raw))
			if next.Kind == Mirror {
				severity = finding.Warning
			}
			if c.public(entry.URL) {
				piped = append(piped, i)
			}
		}
		if u, err := url.Parse(entry.URL); err == nil && u.User != nil && entry.Sep == Pipe && next.Kind != Off {
			edits.add("goproxy-pipe-passes-refusal", finding.Info, entry.Raw,
				"A pipe falls back on a refusal (401, 403), too: what this mirror denies is requested from the next entry; with a comma its refusal is final.")
			edits.fixed[i].Sep = Comma
		}
	}
	if len(stops) == 0 {
		return
	}
	effect := fmt.Sprintf("A comma falls back on 404 and 410 only: when %s is down, times out or answers 403, 429 or 5xx, the download fails and the next entry is not tried; that is right only where a refusal must be final.", some(stops))
	if len(piped) == 0 {
		c.add("goproxy-separator", severity, "GOPROXY", chain.String(), effect, "")
		return
	}
	edits.add("goproxy-separator", severity, chain.String(), effect)
	for _, i := range piped {
		edits.fixed[i].Sep = Pipe
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

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}
