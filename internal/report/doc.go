// Package report holds the result of a run as data, and renders it: for people
// as text, Markdown, HTML and a comparison of two, for machines as JSON, JUnit,
// Code Quality, CycloneDX and Prometheus text, and as progress while the run is
// under way.
//
// Its main invariant: renderings read nothing but the Result, and nothing that
// a mirror, a cache or a file put into it can forge a line, a workflow command
// or a terminal sequence in what they write. Everything but Progress is pure.
package report
