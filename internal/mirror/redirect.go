package mirror

import (
	"errors"
	"net/http"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/settings"
)

// maxRequests is how many requests a chain of redirects may take, as in
// net/http and so in the go command.
const maxRequests = 10

var errRedirectLoop = errors.New("stopped after 10 redirects")

// checkRedirect follows to storage hosts but takes nothing secret along: the
// go command keeps credentials for subdomains, we keep them for the same host
// and port only, and send no Referer (a GOPROXY URL may carry a token in its
// query). From https to http is refused as in cmd/go/internal/web.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) >= maxRequests {
		return failure.New(failure.RedirectLoop, "get", first.URL.String(), errRedirectLoop)
	}
	if req.URL.Scheme != "https" && (req.URL.Scheme != "http" || first.URL.Scheme == "https") {
		return failure.New(failure.RedirectRefused, "get", first.URL.String(),
			errors.New("redirected to insecure URL "+settings.Redact(req.URL.String())))
	}
	req.Header.Del("Referer")
	if req.URL.Host != first.URL.Host || req.URL.Scheme != first.URL.Scheme {
		req.Header.Del("Authorization")
	} else if a := first.Header.Get("Authorization"); a != "" {
		req.Header.Set("Authorization", a)
	}
	return nil
}
