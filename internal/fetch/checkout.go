package fetch

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
// for this run alone; j.env stays what the job says, and is what is exported.
func (j *Job) hear() {
	c := &j.values.Checkout
	j.access = access{
		noProxy: settings.JoinPatterns(j.env.Get("GONOPROXY"), c.Private),
		private: settings.JoinPatterns(j.env.Get("GOPRIVATE"), c.Private),
	}
	for _, i := range c.Ignored {
		j.findings = append(j.findings, finding.Finding{
			Check: "checkout-setting-ignored", Severity: finding.Warning, Setting: i.Setting.Config, Source: i.Source,
			Effect: "It has no effect: a pull request can change this file. " + i.Why,
			Fix:    howTheJobSays(i.Setting) + ", or --trust-checkout there if only people you trust can change the checkout",
		})
	}
	list := c.ProxyList()
	switch {
	case list == "":
	case j.env.Said("GOPROXY"):
		j.findings = append(j.findings, finding.Finding{
			Check: "checkout-mirrors-overruled", Severity: finding.Info, Setting: "GOPROXY", Source: j.values.Checkout.Sources["proxy"],
			Effect: "The job names its mirrors itself (GOPROXY is from: " + j.env.Source("GOPROXY") + "), so those of the checkout are not asked.",
		})
	default:
		j.guest = true
		j.findings = append(j.findings, finding.Finding{
			Check: "checkout-this-run", Severity: finding.Info, Setting: "GOPROXY", Source: j.values.Checkout.Sources["proxy"],
			Effect: "The mirrors that the checkout names serve this run, where go.sum verifies what they send. Later steps do not get them: there they would decide what @latest is.",
			Fix:    howTheJobSays(setting("proxy")),
		})
	}
	if c.Private != "" {
		j.findings = append(j.findings, finding.Finding{
			Check: "checkout-this-run", Severity: finding.Info, Setting: "GOPRIVATE", Source: j.values.Checkout.Sources["private"], Found: c.Private,
			Effect: "No mirror is asked for these modules in this run. Later steps know nothing of the patterns: there they would keep modules from being verified, too.",
			Fix:    howTheJobSays(setting("private")),
		})
	}
}

// mirrorList is the chain that is configured, and where it comes from.
func (j *Job) mirrorList() (list, source string) {
	if j.guest {
		return j.values.Checkout.ProxyList(), j.values.Checkout.Sources["proxy"]
	}
	return j.env.Get("GOPROXY"), j.env.Source("GOPROXY")
}

// forLaterSteps is the part of a chain that other go commands may be told: the
// job's own mirrors.
func (j *Job) forLaterSteps(c chain) goenv.Chain {
	switch {
	case j.guest:
		return nil
	case j.values.FromCheckout("mirrors"):
		c.hops = slices.DeleteFunc(slices.Clone(c.hops), func(h *hop) bool { return h.added })
	}
	return c.list()
}

// mirrorConfigs are the entries of the configuration file that belong to the
// chain.
func (j *Job) mirrorConfigs() []settings.MirrorConfig {
	if j.guest {
		return j.values.Checkout.Mirrors
	}
	return j.values.ConfiguredMirrors
}

// checkPatterns refuses patterns of the checkout that match nothing: they would
// tell private names to strangers.
func (j *Job) checkPatterns() error {
	private := goenv.Env{"GOPRIVATE": {Value: j.values.Checkout.Private, Source: j.values.Checkout.Sources["private"]}}
	for _, f := range goenv.Check(private, nil) {
		if f.Setting == "GOPRIVATE" && f.Severity == finding.Error {
			return &goenv.SyntaxError{Check: f.Check, Setting: f.Setting, Found: f.Found, Problem: clause(f.Effect), Fix: f.Fix}
		}
	}
	return nil
}

// confined refuses a place in the checkout that a link of the checkout moves out
// of it: whoever named the place did not mean where the link leads.
func (j *Job) confined(what, path string) error {
	root := j.values.Checkout.Root
	rel, err := filepath.Rel(root, path)
	if root == "" || err != nil || !filepath.IsLocal(rel) || diskfile.Inside(root, path) {
		return nil
	}
	return fmt.Errorf("%s: found %s, which lies behind a link of the checkout that leads out of it, expected a directory of the checkout; remove the link or name another directory",
		what, settings.Redact(path))
}

// voice is what the checkout said, for the result; nil for nothing.
func (j *Job) voice() *report.CheckoutSettings {
	c := &j.values.Checkout
	if c.File == "" || len(c.Obeyed)+len(c.Ignored) == 0 {
		return nil
	}
	out := &report.CheckoutSettings{File: c.File, Obeyed: c.Obeyed}
	for _, i := range c.Ignored {
		out.Ignored = append(out.Ignored, i.Setting.Name)
	}
	return out
}

// setting is one of the table.
func setting(name string) settings.Setting {
	for _, s := range settings.Table() {
		if s.Name == name {
			return s
		}
	}
	panic("fetch: no setting " + name)
}

// howTheJobSays names the places where a job gives a setting.
func howTheJobSays(s settings.Setting) string {
	places := "--" + s.Name + " or " + s.Env()
	if s.Input {
		places = "--" + s.Name + ", " + s.Env() + " or input " + s.InputName()
	}
	return places + " in the job"
}
