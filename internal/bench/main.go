// Command bench measures modferry against the go command, and its cache against
// the official cache client of GitHub's actions, and prints the result as
// Markdown.
//
// Its rule: both sides do the same job in the same run, from the same mirror on
// this machine, with the same processors, in turns, each from an empty module
// cache of its own; what counts is the ratio of the medians. Losing cases are
// printed like the others. Nothing is asserted: a time depends on the machine.
//
//	go -C internal/bench run .                # everything, as for the README
//	go -C internal/bench run . -n 1 -cases loopback -module MODULE@VERSION
//	go -C internal/bench run . -cases cache -official DIR    # what npm installed
//
// The cases, each with its usual project:
//
//   - loopback (hugo): from nothing until modferry fetch, go mod download and
//     go list -deps ./... have ended, from a mirror without latency
//   - wire (hugo): the same with the round trips of -rtt
//   - build (prometheus): from an empty module cache and a full build cache until
//     go build ./... has ended, with a round trip of 50 ms
//   - present (terraform, hugo): nothing is missing
//   - memory (hugo, kubernetes): the peak, cold
//   - relay (hugo): modferry serve against nginx, where it is installed, and goproxy
//   - cache (hugo, kubernetes): saving and restoring, against the official client
//   - recipe (hcl): a job until go test ./... has ended, with the README's steps
//     and with setup-go's cache
//
// It is a module of its own, so that what it needs stays out of the product's
// go.mod; its files and the product's are found from its own directory, which is
// where it has to run. Names of files on its command line start there, too.
//
// Sources and the mirror's files come through the go command's own settings on
// this machine (GOPROXY and so on); with -work DIR they are kept for the next
// time. Servers and namespaces end with the program.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What the largest run writes, its extracted trees included, and what the case
// cache needs at a time: the module caches that are saved, the entries, a run.
const (
	spaceWanted      = 4 << 30
	spaceWantedCache = 8 << 30
)

// runFromHere is the advice when files are not where they should be.
const runFromHere = "run it with go -C internal/bench run ."

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	n          int
	cases      []string
	roundTrips []time.Duration
	rates      []rate
	official   string // where the official client is installed, "" when it is not
	cores      int
	scheme     string
	project    *project // nil for the usual ones
	modferry   string
	work       string
	json       string // the file for the figures, "" for none
	tmp        string
	inMemory   bool // tmp is
}

// caseNames are all cases in the order they run in.
var caseNames = []string{"loopback", "wire", "build", "present", "memory", "relay", "cache", "recipe"}

// casesWithout are those that need nothing but this machine.
var casesWithout = caseNames[:6]

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	cases := flags.String("cases", "", "what to measure (default: "+strings.Join(casesWithout, ",")+", and the others with -official)")
	flags.IntVar(&o.n, "n", 5, "runs of each side")
	roundTrips := flags.String("rtt", "20ms,100ms", "round trips of the wire case")
	rates := flags.String("rate", "0,400,40", "rates of the cache service (and of the mirror, for the case recipe) in Mbit/s, 0 for no limit")
	flags.StringVar(&o.official, "official", "", "the `DIR` that npm installed internal/bench/official in, for the cases cache and recipe")
	flags.IntVar(&o.cores, "cores", 2, "processors the commands may use")
	flags.StringVar(&o.scheme, "scheme", "http", "how the mirror serves: http, or https with HTTP/2")
	module := flags.String("module", "", "measure every case on `MODULE@VERSION` instead of the usual projects")
	flags.StringVar(&o.modferry, "modferry", "", "the `program` to measure (default: built from this checkout)")
	flags.StringVar(&o.work, "work", "", "keep sources and the mirror's files in `DIR` (default: a temporary one)")
	flags.StringVar(&o.json, "json", "", "write the figures to `FILE` too")
	flags.StringVar(&o.tmp, "tmp", "", "make module caches below `DIR` (default: in memory where there is room)")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	switch {
	case *cases != "":
		o.cases = strings.Split(*cases, ",")
	case o.official != "":
		o.cases = caseNames
	default:
		o.cases = casesWithout
	}
	for _, name := range o.cases {
		if !slices.Contains(caseNames, name) {
			return options{}, fmt.Errorf("found case %q, expected some of %s", name, strings.Join(caseNames, ","))
		}
	}
	for text := range strings.SplitSeq(*roundTrips, ",") {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return options{}, fmt.Errorf("found round trip %q, expected a duration such as 100ms", text)
		}
		o.roundTrips = append(o.roundTrips, d)
	}
	for text := range strings.SplitSeq(*rates, ",") {
		n, err := strconv.ParseUint(text, 10, 20)
		if err != nil {
			return options{}, fmt.Errorf("found rate %q, expected whole Mbit/s, 0 for no limit", text)
		}
		o.rates = append(o.rates, rate(n))
	}
	switch {
	case flags.NArg() > 0:
		return options{}, fmt.Errorf("found argument %q, expected flags only", flags.Arg(0))
	case o.n < 1:
		return options{}, fmt.Errorf("found -n %d, expected at least 1", o.n)
	case o.cores < 1:
		return options{}, fmt.Errorf("found -cores %d, expected at least 1", o.cores)
	case o.scheme != "http" && o.scheme != "https":
		return options{}, fmt.Errorf("found -scheme %q, expected http or https", o.scheme)
	}
	if *module != "" {
		p, err := parseProject(*module)
		if err != nil {
			return options{}, err
		}
		o.project = &p
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	s, space := &suite{log: stderr}, uint64(spaceWanted)
	if slices.ContainsFunc(o.cases, func(name string) bool { return !slices.Contains(casesWithout, name) }) {
		if s.client, err = findOfficial(o.official, officialSource); err != nil {
			return err
		}
		space = spaceWantedCache
	}
	if o.tmp == "" {
		o.tmp = fastDir(space)
		o.inMemory = o.tmp != ""
	}
	if o.tmp, err = os.MkdirTemp(o.tmp, "modferry-bench-"); err != nil {
		return err
	}
	defer removeAll(o.tmp)
	// Programs run in other directories.
	if o.tmp, err = filepath.Abs(o.tmp); err != nil {
		return err
	}
	if o.work == "" {
		if o.work, err = os.MkdirTemp("", "modferry-bench-work-"); err != nil {
			return err
		}
		defer removeAll(o.work)
	}
	if o.work, err = filepath.Abs(o.work); err != nil {
		return err
	}
	if o.modferry == "" {
		o.modferry = filepath.Join(o.tmp, "modferry")
		build := exec.CommandContext(ctx, "go", "build", "-o", o.modferry, "./cmd/modferry")
		build.Dir = filepath.Join("..", "..")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build modferry (%s): %w: %s", runFromHere, err, out)
		}
	}
	s.options = o
	for _, name := range o.cases {
		if err = s.measure(ctx, name); err != nil {
			err = fmt.Errorf("case %s: %w", name, err)
			break
		}
	}
	// What was measured before an error is worth reading, too.
	preface := s.preface(time.Now())
	return errors.Join(err, writeReport(stdout, preface, s.claims, s.series), writeFigures(o.json, preface, s.claims, s.series))
}

// preface says when, where and how it was measured.
func (s *suite) preface(now time.Time) []string {
	protocol := "HTTP/1.1 without TLS"
	if s.scheme == "https" {
		protocol = "HTTP/2 over TLS"
	}
	place := "on disk"
	if s.inMemory {
		place = "in memory (tmpfs)"
	}
	lines := []string{
		fmt.Sprintf("Date: %s. Medians of %d runs, both sides in turns; `go -C internal/bench run .`.", now.UTC().Format(time.DateOnly), s.n),
		fmt.Sprintf("Machine: %s; %d of %d processors for the commands; %s %s/%s.", describeMachine(), s.cores, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH),
		fmt.Sprintf("Mirror: a file server on this machine, %s, every file in its page cache. Module caches %s, empty before each run, as are build cache and home.", protocol, place),
		"`go mod download` brings and extracts all that go.mod requires. `modferry fetch` brings and extracts what imports need, on all usual platforms and with tests; with `--scope build` all that go.mod requires, too.",
	}
	if slices.Contains(s.cases, "relay") {
		lines = append(lines, fmt.Sprintf("Relays: the mirror takes %d ms for each answer. Each relay has a directory of its own, empty at first, and logs every request; ours also verifies what it brings with a checksum database, and serves metrics. The clients run on the same processors, over connections that they keep.", originLatency.Milliseconds()))
	}
	if s.client != nil {
		lines = append(lines, fmt.Sprintf("Cache service: a server on this machine, entries in the same place, its rate shared by all connections. Official client: @actions/cache %s, without the time to start node and to load it. modferry: all of the command, with its default flags (the preflight, but no module, reaches the mirror).", s.client.version))
	}
	if slices.Contains(s.cases, "cache") {
		lines = append(lines, "Every restore ends with `go list -deps ./...` with GOPROXY=off. The official client's module cache is filled by `go mod download` and `go list`, \"of a build\" by `go list` alone.")
	}
	if slices.Contains(s.cases, "recipe") {
		lines = append(lines, fmt.Sprintf("Recipe: every run is a job from the checkout, with new times of all files, until `go test ./...` has ended; saving is not in it. The mirror takes %d ms for each answer, and shares the rate with the cache service.", originLatency.Milliseconds()))
	}
	return lines
}
