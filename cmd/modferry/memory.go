package main

import (
	"math"
	"runtime/debug"
)

// softLimit is what the heap may grow to before the collector works harder. A
// restore holds some 60 MiB of bodies in flight; without a limit the heap would
// double that, and runners that count memory are small.
const softLimit = 100 << 20

// limitMemory sets the soft limit unless GOMEMLIMIT did.
func limitMemory() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(softLimit)
	}
}
