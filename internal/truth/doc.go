// Package truth holds what modferry claims about the go command against the
// real go command of this machine. It has tests only.
//
// What modferry does better than the go command, what its doctor says, and how
// it reads logs all rest on rules that cmd/go documents in part or not at all.
// Here each rule is a claim: a name that stays, a sentence, what of modferry
// leans on it, and a run of the real go command, in an environment of its own,
// against servers on loopback. A new Go release that changes a rule turns the
// claim red, and the failure says what was seen instead and what to change.
//
// docs/folklore.md names claims of this package as its evidence; a test keeps
// the names true.
package truth
