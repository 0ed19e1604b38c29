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
	if errno, ok := errors.AsType[syscall.Errno](err); ok && full(errno) {
		return DiskFull
	}
	return ""
}

// TooManyOpen reports whether an error says that this process, or the system,
// has as many files and connections open as it may. It passes when others are
// closed.
func TooManyOpen(err error) bool {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		return true
	}
	// Of what the resolver met, only the text is left.
	dns, ok := errors.AsType[*net.DNSError](err)
	return ok && (strings.Contains(dns.Err, syscall.EMFILE.Error()) || strings.Contains(dns.Err, syscall.ENFILE.Error()))
}

func trust(err error) Class {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return TLSUnknownAuthority
	}
	if _, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return TLSUnknownAuthority
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return TLSWrongName
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if e.Reason == x509.Expired {
			return TLSExpired
		}
		return TLS
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
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
	if _, ok := errors.AsType[*net.DNSError](err); ok {
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
	if _, ok := errors.AsType[streamError](err); ok {
		return HTTP2Reset
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return NotTLS
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return NotTLS
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return TLS
	}
	// crypto/tls conn.go: an alert that came or was sent.
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return TLS
	}
	if _, ok := errors.AsType[textproto.ProtocolError](err); ok {
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
func beforeResponse(err error) bool {
	_, ok := errors.AsType[*url.Error](err)
	return ok
}

func network(err error) Class {
	op, connection := errors.AsType[*net.OpError](err)
	errno, system := errors.AsType[syscall.Errno](err)
	broken := CutBody
	if beforeResponse(err) || (connection && op.Op != "read") {
		broken = Reset
	}
	switch {
	case system && refused(errno):
		return Refused
	case system && unreachable(errno):
		return Unreachable
	case system && reset(errno), errors.Is(err, net.ErrClosed):
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
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return Permission
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return LocalIO
	}
	if _, ok := errors.AsType[*os.LinkError](err); ok {
		return LocalIO
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok {
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
	if _, ok := errors.AsType[flate.CorruptInputError](err); ok {
		return WrongContent
	}
	return ""
}
