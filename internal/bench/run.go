package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A step is one command of a side.
type step struct {
	// {tmp}, {modcache}, {checkout} and {mirror} are filled in.
	args []string
	env  []string // beyond the common one
	dir  string   // where it runs, "" for the checkout
	// timesItself means that the last line of the command's output is how many
	// milliseconds the job took, which counts instead of the whole command.
	timesItself bool
}

// A side is one way to do the job: the commands that are timed together.
type side struct {
	name  string
	steps []step
	// before is done first and not timed; nil for nothing. What it leaves in
	// the module cache is what the steps find.
	before []step
	// in is the directory of an earlier run to work in, which stays; "" for a
	// new one.
	in string
	// service is the cache service that it uses, nil for the runner's.
	service *service
	// checkout is what it works on, nil for the runner's.
	checkout *checkout
	// ready comes last before the steps and check after them, with the directory
	// of the run; neither is timed, and both are nil for nothing. What check
	// refuses ends the measurement: a wrong result has no time.
	ready func() error
	check func(tmp string, got *sample) error
}

// A sample is what one run of a side took.
type sample struct {
	elapsed time.Duration
	cpu     time.Duration   // user and system, of the commands alone
	peak    int64           // resident bytes of the largest command, 0 when unknown
	parts   []time.Duration // of elapsed, by step
	cached  int64           // bytes brought to or from the cache service
	// Of the case relay: requests by clients, requests to the mirror, and the most of
	// these for one file.
	requests, asked, most int
}

// each is the processor time of a request in microseconds.
func (s sample) each() float64 {
	return float64(s.cpu.Nanoseconds()) / 1e3 / float64(max(s.requests, 1))
}

// A runner runs sides at a site against a mirror. Every run has its own home,
// build cache and module cache.
type runner struct {
	at       *site
	place    string // where, for tables
	from     *mirror
	checkout *checkout
	service  *service // the cache service, nil for none
	tmp      string   // where module caches are made
	// keep leaves them there. On a disk deleting is no way to clean up between
	// runs: ext4 without a journal searches past every inode that was deleted in
	// the last minutes (fs/ext4/ialloc.c: recently_deleted), so that the next run
	// takes up to four times as long.
	keep bool
	log  io.Writer // one line per run
}

// alternate runs all sides n times, in turns, so that whatever disturbs the
// machine for a while disturbs all of them.
func (r *runner) alternate(ctx context.Context, n int, sides []side) (map[string][]sample, error) {
	samples := make(map[string][]sample)
	for i := range n {
		for _, s := range sides {
			got, err := r.run(ctx, s)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", r.place, s.name, err)
			}
			fmt.Fprintf(r.log, "%-26s %d/%d  %-56s %8.2f s  cpu %6.2f s  peak %4d MB\n",
				r.place, i+1, n, s.name, got.elapsed.Seconds(), got.cpu.Seconds(), got.peak>>20)
			samples[s.name] = append(samples[s.name], got)
		}
	}
	return samples, nil
}

// run runs a side once, from an empty module cache unless the side says where.
func (r *runner) run(ctx context.Context, s side) (total sample, err error) {
	other := *r
	if s.service != nil {
		other.service = s.service
	}
	if s.checkout != nil {
		other.checkout = s.checkout
	}
	r = &other
	tmp := s.in
	if tmp == "" {
		if tmp, err = os.MkdirTemp(r.tmp, "run-"); err != nil {
			return sample{}, err
		}
		if !r.keep {
			defer func() {
				if removeErr := removeAll(tmp); err == nil {
					err = removeErr
				}
			}()
		}
	}
	if err := r.checkout.reset(); err != nil {
		return sample{}, err
	}
	for _, st := range s.before {
		if _, err := r.step(ctx, st, tmp); err != nil {
			return sample{}, err
		}
	}
	if s.ready != nil {
		if err := s.ready(); err != nil {
			return sample{}, err
		}
	}
	// What one run leaves to be written is not the next one's.
	syncDisks()
	for _, st := range s.steps {
		got, err := r.step(ctx, st, tmp)
		if err != nil {
			return sample{}, err
		}
		total.elapsed += got.elapsed
		total.parts = append(total.parts, got.elapsed)
		total.cpu += got.cpu
		total.peak = max(total.peak, got.peak)
	}
	if s.check != nil {
		if err := s.check(tmp, &total); err != nil {
			return sample{}, err
		}
	}
	return total, nil
}

func (r *runner) step(ctx context.Context, st step, tmp string) (sample, error) {
	modcache := filepath.Join(tmp, "mod")
	values := strings.NewReplacer("{tmp}", tmp, "{modcache}", modcache, "{checkout}", r.checkout.dir, "{mirror}", r.from.url)
	fill := func(texts []string) []string {
		filled := make([]string, len(texts))
		for i, text := range texts {
			filled[i] = values.Replace(text)
		}
		return filled
	}
	args := fill(st.args)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = r.checkout.dir
	if st.dir != "" {
		cmd.Dir = st.dir
	}
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + filepath.Join(tmp, "home"),
		"TMPDIR=" + tmp,
		"GOPATH=" + filepath.Join(tmp, "go"),
		"GOCACHE=" + filepath.Join(tmp, "build"),
		"GOMODCACHE=" + modcache,
		"GOPROXY=" + r.from.url,
		"GOENV=off",
		"GOTOOLCHAIN=local",
		"GOWORK=off",
	}, fill(st.env)...)
	if r.service != nil {
		cmd.Env = append(cmd.Env, r.service.env()...)
	}
	if r.from.caFile != "" {
		cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+r.from.caFile)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	if err := r.at.thread.do(cmd.Start); err != nil {
		return sample{}, err
	}
	peak := watchPeak(cmd.Process.Pid)
	err := cmd.Wait()
	got := sample{
		elapsed: time.Since(start),
		cpu:     cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		peak:    peak(),
	}
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w:\n%s", strings.Join(args, " "), err, lastLines(stdout.String()+stderr.String(), 20))
	}
	if st.timesItself {
		last := lastLines(stdout.String(), 1)
		ms, err := strconv.ParseFloat(last, 64)
		if err != nil {
			return sample{}, fmt.Errorf("%s: found %q on the last line, expected milliseconds", strings.Join(args, " "), last)
		}
		got.elapsed = time.Duration(ms * float64(time.Millisecond))
	}
	return got, nil
}

// removeAll removes dir with the read-only directories of a module cache.
func removeAll(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			return os.Chmod(path, 0o755)
		}
		return err
	})
	if err != nil {
		return err
	}
	return os.RemoveAll(dir)
}
