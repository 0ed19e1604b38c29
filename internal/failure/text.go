package failure

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// wording is the text of an error that has no type of its own.
type wording struct {
	text  string
	exact bool // the whole text, not just its beginning
	class Class
}

// wordings is the only place where text decides: messages of the standard
// library whose types are not exported (go1.26: net/http transport.go,
// response.go, transfer.go, client.go, h2_bundle.go; internal/chunked.go;
// crypto/tls) and of cmd/go/internal/web. The first that fits decides.
var wordings = []wording{
	{"net/http: TLS handshake timeout", true, TLSTimeout},
	{"net/http: timeout awaiting response headers", true, FirstByteTimeout},
	{"http2: timeout awaiting response headers", true, FirstByteTimeout},
	{"net/http: request canceled", false, Cancelled},

	{"stopped after 10 redirects", true, RedirectLoop},
	{"redirected from secure URL ", false, RedirectRefused},
	{"unsupported protocol scheme ", false, RedirectRefused}, // of a Location: the chain's schemes are checked when it is parsed
	{"refusing to pass credentials to insecure URL", false, InsecureCredentials},

	// A TLS record (0x15, alert) instead of a status line.
	{`malformed HTTP response "\x15\x03`, false, NotTLS},
	{"malformed HTTP ", false, BadResponse},
	{"malformed MIME header", false, BadResponse},
	{"bad Content-Length ", false, BadResponse},
	{"invalid empty Content-Length", false, BadResponse},
	{"net/http: server response headers exceeded ", false, BadResponse},
	{"http2: response header list larger than advertised limit", true, BadResponse},
	{"http2: frame too large", true, BadResponse},

	{"net/http: server replied with more than declared Content-Length", false, CutBody},
	{"http: unexpected EOF reading trailer", true, CutBody},
	{"malformed chunked encoding", true, CutBody},
	{"invalid byte in chunk length", true, CutBody},
	{"empty hex number for chunk length", true, CutBody},
	{"http chunk length too large", true, CutBody},
	{"chunked line ends with bare LF", true, CutBody},
	{"invalid CR in chunked line", true, CutBody},
	{"chunked encoding contains too much non-data", true, CutBody},

	{"http: server closed idle connection", true, Reset},
	{"net/http: cannot rewind body after connection loss", true, Reset},
	{"http2: client connection lost", true, HTTP2Reset},
	{"http2: client conn", false, HTTP2Reset}, // is closed, not usable, could not be established
	{"http2: server sent GOAWAY", false, HTTP2Reset},
	{"http2: Transport received Server's graceful shutdown GOAWAY", true, HTTP2Reset},
	{"connection error: ", false, HTTP2Reset}, // http2.ConnectionError
	{"stream error: stream ID ", false, HTTP2Reset},

	{"tls: first record does not look like a TLS handshake", true, NotTLS},
	{"tls: ", false, TLS},
	{"x509: ", false, TLS},

	{"invalid proxy address ", false, ProxyConnect}, // of HTTPS_PROXY

	// golang.org/x/net/internal/socks, Authenticate.
	{"no acceptable authentication methods", true, ProxyAuth},
	{"username/password authentication failed", true, ProxyAuth},
}

// fromText finds an error of wordings in the chain of err. Only whole errors of
// the chain are compared, never parts of a message: a message may quote what a
// server sent.
func fromText(err error) Class {
	for e := range chain(err) {
		text := e.Error()
		for _, w := range wordings {
			if text == w.text || (!w.exact && strings.HasPrefix(text, w.text)) {
				return w.class
			}
		}
		if u, ok := e.(*url.Error); ok && u.Err != nil && errors.Unwrap(u.Err) == nil {
			if c := refusedTunnel(u.Err.Error()); c != "" {
				return c
			}
		}
	}
	return ""
}

// refusedTunnel recognises what a forward proxy said to CONNECT instead of 200:
// net/http returns the bare reason phrase as an error (transport.go:
// dialConn).
func refusedTunnel(reason string) Class {
	if reason == http.StatusText(http.StatusProxyAuthRequired) {
		return ProxyAuth
	}
	if reason == "unknown status code" {
		return ProxyConnect
	}
	for code := 100; code < 600; code++ {
		if text := http.StatusText(code); text != "" && text == reason {
			return ProxyConnect
		}
	}
	return ""
}

func chain(err error) func(yield func(error) bool) {
	return func(yield func(error) bool) { walk(err, yield) }
}

func walk(err error, yield func(error) bool) bool {
	if err == nil {
		return true
	}
	if !yield(err) {
		return false
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return walk(e.Unwrap(), yield)
	case interface{ Unwrap() []error }:
		for _, w := range e.Unwrap() {
			if !walk(w, yield) {
				return false
			}
		}
	}
	return true
}
