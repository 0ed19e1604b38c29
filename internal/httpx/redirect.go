package httpx

import (
	"fmt"
	"net/http"
)

// maxRequests is how many requests a chain of redirects may take, as in net/http
// and so in the go command.
const maxRequests = 10

// RedirectError is a redirect that is not followed. Its text names the host that
// it leads to, without the credentials and signatures of its URL.
type RedirectError struct {
	Loop     bool   // there were too many before it
	from, to string // scheme; scheme and host
}

func (e *RedirectError) Error() string {
	if e.Loop {
		return fmt.Sprintf("stopped after %d redirects", maxRequests)
	}
	return fmt.Sprintf("redirected from %s to the insecure URL %s", e.from, e.to)
}

// CheckRedirect is a policy for http.Client.CheckRedirect: it follows to storage
// hosts but takes nothing secret along. The go command keeps credentials for
// subdomains, we keep them for the same scheme, host and port only (and have
// them again where a redirect leads back), and send no Referer: a URL may carry
// a token in its query. From https to http is refused as in cmd/go/internal/web.
// Its error is a *RedirectError.
func CheckRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) >= maxRequests {
		return &RedirectError{Loop: true}
	}
	if req.URL.Scheme != "https" && (req.URL.Scheme != "http" || first.URL.Scheme == "https") {
		return &RedirectError{from: first.URL.Scheme, to: req.URL.Scheme + "://" + req.URL.Host}
	}
	req.Header.Del("Referer")
	if req.URL.Host != first.URL.Host || req.URL.Scheme != first.URL.Scheme {
		req.Header.Del("Authorization")
	} else if a := first.Header.Get("Authorization"); a != "" {
		req.Header.Set("Authorization", a)
	}
	return nil
}
