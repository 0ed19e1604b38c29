package goenv

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/settings"
)

// Forward is the forward proxies that the go command reads from the
// environment. It takes no other source: go env -w refuses these names.
type Forward struct {
	all         string // ALL_PROXY, which it does not read
	http, https variable
	no          variable
	proxyForURL func(*url.URL) (*url.URL, error)
}

// variable is one that may be written in upper or in lower case.
type variable struct {
	name  string // the one that counts
	value string
	other string // the value of the other one when it differs
}

// ReadForward reads HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Up to Go 1.26 the
// upper-case name wins (net/http: ProxyFromEnvironment).
func ReadForward(getenv func(string) string) Forward {
	read := func(name string) variable {
		upper, lower := getenv(name), getenv(strings.ToLower(name))
		v := variable{name, upper, ""}
		if upper == "" && lower != "" {
			v = variable{strings.ToLower(name), lower, ""}
		} else if lower != "" && lower != upper {
			v.other = lower
		}
		return v
	}
	f := Forward{
		all: cmp.Or(getenv("ALL_PROXY"), getenv("all_proxy")), http: read("HTTP_PROXY"), https: read("HTTPS_PROXY"), no: read("NO_PROXY"),
	}
	f.proxyForURL = (&httpproxy.Config{HTTPProxy: f.http.value, HTTPSProxy: f.https.value, NoProxy: f.no.value}).ProxyFunc()
	return f
}

// Check names what forward proxies do to the requests for the chain's mirrors
// that their author may not have meant. The rules are those of
// golang.org/x/net/http/httpproxy, which net/http uses. nil means nothing to
// say; the findings hold no credentials.
func (f Forward) Check(chain Chain) []finding.Finding {
	c := forwardChecker{Forward: f}
	c.values()
	c.elements()
	var past, internal, loopback, unproxied []string
	for _, m := range chain.Mirrors() {
		u, err := url.Parse(m.URL)
		if err != nil || m.isFile() || u.Host == "" {
			continue
		}
		own := f.https
		if u.Scheme == "http" {
			own = f.http
		}
		proxy, err := f.proxyForURL(u)
		switch host := u.Hostname(); {
		case own.value == "" && u.Scheme == "https" && f.http.value != "" && !isLoopback(host) && !f.exempt(u):
			unproxied = append(unproxied, u.Host)
		case own.value == "":
		case isLoopback(host):
			loopback = append(loopback, u.Host)
		case err != nil || proxy == nil:
			past = append(past, u.Host)
		case PrivateHost(host):
			internal = append(internal, host)
		}
	}
	c.mirrors(past, internal, loopback, unproxied)
	for _, i := range c.corrected { // all tell the one value that answers them all
		c.findings[i].Fix = pasteableProxy("NO_PROXY=" + strings.Join(c.exceptions, ","))
	}
	return c.findings
}

// Err is a *SyntaxError for an address whose password may have been cut, nil for
// none: requests would look up a part of the password as the name of a host. Check
// names it, too.
func (f Forward) Err() error {
	for _, v := range []variable{f.http, f.https} {
		if v.cut() {
			return newSyntaxError("forward-proxy-invalid", v.name, v.address(), cutProblem, forwardExample)
		}
	}
	return nil
}

// address is the value with the scheme that the go command adds.
func (v variable) address() string {
	if strings.Contains(v.value, "://") {
		return v.value
	}
	return "http://" + v.value
}

func (v variable) cut() bool {
	_, err := url.Parse(v.address())
	return err == nil && cutPassword(v.address())
}

// exempt reports whether NO_PROXY matches a URL, whatever proxies are set.
func (f Forward) exempt(u *url.URL) bool {
	proxy, err := (&httpproxy.Config{HTTPProxy: "p.test", HTTPSProxy: "p.test", NoProxy: f.no.value}).ProxyFunc()(u)
	return err == nil && proxy == nil
}

// forwardExample is what to write instead of an address that cannot be used.
const forwardExample = "an address such as http://proxy.example.test:3128"

type forwardChecker struct {
	Forward
	findings   []finding.Finding
	exceptions []string // NO_PROXY, corrected
	corrected  []int    // the findings that this corrects
}

func (c *forwardChecker) add(check string, severity finding.Severity, setting, found, effect, fix string) {
	c.findings = append(c.findings, finding.Finding{
		Check: check, Severity: severity, Setting: setting, Found: redactProxy(found), Source: sourceEnvironment,
		Effect: effect, Fix: pasteableProxy(fix),
	})
}

// pasteableProxy is pasteable for the address of a proxy.
func pasteableProxy(fix string) string {
	name, value, _ := strings.Cut(fix, "=")
	if redactProxy(value) != value {
		return "the same address in " + name + ", its credentials included"
	}
	return pasteable(fix)
}

// redactProxy redacts a proxy's address, which may have no scheme.
func redactProxy(s string) string {
	if strings.Contains(s, "://") || !strings.Contains(s, "@") {
		return settings.Redact(s)
	}
	return strings.TrimPrefix(settings.Redact("http://"+s), "http://")
}

func (c *forwardChecker) values() {
	if c.all != "" && c.https.value == "" {
		c.add("forward-proxy-unknown", finding.Warning, "ALL_PROXY", c.all,
			"The go command does not read this variable, so it contacts every mirror without a forward proxy.", "HTTPS_PROXY="+c.all)
	}
	for _, v := range []variable{c.http, c.https, c.no} {
		if v.other != "" {
			c.add("forward-proxy-two-values", finding.Warning, v.name, v.value,
				fmt.Sprintf("%s has a different value, %s. Which of the two wins depends on the program and its version (the go command up to 1.26 takes %s).",
					strings.ToLower(v.name), redactProxy(v.other), v.name), "the same value for both")
		}
	}
	for _, v := range []variable{c.http, c.https} {
		if v.value == "" {
			continue
		}
		scheme, _, hasScheme := strings.Cut(v.value, "://")
		_, err := url.Parse(v.value)
		_, errWith := url.Parse("http://" + v.value)
		switch {
		case v.cut():
			c.add("forward-proxy-invalid", finding.Error, v.name, v.value, sentence(cutProblem), forwardExample)
		case err != nil && errWith != nil:
			c.add("forward-proxy-invalid", finding.Error, v.name, v.value,
				"The address cannot be parsed, and the go command then silently contacts every server without a proxy.", forwardExample)
		case err != nil && hasScheme:
			c.add("forward-proxy-invalid", finding.Error, v.name, v.value,
				fmt.Sprintf("The address cannot be parsed; the go command then takes it for http://%s:, a proxy named %[1]s, and every request fails.", scheme), forwardExample)
		case hasScheme && !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, strings.ToLower(scheme)):
			c.add("forward-proxy-invalid", finding.Warning, v.name, v.value,
				fmt.Sprintf("The go command knows the schemes http, https, socks5 and socks5h; it speaks HTTP to a proxy with the scheme %s.", scheme),
				"one of these schemes")
		}
	}
}

func (c *forwardChecker) elements() {
	if c.http.value == "" && c.https.value == "" {
		return // it counts for nothing
	}
	n := 0
	for element := range strings.SplitSeq(c.no.value, ",") {
		element = strings.TrimSpace(element)
		why, fix := exceptionFault(element)
		if why == "" {
			if element != "" {
				c.exceptions = append(c.exceptions, element)
			}
			continue
		}
		if n++; n > maxListed {
			c.corrected = nil // not all of it is known
			return
		}
		if fix != "" {
			c.exceptions = append(c.exceptions, fix)
			c.corrected = append(c.corrected, len(c.findings))
		}
		c.add("no-proxy-element", finding.Warning, c.no.name, element,
			fmt.Sprintf("The element matches no host, and the go command does not warn about it: %s.", why), fix)
	}
}

// exceptionFault says why an element of NO_PROXY matches nothing; "" when it
// may match.
func exceptionFault(element string) (why, fix string) {
	if _, err := netip.ParsePrefix(element); err == nil || element == "" || element == "*" {
		return "", ""
	}
	scheme, rest, hasScheme := strings.Cut(element, "://")
	switch {
	case hasScheme:
		host, _, _ := strings.Cut(rest, "/")
		return "elements are hosts without a scheme, and this one starts with " + scheme + "://", host
	case strings.ContainsAny(element, " \t;|"):
		return "only a comma separates elements", strings.Join(strings.FieldsFunc(element, func(r rune) bool { return strings.ContainsRune(" \t;|", r) }), ",")
	case strings.Contains(element, "/"):
		host, _, _ := strings.Cut(element, "/")
		return "it is neither a host nor a range of addresses such as 10.0.0.0/8", host
	case strings.Contains(strings.TrimPrefix(element, "*."), "*"):
		last := element[strings.LastIndexByte(element, '*')+1:]
		return "* is a wildcard only on its own or as *. at the start", strings.TrimLeft(last, ".-")
	}
	return "", ""
}

func (c *forwardChecker) mirrors(past, internal, loopback, unproxied []string) {
	if len(unproxied) > 0 {
		c.add("forward-proxy-http-only", finding.Warning, c.http.name, c.http.value,
			fmt.Sprintf("It applies to http:// only: %s uses https:// and is contacted without a forward proxy.", some(unproxied)), "HTTPS_PROXY="+c.http.value)
	}
	if len(past) > 0 {
		c.add("no-proxy-mirror", finding.Info, c.no.name, c.no.value, fmt.Sprintf("The go command contacts %s directly, not through the forward proxy.", some(past)), "")
	}
	if len(internal) > 0 {
		c.exceptions = append(c.exceptions, slices.Compact(internal)...)
		c.corrected = append(c.corrected, len(c.findings))
		c.add("forward-proxy-internal-mirror", finding.Info, c.no.name, c.no.value,
			fmt.Sprintf("%s looks like a host on your own network, but is contacted through the forward proxy, which often cannot reach it.", some(internal)), "")
	}
	if len(loopback) > 0 {
		c.add("forward-proxy-loopback", finding.Info, c.no.name, c.no.value,
			fmt.Sprintf("%s is this machine, which the go command never contacts through a forward proxy, whatever NO_PROXY says.", some(loopback)), "")
	}
}

// PrivateHost reports whether a host is one of a private network: an address
// there, or a name that no public name server has (RFC
// 6761, RFC 6762, RFC 8375 and ICANN's .internal; .corp, .home and .lan by
// custom).
func PrivateHost(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()
	}
	return slices.Contains([]string{"internal", "intranet", "local", "localhost", "corp", "home", "lan", "private"},
		host[strings.LastIndexByte(host, '.')+1:]) || strings.HasSuffix(host, ".home.arpa")
}
