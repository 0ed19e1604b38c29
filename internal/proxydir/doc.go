// Package proxydir is a module proxy that is a directory, as file:// in GOPROXY reads
// it:
//
//	<path>/@v/list             the versions that have an .info
//	<path>/@v/<version>.info   and .mod and .zip
//	sumdb/<name>/supported     and lookup/… and tile/…: what a checksum database said
//
// with upper-case letters of paths and versions written as ! and the lower-case letter.
//
// Its main invariants: nothing is written outside of the directory, whatever links are
// in it; every file is replaced in one step; and what is found in a directory is names
// and no more: the bytes are verified by whoever reads them.
package proxydir
