package session

import (
	"crypto/x509"
	"net/http"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/settings"
)

// ownTrust is what one mirror has beside the general CA certificates, by the
// configuration file.
func ownTrust(roots *x509.CertPool, c settings.MirrorConfig) (t mirror.Trust, err error) {
	if c.CAFile != "" {
		if t.RootCAs, err = mirror.CertPool(roots, "ca-file of the mirror "+settings.Redact(c.URL), c.CAFile); err != nil {
			return t, err
		}
	}
	if c.ClientCert != "" {
		t.Certificate, err = mirror.KeyPair("client-certificate of the mirror "+settings.Redact(c.URL), c.ClientCert, c.ClientKey)
	}
	return t, err
}

// certificates tells that the go command cannot use what a mirror has of its own.
func (s *Session) certificates(h *Hop, c settings.MirrorConfig) {
	if c.CAFile+c.ClientCert == "" || s.Options.Stays {
		return
	}
	what := "ca-file"
	effect := "The go command does not know these CA certificates: unless the system's store has them, it fails when it contacts the mirror itself."
	if c.ClientCert != "" {
		what, effect = "client-certificate", "The go command has no client certificates, so it fails when it contacts the mirror itself."
	}
	s.Findings = append(s.Findings, finding.Finding{Check: "mirror-certificates", Severity: finding.Info, Setting: what, Found: h.Name(),
		Effect: effect, Fix: "modferry exec -- CMD for steps that download more"})
}

// TransportTrusting is Transport for a server whose CA certificates may be those
// in a file of PEM blocks, too; "" for none. Mirrors are not reached with them.
// setting is what names the file, for errors.
func (s *Session) TransportTrusting(setting, file string) (http.RoundTripper, error) {
	t := s.Client.Transport()
	if file == "" {
		return t, nil
	}
	pool, err := mirror.CertPool(t.TLSClientConfig.RootCAs, setting, file)
	if err != nil {
		return nil, err
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}
