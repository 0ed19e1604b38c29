package mirror

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/modferry/modferry/internal/failure"
)

type codingError struct{ coding string }

func (e *codingError) Error() string {
	return fmt.Sprintf("the body has the Content-Encoding %q, expected none or gzip", failure.Neutral(e.coding))
}

// decode takes the content coding off the body, as the go command does it with
// gzip, and reports whether there was one: some servers and caches send one
// that nobody asked for. What http.Transport asked for itself it has decoded
// itself. A coding that we do not know is an error, or, with asIs, none: the go
// command takes such a body as it is, and the hash decides. Some servers name one
// that their bodies do not have, such as aws-chunked.
func decode(resp *http.Response, asIs bool) (coded bool, err error) {
	coding := strings.ToLower(strings.TrimSpace(strings.Join(resp.Header.Values("Content-Encoding"), ",")))
	switch coding {
	case "", "identity":
		return resp.Uncompressed, nil
	case "gzip", "x-gzip": // RFC 9110, 8.4.1.3: the same
		resp.Body = &gunzip{body: resp.Body}
		return true, nil
	}
	if asIs {
		return true, nil
	}
	return true, &codingError{coding}
}

// gunzip decodes a body. The header is read with the first bytes, under the
// limits of reading.
type gunzip struct {
	body io.ReadCloser
	zip  *gzip.Reader
}

func (g *gunzip) Read(p []byte) (int, error) {
	if g.zip == nil {
		zip, err := gzip.NewReader(g.body)
		if err != nil {
			return 0, err
		}
		g.zip = zip
	}
	return g.zip.Read(p)
}

func (g *gunzip) Close() error { return g.body.Close() }
