// Package layer keeps modules between jobs: which saved sets of modules to
// restore into a module cache, and what to save.
//
// Its main invariant: nothing a store gives back is believed. Everything in a
// layer goes through the puts of the module cache, which compare it with the
// go.sum hash before it gets a name there; what fails, or is in a layer without
// belonging there, is told and left to the mirrors.
//
// # Format 2
//
// A layer is an entry named modferry-l2-<hash>: a sequence of zstd frames, one
// for each module and one for the go.mod files that come without contents. Before
// each stands a label, a skippable frame (magic 0x184D2A50) with the text
//
//	<length of the frame in bytes> <path>@<version>
//
// or "*" instead of the module where there are several. So a reader passes over
// what it does not want, and unpacks what it wants in parallel, while the layer
// streams in; and any zstd program unpacks a layer. A frame holds lines, each
// followed by as many bytes as it says:
//
//	module <path>@<version>   what follows belongs to it; no bytes
//	info <size>
//	mod <size>
//	file <size> <name>        one of the module's tree; they stand together
//	zip <size>                instead of files, where no tree has the zip's hash
//
// Trees compress to two thirds of their zips, and need not be extracted. h1
// hashes cover names and contents, so a tree is verified as its zip would be.
//
// The hash in a layer's name is one of the members in it and of their go.sum
// hashes, so the same modules make the same layer whoever saves them, and a layer
// is never written twice. Its bytes depend on more than that (an .info is as its
// mirror sent it, compression has levels), so no index says where in a layer
// something stands: that would be true of one job's layer only.
//
// An index is an entry named modferry-i2-<project>-<sums>-<content>: JSON that
// says which layer holds what. <project> stands for the main modules, <sums> for
// the go.sum lines the checkout needs, <content> for the index itself. Entries
// are never replaced: a newer index stands beside the older one, and the newest
// with the longest matching prefix is the one that counts.
//
// Whoever saves writes a layer first and the index last, so an index never
// names a layer that was not there; one that has been evicted meanwhile costs a
// fetch. Entries of format 1 are not read.
package layer
