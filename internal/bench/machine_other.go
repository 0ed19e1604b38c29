//go:build !linux

package main

import (
	"runtime"
	"time"
)

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

// processorTime is unknown here.
func processorTime(int) (time.Duration, error) { return 0, nil }

// peakOf knows no peak.
func peakOf(int) int64 { return 0 }
