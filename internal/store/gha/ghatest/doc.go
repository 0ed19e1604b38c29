// Package ghatest is a double of GitHub's cache service on loopback: the cache
// service v2 (Twirp JSON and signed URLs of block blobs) and v1 (REST), with
// scripted faults and a limit of bandwidth.
//
// Its main invariant: everything is real up to the socket, and nothing depends
// on time: faults that wait do so until a channel or the end of the request
// says otherwise. What it answers and how it differs between GitHub, act and
// Gitea follows the project's facts about the protocols; the official client
// can use it, too.
//
// A test starts a Server, gives its environment to what it tests, and looks at
// the requests and entries:
//
//	s := ghatest.Start(t, ghatest.Options{})
//	st, err := gha.Open(gha.Options{Getenv: s.Getenv, Transport: s.Transport()})
//	s.Fault(ghatest.First(1, ghatest.Read, ghatest.CutAfter(100)))
//	…
//	if n := s.Count(ghatest.Read); n != 2 { … }
//
// A benchmark uses New and Close, Options.Dir and Options.Bandwidth, and gives
// Environ to processes.
package ghatest
