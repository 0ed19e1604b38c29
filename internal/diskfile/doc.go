// Package diskfile opens, reads and replaces files whose names, links or kinds
// somebody else may have chosen. Its invariants: only regular files (and the
// null device) are opened, opening never blocks (a FIFO has no reader, a device
// no end), what is read into memory is bounded first, and a file of the checkout
// is never reached through a link that leads out of it.
//
// Files that the checkout names or may have put there go through the functions
// that take a root; files that only the job or this machine names go through
// the others.
package diskfile
