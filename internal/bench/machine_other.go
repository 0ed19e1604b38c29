//go:build !linux

package main

import "runtime"

// confine has no portable form: the commands use every processor, and the table
// says how many there are.
func confine(int) error { return nil }

// serveFirst changes nothing.
func serveFirst(*thread) func() { return func() {} }

// fastDir knows no directory in memory.
func fastDir(uint64) string { return "" }

// syncDisks leaves it to the system.
func syncDisks() {}

// describeMachine knows only the system.
func describeMachine() string { return runtime.GOOS }

// watchPeak knows no peak.
func watchPeak(int) func() int64 { return func() int64 { return 0 } }
