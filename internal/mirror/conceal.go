package mirror

import (
	"net/url"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/secret"
	"github.com/modferry/modferry/internal/settings"
)

// conceal hides in an error what was sent as a credential: a server, or who
// stands before it, may repeat it in every text that becomes part of one, such
// as an address to go on at, a header that cannot be read, the name on a
// certificate, the reason of a connection's end. It keeps the error's types.
func conceal(secrets *secret.Set, err error) error {
	switch e := err.(type) {
	case *failure.Error:
		c := *e
		c.URL, c.Detail, c.Issuer = secrets.Hide(e.URL), secrets.Hide(e.Detail), secrets.Hide(e.Issuer)
		c.Err = conceal(secrets, e.Err)
		return &c
	case *url.Error:
		return &url.Error{Op: e.Op, URL: secrets.Hide(settings.Redact(e.URL)), Err: conceal(secrets, e.Err)}
	}
	return secrets.Error(err)
}
