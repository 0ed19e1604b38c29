// Package settings holds everything a user can set, in one table.
//
// The table ([Table]) gives each setting its name, kind, default and meaning;
// flags, MODFERRY_ variables, keys of .modferry.yaml, inputs of the action and
// the documentation are all made from it or compared with it by a test.
// [Resolve] turns what was given into [Values], flag before variable before
// configuration file before default.
//
// Its main invariant: a value that cannot mean what was intended is an error
// that says what was found, where, and what to write instead; it is never
// ignored or guessed at, and it never appears unredacted. The package is pure:
// environment and files are read through functions that the caller passes.
package settings
