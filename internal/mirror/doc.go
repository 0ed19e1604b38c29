// Package mirror is one module proxy (one URL of a GOPROXY list) as a client
// sees it: limited requests over http, https and file, its health, its probe,
// and the catalogue of public mirrors.
//
// Its main invariant: nothing a mirror sends is believed. Responses are bounded
// in time and size, errors are classified and redacted where they arise, and
// credentials never leave the host they were written for. What the bytes are
// worth is decided by hash, elsewhere: this package knows no module cache.
package mirror
