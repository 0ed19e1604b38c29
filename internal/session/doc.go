// Package session knows what a run is about before it begins: settings, the go
// command's environment, the chain as configured with its mirrors, who may be
// asked for which module, the work list, and what of it the checkout said.
//
// A session is opened once and read from then on. Its main invariants: what
// cannot mean what was intended is refused when it is opened; the checkout's
// voice narrows, and never sends a credential of the job anywhere or decides what
// later steps are told.
package session
