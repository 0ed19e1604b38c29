package session

import (
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/settings"
)

// Effective is the settings of the run for the result.
func (s *Session) Effective() report.EffectiveSettings {
	e := report.EffectiveSettings{
		GOPROXY: s.Configured.Redacted(), GOSUMDB: settings.Redact(s.Env.Get("GOSUMDB")),
		GOPRIVATE: s.Access.Private, GONOPROXY: s.Access.NoProxy, GONOSUMDB: s.Env.Get("GONOSUMDB"),
		ModCache: s.Env.Get("GOMODCACHE"), Sources: map[string]string{}, Checkout: s.voice(),
	}
	for _, name := range []string{"GOPROXY", "GOSUMDB", "GOPRIVATE", "GOMODCACHE"} {
		e.Sources[name] = s.Env.Source(name)
	}
	if s.guest {
		_, e.Sources["GOPROXY"] = s.mirrorList()
	}
	if s.Values.Checkout.Private != "" {
		e.Sources["GOPRIVATE"] += " and " + s.Values.Checkout.Sources["private"]
	}
	return e
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
