package golog

import (
	"archive/zip"
	"compress/flate"
	"compress/gzip"
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
	"slices"
	"strings"
	"syscall"

	"github.com/modferry/modferry/internal/failure"
)

// classifyCause classifies the text of an error as failure.Classify does the error
// itself: it makes the error anew from its text, so the rules are the same. The
// url is that of the request which had no response, "" otherwise.
func classifyCause(text, requestURL string) failure.Class {
	err := reviveError(text)
	if requestURL != "" {
		err = &url.Error{Op: "Get", URL: requestURL, Err: err}
	}
	return failure.Classify(err)
}

// errorTexts are whole texts of errors that have a value.
var errorTexts = map[string]error{
	"EOF":                              io.EOF,
	"unexpected EOF":                   io.ErrUnexpectedEOF,
	"i/o timeout":                      os.ErrDeadlineExceeded,
	"context deadline exceeded":        context.DeadlineExceeded,
	"context canceled":                 context.Canceled,
	"use of closed network connection": net.ErrClosed,
	"http: server gave HTTP response to HTTPS client": http.ErrSchemeMismatch,
	"zip: not a valid zip file":                       zip.ErrFormat,
	"zip: unsupported compression algorithm":          zip.ErrAlgorithm,
	"zip: checksum error":                             zip.ErrChecksum,
	"gzip: invalid header":                            gzip.ErrHeader,
	"insecure credentials":                            &failure.Error{Class: failure.InsecureCredentials}, // cmd/go/internal/web, of -x
	"gzip: invalid checksum":                          gzip.ErrChecksum,
}

// hostname is of crypto/x509 (verify.go), as what is said of certificates.
var hostname = x509.HostnameError{Certificate: &x509.Certificate{}}

// errorBeginnings are errors by how their texts begin: those that have a type of
// their own, and those of systems as Unix and Windows word them.
var errorBeginnings = []struct {
	text string
	err  error
}{
	{"context deadline exceeded (", context.DeadlineExceeded},
	{"remote error: ", &net.OpError{Op: "remote error", Err: errors.New("alert")}},
	{"flate: corrupt input before offset ", flate.CorruptInputError(0)},
	{"x509: certificate signed by unknown authority", x509.UnknownAuthorityError{}},
	{"x509: failed to load system roots", x509.SystemRootsError{}},
	{"x509: certificate has expired", x509.CertificateInvalidError{Reason: x509.Expired}},
	{"x509: certificate is valid for ", hostname},
	{"x509: certificate is not valid for any names", hostname},
	{"x509: cannot validate certificate for ", hostname},
	{"x509: certificate relies on legacy Common Name", hostname},
	{"connection refused", failure.ErrRefused},
	{"No connection could be made because the target machine actively refused it", failure.ErrRefused},
	{"network is unreachable", failure.ErrUnreachable},
	{"network is down", failure.ErrUnreachable},
	{"no route to host", failure.ErrUnreachable},
	{"host is down", failure.ErrUnreachable},
	{"A socket operation was attempted to an unreachable", failure.ErrUnreachable},
	{"cannot assign requested address", failure.ErrUnreachable}, // no address of the family, as IPv6 in many containers
	{"can't assign requested address", failure.ErrUnreachable},
	{"The requested address is not valid in its context", failure.ErrUnreachable},
	{"address family not supported by protocol", failure.ErrUnreachable},
	{"protocol not available", failure.ErrUnreachable},
	{"connection reset by peer", failure.ErrReset},
	{"software caused connection abort", failure.ErrReset},
	{"broken pipe", failure.ErrReset},
	{"An existing connection was forcibly closed by the remote host", failure.ErrReset},
	{"An established connection was aborted by the software in your host machine", failure.ErrReset},
	{"connection timed out", failure.ErrTimedOut},
	{"operation timed out", failure.ErrTimedOut},
	{"A connection attempt failed because the connected party did not properly respond", failure.ErrTimedOut},
	{"no space left on device", failure.ErrFull},
	{"disk quota exceeded", failure.ErrFull},
	{"There is not enough space on the disk", failure.ErrFull},
	{"permission denied", syscall.EACCES},
	{"operation not permitted", syscall.EPERM},
	{"Access is denied", syscall.EACCES},
	{"read-only file system", syscall.EROFS},
	{"too many open files", syscall.EMFILE},
	{"input/output error", syscall.EIO},
	{"stale NFS file handle", syscall.EIO},
	{"stale file handle", syscall.EIO},
	{"no locks available", syscall.EIO},
	{"function not implemented", syscall.EIO}, // locks on a network file system
	{"file name too long", syscall.EIO},
	{"The process cannot access the file because", syscall.EIO},
	{"The filename or extension is too long", syscall.EIO},
	{"text file busy", syscall.EIO},
	{"device or resource busy", syscall.EIO},
	{"directory not empty", syscall.EIO},
	{"not a directory", syscall.EIO},
}

func errorOf(text string) error {
	for _, e := range errorBeginnings {
		if strings.HasPrefix(text, e.text) {
			return e.err
		}
	}
	return nil
}

// fileOps are the operations of an fs.PathError that the module cache needs.
var fileOps = []string{"open", "mkdir", "rename", "write", "read", "close", "link", "chmod", "unlinkat", "remove", "stat", "lstat", "fork/exec",
	"Lock", "RLock", "lock", "sync", "truncate", "seek", "symlink", "readdirent", "fdopendir", "CreateFile"}

// netOps are the operations of a net.OpError, each followed by its network.
var netOps = []string{"proxyconnect", "socks connect", "dial", "read", "write"}

// reviveError makes an error from its text: of the type that the text is known
// to belong to, or one without a type, which is left to wordings.
func reviveError(text string) error {
	if err, ok := errorTexts[text]; ok {
		return err
	}
	if err := errorOf(text); err != nil {
		return err
	}
	for _, op := range netOps {
		if rest, ok := cutOp(text, op); ok {
			return &net.OpError{Op: op, Net: "tcp", Err: reviveError(rest)}
		}
	}
	if strings.HasPrefix(text, "lookup ") {
		return &net.DNSError{Err: text}
	}
	for _, call := range []string{"connect: ", "read: ", "write: ", "socket: ", "bind: ", "connectex: ", "wsarecv: ", "wsasend: "} {
		if rest, ok := strings.CutPrefix(text, call); ok {
			return &os.SyscallError{Syscall: strings.TrimSuffix(call, ": "), Err: reviveError(rest)}
		}
	}
	if rest, ok := strings.CutPrefix(text, "tls: failed to verify certificate: "); ok {
		return &tls.CertificateVerificationError{Err: reviveError(rest)}
	}
	// net/http transport.go: readLoopPeekFailLocked, transportReadFromServerError, mapRoundTripError.
	for _, wrap := range []string{
		"net/http: HTTP/1.x transport connection broken: ", "net/http: Transport failed to read from server: ", "readLoopPeekFailLocked: ",
	} {
		if rest, ok := strings.CutPrefix(text, wrap); ok {
			return fmt.Errorf("transport: %w", reviveError(rest))
		}
	}
	if err, ok := reviveFile(text); ok {
		return err
	}
	return errors.New(text)
}

// cutOp parts "dial tcp 192.0.2.1:443: cause" from its cause. The go command
// asks over TCP alone; its name servers also answer over UDP, but that is part
// of a lookup.
func cutOp(text, op string) (string, bool) {
	rest, ok := strings.CutPrefix(text, op+" tcp")
	if !ok {
		return "", false
	}
	if after, ok := strings.CutPrefix(rest, ": "); ok {
		return after, true
	}
	if after, ok := strings.CutPrefix(rest, " lookup "); ok { // not of the form "dial tcp: lookup"
		return "lookup " + after, true
	}
	if !strings.HasPrefix(rest, " ") {
		return "", false
	}
	_, after, ok := strings.Cut(rest, ": ") // addresses hold colons, but none before a blank
	return after, ok
}

// reviveFile does so for an fs.PathError or os.LinkError of a known system
// error: "open /x/y.lock: permission denied".
func reviveFile(text string) (error, bool) {
	op, rest, _ := strings.Cut(text, " ")
	i := strings.LastIndex(rest, ": ")
	if i <= 0 {
		return nil, false
	}
	errno, ok := errorOf(rest[i+2:]).(syscall.Errno)
	if !ok || !slices.Contains(fileOps, op) {
		return nil, false
	}
	return &fs.PathError{Op: op, Path: rest[:i], Err: errno}, true
}

// gitTexts are what git and ssh say of a failure that has a class, in the order
// in which they are looked for: git adds general remarks to a particular cause.
var gitTexts = []struct {
	text  string
	class failure.Class
}{
	{"Could not resolve host", failure.NameLookup},
	{"Could not resolve hostname", failure.NameLookup},
	{"certificate has expired", failure.TLSExpired},
	{"no alternative certificate subject name matches", failure.TLSWrongName},
	{"server certificate verification failed", failure.TLSUnknownAuthority},
	{"unable to get local issuer certificate", failure.TLSUnknownAuthority},
	{"self-signed certificate", failure.TLSUnknownAuthority},
	{"self signed certificate", failure.TLSUnknownAuthority},
	{"Received HTTP code 407 from proxy", failure.ProxyAuth},
	{"from proxy after CONNECT", failure.ProxyConnect},
	{"Connection refused", failure.Refused},
	{"Couldn't connect to server", failure.Refused},
	{"Could not connect to server", failure.Refused},
	{"Network is unreachable", failure.Unreachable},
	{"No route to host", failure.Unreachable},
	{"Connection timed out", failure.ConnectTimeout},
	{"Operation timed out", failure.ConnectTimeout},
	{"Connection reset by peer", failure.Reset},
	{"Empty reply from server", failure.Reset},
	{"terminal prompts disabled", failure.Unauthorized},
	{"could not read Username", failure.Unauthorized},
	{"could not read Password", failure.Unauthorized},
	{"Authentication failed", failure.Unauthorized},
	{"Permission denied (", failure.Unauthorized},
	{"Host key verification failed", failure.Unauthorized},
	{"early EOF", failure.CutBody},
	{"the remote end hung up unexpectedly", failure.CutBody},
	{"No space left on device", failure.DiskFull},
	{"not found", failure.NotFound},
	{"does not appear to be a git repository", failure.NotFound},
}

func classifyGit(lines []string) failure.Class {
	said := strings.Join(lines, "\n")
	if _, after, ok := strings.Cut(said, "requested URL returned error: "); ok && len(after) >= 3 {
		if code := number(after[:3]); code > 0 {
			return failure.FromStatus(code)
		}
	}
	for _, g := range gitTexts {
		if strings.Contains(said, g.text) {
			return g.class
		}
	}
	return failure.Unknown
}
