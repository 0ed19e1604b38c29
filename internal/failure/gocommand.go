package failure

import (
	"cmp"
	"regexp"
)

// ferried is what modferry does about a transfer that failed in a go command.
const ferried = " Put modferry fetch before the go command, or run it as modferry exec -- CMD: downloads are then retried, resumed, and taken from the next mirror."

// ofGo are the remedies for a go command on its own, where that of the class
// names settings that only modferry has.
var ofGo = map[Class]string{
	Refused:             "Start the mirror, or correct its port in GOPROXY. After a |, the go command goes on to the next mirror when one is down.",
	ConnectTimeout:      "If outside hosts are reached through a forward proxy, set HTTPS_PROXY. Otherwise run again; the limit of 30 s is fixed." + ferried,
	Reset:               "Run again." + ferried + " If it persists, ask the operator of the mirror or of the forward proxy (HTTPS_PROXY).",
	TLSTimeout:          "Run again, or put another mirror first in GOPROXY; the limit of 10 s is fixed." + ferried,
	TLSUnknownAuthority: "If the issuer is your company's, set SSL_CERT_FILE to a file that holds its CA certificate (PEM) and the public ones.",
	TLS:                 "Use a mirror that speaks TLS 1.2 or later without client certificates: GOPROXY. If a device in between intercepts TLS, add its CA certificate to SSL_CERT_FILE.",
	Throttled:           "Run again later; credentials in .netrc (NETRC) may raise the limit. Keep the module cache between runs, so that fewer requests are needed." + ferried,
	ServerError:         "Run again later. After a | in GOPROXY, the go command goes on to the next mirror when one fails." + ferried,
	BadResponse:         "Run again. If it persists, check host and port in GOPROXY, and HTTPS_PROXY if a forward proxy is in between." + ferried,
	FirstByteTimeout:    "Run again, or put another mirror first in GOPROXY." + ferried,
	Stall:               "Run again, or put another mirror first in GOPROXY." + ferried,
	CutBody:             "Run again. If it is always the same file, the mirror has a broken copy: put another mirror first in GOPROXY." + ferried,
	HTTP2Reset:          "Run again." + ferried + " If it persists, set GODEBUG=http2client=0, which makes the go command use HTTP/1.1.",
	Timeout:             "Run again, or put another mirror first in GOPROXY." + ferried,
	HashMismatch:        "Do not just run again. Find out which hash is right: the checksum database (GOSUMDB) knows. If it is the one in go.sum, remove the mirror from GOPROXY and tell its operator, or empty a module cache that was changed (go clean -modcache); if not, find out who wrote the line.",
	DiskFull:            "Free some space, or use another directory with GOMODCACHE.",
	LocalIO:             "Use another directory with GOMODCACHE. If too many files are open, raise ulimit -n.",
	Cancelled:           "Run again. If the job's own time limit ended it, raise that limit.",
	Unknown:             "If the message names a setting or a missing program, correct that. Otherwise run again, for details with go mod download -x, and report the problem with the text of this message.",
}

// alternative is a setting of modferry beside a variable of the go command.
var alternative = regexp.MustCompile(` or \{[a-z-]+\}`)

// GoRemedy is what to do about a failure of a go command on its own, which knows
// no setting of modferry; "" for the empty class.
func (c Class) GoRemedy() string {
	k := c.kind()
	return cmp.Or(ofGo[k.class], alternative.ReplaceAllString(k.remedy, ""))
}
