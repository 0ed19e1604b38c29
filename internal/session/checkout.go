package session

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/settings"
)

// hear lets the checkout's configuration file say what it may: patterns that
// are private beside the job's, and mirrors where the job names none. Both hold
// for this run alone; s.Env stays what the job says, and is what is exported.
func (s *Session) hear() {
	c := &s.Values.Checkout
	s.Access = Access{
		NoProxy: settings.JoinPatterns(s.Env.Get("GONOPROXY"), c.Private),
		Private: settings.JoinPatterns(s.Env.Get("GOPRIVATE"), c.Private),
	}
	for _, i := range c.Ignored {
		s.Findings = append(s.Findings, finding.Finding{
			Check: "checkout-setting-ignored", Severity: finding.Warning, Setting: i.Setting.Config, Source: i.Source,
			Effect: "It has no effect: a pull request can change this file. " + i.Why,
			Fix:    howTheJobSays(i.Setting) + ", or --trust-checkout there if only people you trust can change the checkout",
		})
	}
	if s.Env.Said("GOPROXY") && s.Values.FromCheckout("mirrors") {
		s.Choice = Configured
		s.Findings = append(s.Findings, finding.Finding{
			Check: "checkout-mirrors-overruled", Severity: finding.Info, Setting: setting("mirrors").Config, Source: c.Sources["mirrors"],
			Effect: "The job names its mirrors itself (GOPROXY is from: " + s.Env.Source("GOPROXY") + "), so the checkout adds none to them.",
		})
	}
	list := c.ProxyList()
	switch {
	case list == "":
	case s.Env.Said("GOPROXY"):
		s.Findings = append(s.Findings, finding.Finding{
			Check: "checkout-mirrors-overruled", Severity: finding.Info, Setting: "GOPROXY", Source: s.Values.Checkout.Sources["proxy"],
			Effect: "The job names its mirrors itself (GOPROXY is from: " + s.Env.Source("GOPROXY") + "), so those of the checkout are not used.",
		})
	default:
		s.guest = true
		s.Findings = append(s.Findings, finding.Finding{
			Check: "checkout-this-run", Severity: finding.Info, Setting: "GOPROXY", Source: s.Values.Checkout.Sources["proxy"],
			Effect: "The mirrors that the checkout names are used in this run, where go.sum verifies what they send. They are not exported to later steps, where they would decide what @latest is.",
			Fix:    howTheJobSays(setting("proxy")),
		})
	}
	if c.Private != "" {
		s.Findings = append(s.Findings, finding.Finding{
			Check: "checkout-this-run", Severity: finding.Info, Setting: "GOPRIVATE", Source: s.Values.Checkout.Sources["private"], Found: c.Private,
			Effect: "No mirror is asked for these modules in this run. The patterns are not exported to later steps, where they would also keep modules from being verified.",
			Fix:    howTheJobSays(setting("private")),
		})
	}
}

// mirrorList is the chain that is configured, and where it comes from.
func (s *Session) mirrorList() (list, source string) {
	if s.guest {
		return s.Values.Checkout.ProxyList(), s.Values.Checkout.Sources["proxy"]
	}
	return s.Env.Get("GOPROXY"), s.Env.Source("GOPROXY")
}

// forLaterSteps is the part of a chain that other go commands may be told: the
// job's own mirrors.
func (s *Session) forLaterSteps(c Chain) goenv.Chain {
	switch {
	case s.guest:
		return nil
	case s.Values.FromCheckout("mirrors"):
		c.Hops = slices.DeleteFunc(slices.Clone(c.Hops), func(h *Hop) bool { return h.Added })
	}
	return c.List()
}

// mirrorConfigs are the entries of the configuration file that belong to the
// chain.
func (s *Session) mirrorConfigs() []settings.MirrorConfig {
	if s.guest {
		return s.Values.Checkout.Mirrors
	}
	return s.Values.ConfiguredMirrors
}

// Listed reports whether the chain is a list of the configuration file, in which
// fall-through stands for what separates mirrors.
func (s *Session) Listed() bool {
	list, _ := s.mirrorList()
	if s.guest {
		return len(s.Values.Checkout.Mirrors) > 0
	}
	return s.Values.Proxy == "" && len(s.Values.ConfiguredMirrors) > 0 && list == s.Values.ProxyList()
}

// Confined refuses a place in the checkout that a link of the checkout moves out
// of it: whoever named the place did not mean where the link leads.
func (s *Session) Confined(what, path string) error {
	root := s.Values.Checkout.Root
	rel, err := filepath.Rel(root, path)
	if root == "" || err != nil || !filepath.IsLocal(rel) || diskfile.Inside(root, path) {
		return nil
	}
	return fmt.Errorf("%s: found %s, which lies behind a link of the checkout that leads out of it, expected a directory of the checkout; remove the link or name another directory",
		what, settings.Redact(path))
}

// setting is one of the table.
func setting(name string) settings.Setting {
	for _, s := range settings.Table() {
		if s.Name == name {
			return s
		}
	}
	panic("session: no setting " + name)
}

// howTheJobSays names the places where a job gives a setting.
func howTheJobSays(s settings.Setting) string {
	if _, ok := settings.Find(s.Name); !ok { // of one mirror
		return s.Config + " in a configuration file outside of the checkout that --config names in the job"
	}
	places := "--" + s.Name + " or " + s.Env()
	if s.Input {
		places = "--" + s.Name + ", " + s.Env() + " or input " + s.InputName()
	}
	return places + " in the job"
}

// voice is what the checkout said, for the result; nil for nothing.
func (s *Session) voice() *report.CheckoutSettings {
	c := &s.Values.Checkout
	if c.File == "" || len(c.Obeyed)+len(c.Ignored) == 0 {
		return nil
	}
	out := &report.CheckoutSettings{File: c.File, Obeyed: c.Obeyed}
	for _, i := range c.Ignored {
		out.Ignored = append(out.Ignored, i.Setting.Name)
	}
	return out
}
