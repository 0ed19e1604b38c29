package httpx

import "net/http"

// Agent sends requests under a user agent of ours, whatever a library wrote
// there.
type Agent struct {
	Base http.RoundTripper
	Name string // e.g. "modferry/1.2.3"
}

// RoundTrip implements http.RoundTripper.
func (a *Agent) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", a.Name)
	return a.Base.RoundTrip(req)
}
