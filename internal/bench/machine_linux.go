package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// confine lets the calling thread, and what it starts, use only the first n of
// the processors it may use now.
func confine(n int) error {
	var allowed, chosen unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return fmt.Errorf("read the processors: %w", err)
	}
	for cpu := 0; chosen.Count() < n; cpu++ {
		if cpu >= len(allowed)*64 {
			return fmt.Errorf("%d processors wanted, only %d to be had: use -cores %d", n, allowed.Count(), allowed.Count())
		}
		if allowed.IsSet(cpu) {
			chosen.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &chosen); err != nil {
		return fmt.Errorf("choose processors: %w", err)
	}
	return nil
}

// setPriority gives every thread of this program the given nice value; threads
// that they start later inherit it.
func setPriority(nice int) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			return fmt.Errorf("read /proc/self/task: %w", err)
		}
		// ESRCH: the thread has ended meanwhile.
		if err := unix.Setpriority(unix.PRIO_PROCESS, tid, nice); err != nil && err != unix.ESRCH {
			return fmt.Errorf("set priority %d: %w", nice, err)
		}
	}
	return nil
}

// serveFirst lets this program go before the commands that a thread starts:
// servers have processors of their own elsewhere, and one that is late looks like
// a slow network. The function that it returns undoes that. Without the right to
// do so (root has it) nothing changes.
func serveFirst(commands *thread) func() {
	if setPriority(-10) != nil {
		return func() {}
	}
	_ = commands.do(func() error { return unix.Setpriority(unix.PRIO_PROCESS, 0, 0) })
	return func() { _ = setPriority(0) }
}

// fastDir returns a directory in memory with at least the given number of bytes
// free, or "" when there is none.
func fastDir(free uint64) string {
	const shared = "/dev/shm"
	var fs unix.Statfs_t
	if err := unix.Statfs(shared, &fs); err != nil || fs.Type != unix.TMPFS_MAGIC {
		return ""
	}
	if fs.Bavail*uint64(fs.Bsize) < free {
		return ""
	}
	return shared
}

// syncDisks waits until everything written is on disk.
func syncDisks() { unix.Sync() }

// describeMachine returns the processor, the memory and the kernel in words.
func describeMachine() string {
	var words []string
	if model := procField("/proc/cpuinfo", "model name"); model != "" {
		words = append(words, model)
	}
	if kb, err := strconv.Atoi(strings.TrimSuffix(procField("/proc/meminfo", "MemTotal"), " kB")); err == nil {
		words = append(words, fmt.Sprintf("%d GB memory", (kb+1<<19)>>20))
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		words = append(words, "Linux "+unix.ByteSliceToString(name.Release[:]))
	}
	return strings.Join(words, ", ")
}

// watchPeak follows the peak resident memory of a process. The function that it
// returns ends the watch and returns the last value in bytes, 0 when there was
// none.
//
// The rusage of a child will not do: a child of a Go program shares the
// parent's memory until it executes its program, and the kernel counts that in
// (fs/exec.c: exec_mmap). VmHWM only grows and belongs to the program, so what
// is lost is at most the growth of the last interval.
func watchPeak(pid int) func() int64 {
	const interval = 10 * time.Millisecond
	status := fmt.Sprintf("/proc/%d/status", pid)
	end, peak := make(chan struct{}), make(chan int64)
	go func() {
		ticks := time.NewTicker(interval)
		defer ticks.Stop()
		var last int64
		for {
			if kb, err := strconv.ParseInt(strings.TrimSuffix(procField(status, "VmHWM"), " kB"), 10, 64); err == nil {
				last = kb << 10
			}
			select {
			case <-ticks.C:
			case <-end:
				peak <- last
				return
			}
		}
	}()
	return func() int64 {
		close(end)
		return <-peak
	}
}

// processorTime is what a process and its children have used, and their threads that
// still run.
func processorTime(pid int) (total time.Duration, err error) {
	for _, pid := range family(pid) {
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			return 0, err
		}
		for _, t := range tasks {
			// sched-stats.rst: nanoseconds on a processor come first.
			data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", pid, t.Name()))
			if err != nil {
				continue // the thread has ended meanwhile
			}
			first, _, _ := strings.Cut(string(data), " ")
			ns, err := strconv.ParseInt(first, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read schedstat: %w", err)
			}
			total += time.Duration(ns)
		}
	}
	return total, nil
}

// peakOf is the peak resident memory of a process and its children, in bytes.
func peakOf(pid int) (total int64) {
	for _, pid := range family(pid) {
		if kb, err := strconv.ParseInt(strings.TrimSuffix(procField(fmt.Sprintf("/proc/%d/status", pid), "VmHWM"), " kB"), 10, 64); err == nil {
			total += kb << 10
		}
	}
	return total
}

// family is a process and its children.
func family(pid int) []int {
	all := []int{pid}
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		return all
	}
	for _, child := range strings.Fields(string(data)) {
		if n, err := strconv.Atoi(child); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// procField returns the value of the first line "name: value" of a file of
// /proc, "" when there is none.
func procField(file, name string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
