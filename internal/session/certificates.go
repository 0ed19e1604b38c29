package session

import (
	"net/http"

	"github.com/modferry/modferry/internal/mirror"
)

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
