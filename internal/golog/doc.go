// Package golog reads logs of go commands: it finds the failed downloads in
// them, and the other errors that ended a command, and gives each its failure
// class. A log may be that of a whole job, with what a CI system or a container
// build puts before its lines.
//
// A log is text from outside: what is kept of it is bounded, and its words decide
// about nothing but the report.
package golog
