// Package layer keeps modules between jobs: which saved sets of modules to
// restore into a module cache, and what to save.
//
// Its main invariant: nothing a store gives back is believed. Every file of a
// layer goes through the module cache's put, which compares it with the go.sum
// hash of the work list; what fails, or is in a layer without belonging there,
// is told and left to the mirrors.
//
// # Format 1
//
// A layer is an entry named modferry-l1-<hash>: a tar archive in zstd at its
// fastest level, with members named as below GOMODCACHE:
//
//	cache/download/github.com/!burnt!sushi/toml/@v/v1.4.0.zip
//
// The hash is one of the names in it, so the same modules make the same layer
// whoever saves them, and a layer is never written twice.
//
// An index is an entry named modferry-i1-<project>-<sums>-<content>: JSON that
// says which layer holds which file, and which modules the jobs so far did not
// use. <project> stands for the main modules, <sums> for the go.sum lines the
// checkout needs, <content> for the index itself. Entries are never replaced: a
// newer index stands beside the older one, and the newest with the longest
// matching prefix is the one that counts.
//
// Whoever saves writes layers first and the index last, so an index never
// names a layer that was not there; one that has been evicted meanwhile costs a
// fetch.
package layer
