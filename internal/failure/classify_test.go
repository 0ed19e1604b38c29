package failure_test

import (
	"archive/zip"
	"compress/flate"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
)

// TestClassifyValues looks at errors that are made here; those of real
// connections are in wire_test.go.
func TestClassifyValues(t *testing.T) {
	t.Parallel()
	request := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://mirror.example.test/x", Err: err}
	}
	socket := func(op string, errno syscall.Errno) error {
		return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError("connect", native(errno))}
	}
	path := func(errno syscall.Errno) error {
		return &fs.PathError{Op: "write", Path: "/cache/x", Err: native(errno)}
	}
	tests := []struct {
		name string
		err  error
		want failure.Class
	}{
		{"no error has no class", nil, ""},
		{"an error of ours keeps its class", failure.New(failure.HashMismatch, "verify", "", syscall.ENOSPC), failure.HashMismatch},
		{"an error of ours keeps its class when wrapped", fmt.Errorf("x: %w", request(failure.New(failure.RedirectLoop, "get", "", nil))), failure.RedirectLoop},
		{"an error of ours without a class is classified by its cause", &failure.Error{Op: "write", Err: path(syscall.EROFS)}, failure.Permission},
		{"an error of ours without anything is unknown", &failure.Error{}, failure.Unknown},
		{"any other error is unknown", errors.New("connection refused"), failure.Unknown},

		{"no connection within a limit of ours", request(&httpx.LimitError{Phase: httpx.Connecting}), failure.ConnectTimeout},
		{"no response within a limit of ours", request(httpx.NoAnswer(1)), failure.FirstByteTimeout},
		{"too few bytes within a limit of ours", &httpx.LimitError{Phase: httpx.Stalled}, failure.Stall},
		{"no end within a limit of ours", &httpx.LimitError{Phase: httpx.Total}, failure.Timeout},
		{"a redirect that is not followed", request(&httpx.RedirectError{}), failure.RedirectRefused},
		{"too many redirects", request(&httpx.RedirectError{Loop: true}), failure.RedirectLoop},

		{"the name server is not reached", request(&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "server misbehaving", Name: "mirror.example.test", IsTemporary: true}}), failure.NameLookup},
		{"the name server is too slow", request(&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "i/o timeout", Name: "mirror.example.test", IsTimeout: true}}), failure.NameLookup},
		{"no route", request(socket("dial", syscall.EHOSTUNREACH)), failure.Unreachable},
		{"no network", request(socket("dial", syscall.ENETUNREACH)), failure.Unreachable},
		{"no such address family", request(socket("dial", syscall.EAFNOSUPPORT)), failure.Unreachable},
		{"no local address of the family", request(socket("dial", syscall.EADDRNOTAVAIL)), failure.Unreachable},
		{"a packet filter says no", request(socket("dial", syscall.EACCES)), failure.Unreachable},
		{"a packet filter does not permit it", request(socket("dial", syscall.EPERM)), failure.Unreachable},
		{"the kernel gives up connecting", request(socket("dial", syscall.ETIMEDOUT)), failure.ConnectTimeout},
		{"the kernel gives up before the response", request(socket("read", syscall.ETIMEDOUT)), failure.FirstByteTimeout},
		{"the kernel gives up within the body", socket("read", syscall.ETIMEDOUT), failure.Stall},
		{"the connection is reset before the response", request(socket("read", syscall.ECONNRESET)), failure.Reset},
		{"the request cannot be written", request(socket("write", syscall.EPIPE)), failure.Reset},
		{"the connection is aborted within the body", socket("read", syscall.ECONNABORTED), failure.CutBody},
		{"the connection was closed by us before the response", request(&net.OpError{Op: "read", Net: "tcp", Err: net.ErrClosed}), failure.Reset},
		{"too many open files for another connection", request(socket("dial", syscall.EMFILE)), failure.LocalIO},
		{"the body ends early", fmt.Errorf("read: %w", io.ErrUnexpectedEOF), failure.CutBody},

		{"the roots of the system cannot be read", request(x509.SystemRootsError{Err: errors.New("no file")}), failure.TLSUnknownAuthority},
		{"the certificate may not be used for this", request(&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.IncompatibleUsage}}), failure.TLS},
		{"the certificate fails in another way", request(&tls.CertificateVerificationError{Err: x509.ConstraintViolationError{}}), failure.TLS},
		{"an alert of QUIC", tls.AlertError(40), failure.TLS},

		{"the name of the forward proxy is not found", request(&net.OpError{Op: "proxyconnect", Net: "tcp", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "proxy.example.test", IsNotFound: true}}}), failure.ProxyConnect},
		{"the certificate of the forward proxy is not trusted", request(&net.OpError{Op: "proxyconnect", Net: "tcp", Err: x509.UnknownAuthorityError{}}), failure.TLSUnknownAuthority},
		{"the SOCKS proxy does not take the password", request(&net.OpError{Op: "socks connect", Net: "tcp", Err: errors.New("username/password authentication failed")}), failure.ProxyAuth},
		{"the SOCKS proxy cannot connect", request(&net.OpError{Op: "socks connect", Net: "tcp", Err: errors.New("unknown error host unreachable")}), failure.ProxyConnect},
		{"a tunnel that is not opened, in an HTTP/1.0 way", request(errors.New("unknown status code")), failure.ProxyConnect},
		{"the text of a status that is not of a request is nothing", errors.New("Forbidden"), failure.Unknown},
		{"the text of a status within another text is nothing", request(errors.New("Forbidden fruit")), failure.Unknown},
		{"a text that a server could have sent decides nothing", request(errors.New("server said: net/http: TLS handshake timeout")), failure.Unknown},

		{"https redirected to http, as cmd/go says it", request(errors.New("redirected from secure URL https://a.example.test to insecure URL http://a.example.test")), failure.RedirectRefused},
		{"credentials over http, as cmd/go says it", errors.New("refusing to pass credentials to insecure URL: http://u@h.example.test"), failure.InsecureCredentials},

		{"no room", path(syscall.ENOSPC), failure.DiskFull},
		{"no quota", &os.LinkError{Op: "rename", Old: "a", New: "b", Err: native(syscall.EDQUOT)}, failure.DiskFull},
		{"no permission", path(syscall.EACCES), failure.Permission},
		{"not permitted", path(syscall.EPERM), failure.Permission},
		{"read-only", path(syscall.EROFS), failure.Permission},
		{"a missing directory", path(syscall.ENOENT), failure.LocalIO},
		{"a device that fails", path(syscall.EIO), failure.LocalIO},
		{"a rename over devices", &os.LinkError{Op: "rename", Old: "a", New: "b", Err: syscall.EXDEV}, failure.LocalIO},
		{"a bare system error", fmt.Errorf("lock: %w", syscall.ENOLCK), failure.LocalIO},
		{"too many open files", path(syscall.EMFILE), failure.LocalIO},

		{"cancelled", fmt.Errorf("get: %w", context.Canceled), failure.Cancelled},
		{"cancelled wins over what it caused", errors.Join(socket("read", syscall.ECONNRESET), context.Canceled), failure.Cancelled},
		{"cancelled while looking up a name", &net.OpError{Op: "dial", Err: &net.DNSError{UnwrapErr: context.Canceled, Err: "operation was canceled"}}, failure.Cancelled},
		{"cancelled, as net/http says it", request(errors.New("net/http: request canceled while waiting for connection")), failure.Cancelled},
		{"a deadline", fmt.Errorf("verify: %w", context.DeadlineExceeded), failure.Timeout},
		{"a deadline of a request", request(context.DeadlineExceeded), failure.Timeout},
		{"a deadline of a file", os.ErrDeadlineExceeded, failure.Timeout},

		{"not a zip", fmt.Errorf("open: %w", zip.ErrFormat), failure.WrongContent},
		{"a zip with a bad sum", zip.ErrChecksum, failure.WrongContent},
		{"compressed bytes that are damaged", flate.CorruptInputError(7), failure.WrongContent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := failure.Classify(tt.err); got != tt.want {
				t.Errorf("Classify(%v) = %q, want %q", tt.err, got, tt.want)
			}
		})
	}
}

func TestClassifyTellsCausesOfContexts(t *testing.T) {
	t.Parallel()
	stalled := failure.New(failure.Stall, "read", "", errors.New("no bytes"))

	limited, stop := context.WithCancelCause(t.Context())
	stop(stalled)
	plain, cancel := context.WithCancel(t.Context())
	cancel()
	passed, cancel := context.WithDeadline(t.Context(), deadlinePast)
	defer cancel()
	named, cancel := context.WithDeadlineCause(t.Context(), deadlinePast, fmt.Errorf("the limit: %w", stalled))
	defer cancel()
	below, cancel := context.WithCancel(limited)
	defer cancel()

	tests := []struct {
		name string
		err  error
		want failure.Class
	}{
		{"the cause decides", context.Cause(limited), failure.Stall},
		{"the cause decides below, too", context.Cause(below), failure.Stall},
		{"a cancelled context without a cause is cancelled", context.Cause(plain), failure.Cancelled},
		{"the error of a context with a cause is still cancelled", limited.Err(), failure.Cancelled},
		{"a deadline without a cause is a timeout", context.Cause(passed), failure.Timeout},
		{"a deadline with a cause is the cause", context.Cause(named), failure.Stall},
	}
	for _, tt := range tests {
		if got := failure.Classify(tt.err); got != tt.want {
			t.Errorf("%s: Classify(%v) = %q, want %q", tt.name, tt.err, got, tt.want)
		}
	}

	// net/http returns the cause of the request's context.
	req, err := http.NewRequestWithContext(limited, http.MethodGet, "http://127.0.0.1:1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := new(http.Transport).RoundTrip(req); failure.Classify(err) != failure.Stall {
		t.Errorf("Classify(%v) = %q, want the class of the cause", err, failure.Classify(err))
	}
}

func TestClassifyRealFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, missing := os.Open(filepath.Join(dir, "missing"))
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	notDir := os.Mkdir(filepath.Join(file, "x"), 0o777)
	closed, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	_, afterClose := closed.Read(make([]byte, 1))
	for name, err := range map[string]error{"missing": missing, "not a directory": notDir, "closed": afterClose} {
		if got := failure.Classify(err); got != failure.LocalIO {
			t.Errorf("%s: Classify(%v) = %q, want %q", name, err, got, failure.LocalIO)
		}
	}

	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no device that is full here")
	}
	defer full.Close()
	if _, err := full.WriteString("x"); failure.Classify(err) != failure.DiskFull {
		t.Errorf("Classify(%v) = %q, want %q", err, failure.Classify(err), failure.DiskFull)
	}
}
