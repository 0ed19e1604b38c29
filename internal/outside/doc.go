// Package outside is about modules that no go.sum names: what go install
// PACKAGE@QUERY and downloads of toolchains read. It resolves queries as the go
// command does, and makes a work list of the answer whose hashes are those of the
// checksum database.
//
// Its main invariants: a hash of the list is one that the database states, and proves
// to have stated to everybody; only where the go command itself would ask no database
// is it that of the first bytes that came, which is told; and what a query means is
// for the job's mirrors to say, never for the checkout's.
//
// Rules of the go command are taken from cmd/go/internal/modload (query.go, load.go)
// and cmd/go/internal/work (build.go: installOutsideModule).
package outside
