package session

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/settings"
)

// Transport reaches servers that are no mirrors with the settings of the run:
// CA certificates, forward proxy, limits of connecting.
func (s *Session) Transport() http.RoundTripper { return s.Client.Transport() }

// openMirrors makes the candidates of the chain.
func (s *Session) openMirrors() error {
	v := s.Values
	if err := mirror.CheckCertFile(s.Options.Getenv); err != nil {
		return err
	}
	roots, err := mirror.CertPool(nil, "--ca-file", v.CAFile)
	if err != nil {
		return err
	}
	if !s.guest {
		if s.netrc, err = mirror.ReadNetrc(s.Options.Getenv, s.Env.Get("GOAUTH")); err != nil {
			return err
		}
	}
	for _, db := range s.sumDBs {
		s.contacts.expect(db.URL, "the checksum database "+db.Name)
	}
	trips := v.Retries + 1
	if s.Options.Stays {
		trips = -1
	}
	s.Client = mirror.NewClient(mirror.Options{
		Limits: mirror.Limits{Connect: v.ConnectTimeout, TLS: v.TLSTimeout, FirstByte: v.FirstByteTimeout,
			Stall: v.StallTimeout, Total: v.RequestTimeout},
		Proxy: s.contacts.watch(s.Options.proxy(), ""), Dial: s.Options.Dial, RootCAs: roots, Netrc: s.netrc,
		Concurrency: s.Room.Requests, Pause: s.Options.Pause, Trips: trips, UserAgent: UserAgent(s.Options.Tool), Via: s.Options.Via, Secrets: s.Options.Secrets,
	})
	catalogue := mirror.PublicCatalogue()
	named := s.Configured.Mirrors()
	seen := map[string]bool{}
	end := goenv.Comma // what would follow the last mirror
	for _, e := range candidates(s.Choice, s.Configured, catalogue) {
		if seen[e.URL] {
			continue // the same URL twice brings nothing that a repeated attempt doesn't
		}
		seen[e.URL] = true
		p, public := catalogue.Find(e.URL)
		h := &Hop{URL: e.URL, Written: e.Sep, Sep: s.fallback.Separator(e.Sep, public), Public: public, Operator: p.Operator, Weight: 1}
		h.Added = !slices.ContainsFunc(named, func(n goenv.Entry) bool { return n.URL == e.URL })
		var own settings.MirrorConfig
		for _, c := range s.mirrorConfigs() {
			if strings.TrimRight(c.URL, "/") == e.URL {
				own = c
			}
		}
		h.Weight = max(own.Weight, 1)
		h.Tier = tier(v.Region, cmp.Or(own.Region, strings.TrimPrefix(p.Region, mirror.Global)), own.FallbackOnly)
		limits := mirror.Limits{Connect: own.Timeouts.Connect, TLS: own.Timeouts.TLS, FirstByte: own.Timeouts.FirstByte,
			Stall: own.Timeouts.Stall, Total: own.Timeouts.Request}
		trust, err := ownTrust(roots, own)
		if err != nil {
			return err
		}
		if h.Mirror, err = s.Client.OpenTrusting(e.URL, limits, trust); err != nil {
			return openError(e.URL, err)
		}
		s.contacts.expect(e.URL, "the mirror "+h.Name())
		s.certificates(h, own)
		s.Chain.Hops = append(s.Chain.Hops, h)
		if e.Sep == goenv.End && own.FallThrough == settings.FallThroughAny {
			end = goenv.Pipe
		}
	}
	s.Chain.separateEnd(s.fallback, end)
	if n := len(s.Configured); n > 0 {
		s.Chain.End = s.Configured[n-1].Kind
	}
	return s.openRules()
}

func openError(rawURL string, err error) error {
	if failure.Classify(err) != failure.InsecureCredentials {
		return err
	}
	return &goenv.SyntaxError{Setting: "GOPROXY", Found: settings.Redact(rawURL),
		Problem: "a password in an http:// URL would travel readable, and the go command refuses to send it",
		Fix:     "https:// instead of http://, or the credentials in netrc"}
}
