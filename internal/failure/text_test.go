package failure_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
)

// TestClassifyTexts looks at messages of errors without a type, as the standard
// library words them: those that wire_test.go does not provoke, and a few that
// it does.
func TestClassifyTexts(t *testing.T) {
	t.Parallel()
	tests := map[failure.Class][]string{
		failure.TLSTimeout:          {"net/http: TLS handshake timeout"},
		failure.FirstByteTimeout:    {"net/http: timeout awaiting response headers", "http2: timeout awaiting response headers"},
		failure.Cancelled:           {"net/http: request canceled", "net/http: request canceled while waiting for connection"},
		failure.RedirectLoop:        {"stopped after 10 redirects"},
		failure.RedirectRefused:     {`unsupported protocol scheme "ftp"`, "redirected from secure URL https://a.example.test to insecure URL http://a.example.test"},
		failure.InsecureCredentials: {"refusing to pass credentials to insecure URL: http://u@h.example.test"},
		failure.NotTLS:              {`malformed HTTP response "\x15\x03\x01\x00\x02\x02F"`, "tls: first record does not look like a TLS handshake"},
		failure.BadResponse: {
			`malformed HTTP response "\x00\x00\x12\x04"`, `malformed HTTP status code "abc"`, `malformed HTTP version "HTTP/x"`,
			"malformed MIME header: missing colon", `bad Content-Length "x"`, `invalid empty Content-Length ""`,
			"net/http: server response headers exceeded 10485760 bytes; aborted",
			"http2: response header list larger than advertised limit", "http2: frame too large",
		},
		failure.CutBody: {
			"net/http: server replied with more than declared Content-Length; truncated", "http: unexpected EOF reading trailer",
			"malformed chunked encoding", "invalid byte in chunk length", "empty hex number for chunk length", "http chunk length too large",
			"chunked line ends with bare LF", "invalid CR in chunked line", "chunked encoding contains too much non-data",
		},
		failure.Reset: {"http: server closed idle connection", "net/http: cannot rewind body after connection loss"},
		failure.HTTP2Reset: {
			"http2: client connection lost", "http2: client conn is closed", "http2: client conn not usable", "http2: client conn could not be established",
			`http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=INTERNAL_ERROR, debug=""`,
			"http2: Transport received Server's graceful shutdown GOAWAY", "connection error: PROTOCOL_ERROR",
			"stream error: stream ID 3; INTERNAL_ERROR; received from peer",
		},
		failure.TLS:          {"tls: server selected unsupported protocol version 301", "x509: negative serial number"},
		failure.ProxyConnect: {`invalid proxy address "::": parse "::": missing protocol scheme`},
		failure.ProxyAuth:    {"no acceptable authentication methods", "username/password authentication failed"},
	}
	for want, texts := range tests {
		for _, text := range texts {
			err := error(&url.Error{Op: "Get", URL: "https://mirror.example.test", Err: fmt.Errorf("net/http: HTTP/1.x transport connection broken: %w", errors.New(text))})
			if got := failure.Classify(err); got != want {
				t.Errorf("Classify(%v) = %q, want %q", err, got, want)
			}
			if got := failure.Classify(errors.Join(errors.New("other"), errors.New(text))); got != want {
				t.Errorf("joined with another error, Classify of %q = %q, want %q", text, got, want)
			}
			// The same words quoted from a server decide nothing.
			if got := failure.Classify(errors.New("the server said " + strings.TrimSpace(text))); got != failure.Unknown {
				t.Errorf("quoted, Classify of %q = %q, want %q", text, got, failure.Unknown)
			}
		}
	}
}
