// Command modferry brings every module that a Go build needs into the module
// cache, verified, before the build asks for it.
//
// The package holds the commands and no logic: flags go in, an exit code comes
// out. Its invariant: standard output carries results and nothing else, and
// every run that was asked for a result writes one, interrupted and refused
// runs included.
package main

import (
	"context"
	"math"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	limitMemory()
	// The first signal cancels the run, whose result is still written; from
	// then on signals are not caught any more, so the second one kills.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, append(stageOf(os.Args[0]), os.Args[1:]...), process{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		getenv: os.Getenv, environ: os.Environ,
	}))
}

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
