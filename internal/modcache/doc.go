// Package modcache reads and writes the go command's module cache on disk.
//
// Its main invariant: a file enters the module cache only after its h1 hash
// equals the one the caller names, by an atomic rename and in an order that a
// go command running at the same time, or after a kill at any instant, accepts.
//
// # Layout
//
// Under GOMODCACHE, with D = cache/download/<path>/@v/<version> and upper-case
// letters of path and version written as ! and the lower-case letter
// (cmd/go modfetch/cache.go: CachePath, DownloadDir):
//
//	D.zip      the module zip, any encoding with the right h1
//	D.ziphash  its h1, 47 bytes without newline
//	D.mod      go.mod as served
//	D.info     {"Version":…,"Time":…} in one line without newline
//	D.lock     empty; the flock(2) or LockFileEx target, never removed
//	D.partial  exists while the tree is being written; the tree counts for nothing
//	…/@v/list  the versions whose .mod is there
//	<path>@<version>/  the extracted tree: files 0444, directories 0555
//
// Example: the zip of github.com/BurntSushi/toml v1.4.0 is
//
//	cache/download/github.com/!burnt!sushi/toml/@v/v1.4.0.zip
//
// and its tree is github.com/!burnt!sushi/toml@v1.4.0. All modes are less the
// umask. A run's own temporary files live in cache/modferry/run-N, beside
// run-N.lock, whose lock the run holds as long as it lives.
//
// # Order
//
// Everything is verified before D.lock is taken. Under it: a tree that is not
// what the zip holds goes (the go command would trust it unchecked), and a wrong
// zip, then the hash is placed, then the zip, then the tree. A hash alone is
// safe: the go command downloads the zip and compares it with the hash and with
// go.sum.
//
// A tree with its hash and without a zip is all that builds need. go mod
// download wants the zip, and so do go commands that use this module cache as
// their file:// mirror; RebuildZip makes it of the tree.
package modcache
