package failure

import (
	"archive/zip"
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/modferry/modferry/internal/httpx"
)

// Classify returns the class of an error of the network, of the file system or
// of a context, "" for nil. An *Error anywhere in the chain decides, also as
// the cause of a cancelled context (pass context.Cause(ctx)). The order of the
// questions matters: a specific type wins over the time or the system error
// that it wraps.
func Classify(err error) Class {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Class != "" {
		return e.Class
	}
	if errors.Is(err, context.Canceled) {
		return Cancelled
	}
	for _, ask := range []func(error) Class{
		limit, scarce, trust, forwardProxy, lookup, fromText, protocol, late, network, file, content,
	} {
		if c := ask(err); c != "" {
			return c
		}
	}
	return Unknown
}

// is reports whether an error of type T is in the chain.
func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// errnoOf is the system error in the chain, as the code that stands for its
// kind where there is one.
func errnoOf(err error) (errno syscall.Errno, ok bool) {
	errno, ok = errors.AsType[syscall.Errno](err)
	if alike, known := alikeErrnos[errno]; known {
		errno = alike
	}
	return errno, ok
}

// limit recognises what our own clients end a request for.
func limit(err error) Class {
	if e, ok := errors.AsType[*httpx.LimitError](err); ok {
		switch e.Phase {
		case httpx.Connecting:
			return ConnectTimeout
		case httpx.Answering:
			return FirstByteTimeout
		case httpx.Stalled:
			return Stall
		}
		return Timeout
	}
	if e, ok := errors.AsType[*httpx.RedirectError](err); ok {
		if e.Loop {
			return RedirectLoop
		}
		return RedirectRefused
	}
	return ""
}

// scarce recognises this machine's shortages, which look the same to files and
// connections.
func scarce(err error) Class {
	if TooManyOpen(err) {
		return LocalIO
	}
	if errno, ok := errnoOf(err); ok && errno == ErrFull {
		return DiskFull
	}
	return ""
}

// TooManyOpen reports whether an error says that this process, or the system,
// has as many files and connections open as it may. It passes when others are
// closed.
func TooManyOpen(err error) bool {
	if errno, ok := errnoOf(err); ok && (errno == syscall.EMFILE || errno == syscall.ENFILE) {
		return true
	}
	// Of what the resolver met, only the text is left.
	dns, ok := errors.AsType[*net.DNSError](err)
	return ok && (strings.Contains(dns.Err, syscall.EMFILE.Error()) || strings.Contains(dns.Err, syscall.ENFILE.Error()))
}

func trust(err error) Class {
	invalid, _ := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case is[x509.UnknownAuthorityError](err), is[x509.SystemRootsError](err):
		return TLSUnknownAuthority
	case is[x509.HostnameError](err):
		return TLSWrongName
	case invalid.Reason == x509.Expired:
		return TLSExpired
	case is[x509.CertificateInvalidError](err), is[*tls.CertificateVerificationError](err):
		return TLS
	}
	return ""
}

// forwardProxy recognises what happened on the way to the forward proxy
// (net/http transport.go: wrapErr; golang.org/x/net/internal/socks: Command).
// That a proxy refused a tunnel is told by text alone.
func forwardProxy(err error) Class {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || (op.Op != "proxyconnect" && op.Op != "socks connect") {
		return ""
	}
	if fromText(op.Err) == ProxyAuth {
		return ProxyAuth
	}
	return ProxyConnect
}

func lookup(err error) Class {
	if is[*net.DNSError](err) {
		return NameLookup
	}
	return ""
}

// streamError has the structure of net/http's HTTP/2 stream error, whose type
// is not exported but converts itself to any such type in errors.As (net/http
// h2_error.go). golang.org/x/net/http2 has the same.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "stream error" }

func protocol(err error) Class {
	op, _ := errors.AsType[*net.OpError](err)
	switch {
	case is[streamError](err):
		return HTTP2Reset
	case errors.Is(err, http.ErrSchemeMismatch), is[tls.RecordHeaderError](err):
		return NotTLS
	case is[tls.AlertError](err), op != nil && (op.Op == "remote error" || op.Op == "local error"): // an alert (crypto/tls conn.go)
		return TLS
	case is[textproto.ProtocolError](err):
		return BadResponse
	}
	return ""
}

// late recognises limits of time that were reached, by what was waited for.
func late(err error) Class {
	timeout, ok := errors.AsType[net.Error](err)
	if (!ok || !timeout.Timeout()) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) &&
		!errors.Is(err, ErrTimedOut) {
		return ""
	}
	op, ok := errors.AsType[*net.OpError](err)
	switch {
	case !ok:
		return Timeout
	case op.Op == "dial":
		return ConnectTimeout
	case beforeResponse(err):
		return FirstByteTimeout
	}
	return Stall
}

// beforeResponse reports whether a request failed without a response:
// http.Client wraps such errors in a url.Error, those of a body it does not.
func beforeResponse(err error) bool { return is[*url.Error](err) }

func network(err error) Class {
	op, connection := errors.AsType[*net.OpError](err)
	errno, system := errnoOf(err)
	broken := CutBody
	if beforeResponse(err) || (connection && op.Op != "read") {
		broken = Reset
	}
	switch {
	case system && errno == ErrRefused:
		return Refused
	case system && errno == ErrUnreachable:
		return Unreachable
	case system && errno == ErrReset, errors.Is(err, net.ErrClosed):
		return broken
	case system && connection && op.Op == "dial":
		return Unreachable // among them EACCES and EPERM, which a packet filter causes
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return broken
	case system && connection:
		return broken
	}
	return ""
}

// file recognises failures of the file system. Whether a missing file is an
// answer (of a file:// mirror) only its reader knows: here it is a failure.
func file(err error) Class {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return Permission
	case is[*fs.PathError](err), is[*os.LinkError](err), is[syscall.Errno](err):
		return LocalIO
	}
	return ""
}

func content(err error) Class {
	for _, bad := range []error{gzip.ErrHeader, gzip.ErrChecksum, zip.ErrFormat, zip.ErrAlgorithm, zip.ErrChecksum} {
		if errors.Is(err, bad) {
			return WrongContent
		}
	}
	if is[flate.CorruptInputError](err) {
		return WrongContent
	}
	return ""
}
