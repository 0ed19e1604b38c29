// Package imports follows import clauses from the packages of a checkout through
// the modules that provide what they import, and tells which modules the go
// command reads to build, vet and test: exactly those, and no other that go.mod
// requires.
//
// It opens nothing. Whoever uses it gives the files of modules as they arrive
// (Files, each read by Read) and is told which further modules are needed.
//
// Rules of the go command are taken from cmd/go/internal/modload (import.go:
// importFromModules, dirInModule; load.go: loadTests) and cmd/go/internal/imports
// (build.go, scan.go).
package imports
