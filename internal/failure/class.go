// Package failure names every way in which a download fails: the class of an
// error, what it means, and what to do about it. Retry, fallback, reports and
// exit codes all read the class and nothing else.
//
// Its main invariant: an error is classified once, from its type, and what is
// shown of it is one line without credentials, control characters or workflow
// commands, whatever a server put there. The package is pure: it knows the
// error types of the network, but uses none.
package failure

// Class is the kind of an error: the one vocabulary that retry, fallback,
// reports and exit codes all read. The text of a class is part of the result
// JSON and never changes its meaning. The empty class means no failure.
type Class string

// The failure classes. An error belongs to exactly one.
const (
	// The network, before a response.
	NameLookup          Class = "name_lookup"           // the host name has no address, or the resolver failed
	Refused             Class = "refused"               // nothing listens at the address
	Unreachable         Class = "unreachable"           // no route, or the network is down
	ConnectTimeout      Class = "connect_timeout"       // no answer to the connection request
	Reset               Class = "reset"                 // the peer broke the connection before a response
	TLSTimeout          Class = "tls_timeout"           // the TLS handshake did not end in time
	TLSUnknownAuthority Class = "tls_unknown_authority" // the certificate's issuer is not trusted here
	TLSWrongName        Class = "tls_wrong_name"        // the certificate is for another name
	TLSExpired          Class = "tls_expired"           // the certificate is expired or not yet valid
	TLS                 Class = "tls"                   // any other failure of the handshake
	NotTLS              Class = "not_tls"               // plain HTTP on an https port, or the reverse
	ProxyAuth           Class = "proxy_auth"            // the forward proxy wants credentials (407)
	ProxyConnect        Class = "proxy_connect"         // the forward proxy is down or refused the tunnel

	// The response.
	Unauthorized     Class = "unauthorized"       // 401
	Forbidden        Class = "forbidden"          // 403, 451
	NotFound         Class = "not_found"          // 404, or a missing file of a file:// mirror
	Gone             Class = "gone"               // 410
	Throttled        Class = "throttled"          // 429
	ServerError      Class = "server_error"       // 5xx; 408, 424 and 425 pass as soon
	HTTPStatus       Class = "http_status"        // any other status that is not 200
	RedirectLoop     Class = "redirect_loop"      // more than ten requests in a row
	RedirectRefused  Class = "redirect_refused"   // https to http, or a scheme that is not http(s)
	BadResponse      Class = "bad_response"       // not HTTP at all
	FirstByteTimeout Class = "first_byte_timeout" // connected, but no response in time

	// The body.
	Stall      Class = "stall"       // no bytes for the stall limit
	CutBody    Class = "cut_body"    // the body ended early, or its length was wrong
	HTTP2Reset Class = "http2_reset" // the server reset the HTTP/2 stream or connection
	Timeout    Class = "timeout"     // the total limit of the operation was reached

	// The content.
	WrongContent Class = "wrong_content" // a login page, not a zip, not the module's .info
	UnsafeZip    Class = "unsafe_zip"    // a zip that breaks the module zip rules
	TooLarge     Class = "too_large"     // larger than the go command accepts
	HashMismatch Class = "hash_mismatch" // the right shape, but not the bytes go.sum names
	MissingSum   Class = "missing_sum"   // go.sum has no line, so nothing can be verified

	// This machine.
	DiskFull   Class = "disk_full"
	Permission Class = "permission"
	LocalIO    Class = "local_io"

	// Policy and control.
	InsecureCredentials Class = "insecure_credentials" // user:password in an http:// URL, refused as the go command does
	Disabled            Class = "disabled"             // GOPROXY=off, or the chain has no mirror for this module
	OnlyDirect          Class = "only_direct"          // no mirror has it, version control may: deferred
	Private             Class = "private"              // matches GONOPROXY: deferred
	CircuitOpen         Class = "circuit_open"         // the mirror failed too often in a row and is taken out
	Cancelled           Class = "cancelled"            // the run was interrupted
	Unknown             Class = "unknown"
)

// Error is a classified failure. Its text never contains a credential: URL is
// redacted by whoever makes the Error, and text from servers has been through
// Neutral. It is immutable once made.
type Error struct {
	Class      Class
	Op         string // what was being done, e.g. "get" or "verify"
	URL        string // redacted; "" when no request was involved
	Status     int    // HTTP status, 0 when there was no response
	RetryAfter int64  // milliseconds the server asked to wait, 0 when it didn't
	Detail     string // one line for people, redacted and neutral, e.g. the two hashes or the server's first line
	Issuer     string // who issued the certificate that is not trusted, neutralised; "" when that is not the failure
	Err        error  // the cause, nil when there is none
}

func (e *Error) Unwrap() error { return e.Err }
