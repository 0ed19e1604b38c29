// Package fetch brings a work list into a module cache: the preflight and the
// choice of the chain, then the schedule of requests with retry by failure
// class, takeover by other mirrors, hedging and splitting.
//
// Its main invariants: a module enters the module cache only through
// modcache.PutZip and PutMod, which compare it with the hash of go.sum; a
// module that matches GONOPROXY or GOPRIVATE is asked of no mirror that the go
// command would not ask; and what a mirror outside the public catalogue
// refuses behind a comma is not asked of the next one.
package fetch
