package failure

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// New makes the failure of op. It redacts rawURL, which is "" when no request
// was involved, and makes the text of err, which may be nil, the Detail.
func New(class Class, op, rawURL string, err error) *Error {
	e := &Error{
		Class:  class,
		Op:     op,
		URL:    Plain(rawURL),
		Detail: cause(err),
		Err:    err,
	}
	if class == TLSUnknownAuthority {
		if e.Issuer = issuer(err); e.Issuer != "" {
			e.Detail += " (issued by " + e.Issuer + ")"
		}
	}
	return e
}

// issuer is who issued the topmost certificate that a server sent. Where TLS is
// intercepted that names the interceptor.
func issuer(err error) string {
	e, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok || len(e.UnverifiedCertificates) == 0 {
		return ""
	}
	return Plain(e.UnverifiedCertificates[len(e.UnverifiedCertificates)-1].Issuer.String())
}

// Error is one line of the form "op URL: title (HTTP status): detail: cause",
// without the parts that are absent or said already. It is redacted and
// neutral even where the fields are not.
func (e *Error) Error() string {
	var parts, said []string
	if head := strings.TrimSpace(Plain(e.Op) + " " + Plain(e.URL)); head != "" {
		parts = append(parts, head)
	}
	for _, s := range []string{Plain(e.Detail), cause(e.Err)} {
		if s != "" && (len(said) == 0 || !strings.Contains(said[0], s)) {
			said = append(said, s)
		}
	}
	title := cmp.Or(e.Class.Title(), Unknown.Title())
	if status := e.answer(); status != "" {
		parts = append(parts, title+" ("+status+")")
	} else if !strings.Contains(strings.Join(said, ": "), title) {
		parts = append(parts, title)
	}
	return strings.Join(append(parts, said...), ": ")
}

func (e *Error) answer() string {
	var answer []string
	if e.Status != 0 {
		answer = append(answer, fmt.Sprintf("HTTP %d", e.Status))
	}
	if e.RetryAfter > 0 {
		answer = append(answer, fmt.Sprintf("asks to wait %d s", (e.RetryAfter+999)/1000))
	}
	return strings.Join(answer, ", ")
}

// cause is the text of an error without the URL that net/http puts before it:
// an Error names that itself.
func cause(err error) string {
	if err == nil {
		return ""
	}
	if u, ok := errors.AsType[*url.Error](err); ok && u.Err != nil && err == error(u) {
		return cause(u.Err)
	}
	return Plain(err.Error())
}

// As returns the classified form of an error: the *Error in its chain, or a new
// one of the class that Classify gives it. Nil stays nil.
func As(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return New(Classify(err), "", "", err)
}
