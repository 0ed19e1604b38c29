// Package failure names every way in which a download fails: the class of an
// error, what it means, and what to do about it. Retry, fallback, reports and
// exit codes all read the class and nothing else.
//
// Its main invariant: an error is classified once, from its type, and what is
// shown of it is one line without credentials, control characters or workflow
// commands, whatever a server put there. The package is pure: it knows the
// error types of the network, but uses none.
package failure
