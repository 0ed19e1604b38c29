// Package report is the result of a run as data: the Result and its JSON, its
// totals, the outcome, the state of mirrors and the causes of failures.
//
// Its main invariant: renderings read nothing but the Result, and nothing that
// a mirror, a cache or a file put into it can forge a line, a workflow command
// or a terminal sequence in what they write. The packages below this directory
// are the renderings; but for progress they are pure as this one is.
package report
