package failure

import "net/http"

// FromStatus returns the class of a response's status, "" for 200. A request
// for a part of a file, which 206 is the right answer to, has to look at that itself.
func FromStatus(code int) Class {
	switch {
	case code == http.StatusOK:
		return ""
	case code == http.StatusUnauthorized:
		return Unauthorized
	case code == http.StatusForbidden, code == http.StatusUnavailableForLegalReasons:
		return Forbidden
	case code == http.StatusNotFound:
		return NotFound
	case code == http.StatusProxyAuthRequired:
		return ProxyAuth
	case code == http.StatusGone:
		return Gone
	case code == http.StatusTooManyRequests:
		return Throttled
	case code >= 500 && code <= 599, code == http.StatusRequestTimeout, code == http.StatusFailedDependency, code == http.StatusTooEarly:
		return ServerError
	}
	return HTTPStatus
}
