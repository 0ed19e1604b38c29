package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// mishap is something that comes and goes.
type mishap struct {
	name        string
	come, leave func()
	on          bool
}

// breakThings lets mishaps come and go until ctx ends.
func (c *chaos) breakThings(ctx context.Context) {
	mishaps := c.mishaps()
	defer func() {
		for i := range mishaps {
			if mishaps[i].on {
				mishaps[i].leave()
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(50+c.random.IntN(700)) * time.Millisecond):
		}
		switch c.random.IntN(8) {
		case 0:
			c.killOne()
		case 1:
			c.tearEntry()
		case 2:
			c.changeConfig()
		default:
			tr := &mishaps[c.random.IntN(len(mishaps))]
			if !tr.on && c.random.IntN(2) == 0 {
				continue // more is well than not
			}
			if tr.on = !tr.on; tr.on {
				c.event(tr.name)
				tr.come()
			} else {
				c.event("no more: " + tr.name)
				tr.leave()
			}
		}
	}
}

func (c *chaos) mishaps() []mishap {
	var all []mishap
	for i, name := range []string{"the first mirror", "the second mirror", "the database"} {
		door, s := c.doors[i], c.mirrors[i]
		all = append(all, mishap{name: name + " is down", come: door.Stop, leave: func() {
			if err := door.Start(); err != nil {
				c.fault("%s does not come back: %v", name, err)
			}
		}})
		all = append(all, mishap{name: name + " has faults", come: func() { s.Fault(c.anyFaults()...) }, leave: func() {
			s.Heal()
			s.Forget() // its memory of requests
		}})
	}
	all = append(all, mishap{name: "the store stalls", come: func() { c.store.signal(syscall.SIGSTOP) }, leave: func() { c.store.signal(syscall.SIGCONT) }})
	if c.fillable {
		filler := filepath.Join(c.relays[0].dir, "filler")
		all = append(all, mishap{name: "the disk is full", come: func() { fill(filler) }, leave: func() { os.Remove(filler) }})
	}
	return all
}

// anyFaults are some of the ways in which requests fail. Wrong bytes are only of files
// that somebody knows a hash of, or that are signed.
func (c *chaos) anyFaults() []mirrortest.Rule {
	const all = ""
	choices := []struct {
		glob string
		do   mirrortest.Fault
	}{
		{all, mirrortest.Status(500)},
		{all, mirrortest.Status(503)},
		{all, mirrortest.RetryAfter(429, "1")},
		{all, mirrortest.ResetAfter(-1)},
		{all, mirrortest.ResetAfter(5)},
		{all, mirrortest.CutAfter(5)},
		{all, mirrortest.CutWithoutLength(5)},
		{all, mirrortest.LengthTooLong(7)},
		{all, mirrortest.SlowFirstByte(nil)},
		{all, mirrortest.StallAfter(5, nil)},
		{"*.zip", mirrortest.CutAfter(20_000)},
		{"*.zip", mirrortest.StallAfter(100, nil)},
		{"*.zip", mirrortest.Flip(100)},
		{"*.zip", mirrortest.Flip(-1)},
		{"*.zip", mirrortest.Truncate(150)},
		{"*.zip", mirrortest.HTML()},
		{"*.zip", mirrortest.Empty()},
		{"*.mod", mirrortest.Flip(3)},
		{"*.mod", mirrortest.Truncate(4)},
		{"*.mod", mirrortest.HTML()},
		{"/sumdb/*", mirrortest.Flip(10)},
		{"/sumdb/*", mirrortest.HTML()},
	}
	var rules []mirrortest.Rule
	for range 1 + c.random.IntN(3) {
		choice := choices[c.random.IntN(len(choices))]
		rules = append(rules, mirrortest.Sometimes(0.2+0.8*c.random.Float64(), c.random.Uint64(), choice.glob, choice.do))
	}
	return rules
}

// fill writes a file until its disk is full.
func fill(name string) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return // not even room for that
	}
	defer f.Close()
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); err != nil {
			return
		}
	}
}

// killOne kills the second relay and starts it again.
func (c *chaos) killOne() {
	r := c.relays[1]
	c.event("kill -9 of the second relay")
	c.config.swap("retries: 2\n") // with a bad file none begins
	s, _ := r.now()
	r.set(nil)
	s.kill()
	c.begin(r)
}

// tearEntry cuts or changes a file of the store. Hashes of what nobody else knows one
// of are left alone: those of the store are what counts.
func (c *chaos) tearEntry() {
	files := glob(c.t, string(c.store.kept.(keptObjects)), "f1-*")
	if len(files) == 0 {
		return
	}
	c.event("a torn entry")
	f, err := os.OpenFile(files[c.random.IntN(len(files))], os.O_RDWR, 0)
	if err != nil {
		return // replaced meanwhile
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return
	}
	if c.random.IntN(2) == 0 {
		f.Truncate(c.random.Int64N(info.Size()))
	} else {
		at := min(100, info.Size()-1) // of a zip, a place that its hash covers
		b := make([]byte, 1)
		f.ReadAt(b, at)
		b[0] ^= 0x20
		f.WriteAt(b, at)
	}
}

// changeConfig replaces the configuration file, now and then by one that cannot be used.
func (c *chaos) changeConfig() {
	a, b := c.url(0), c.url(1)
	texts := []string{
		"retries: 2\n",
		"retries: 1\nproxy: " + b + "|" + a + "\n",
		"retries: 3\nproxy: " + a + "," + b + "\n",
		"retries: 2\nconcurrency: 3\n",
		"retries: [\n",
		"retries: many\n",
		"no-such-setting: 1\n",
	}
	text := texts[c.random.IntN(len(texts))]
	c.event(fmt.Sprintf("configuration %q", strings.SplitN(text, ":", 3)[0]+text[len(text)-4:]))
	c.config.swap(text)
}

// heal ends all mishaps.
func (c *chaos) heal() {
	c.t.Helper()
	c.config.swap("retries: 4\n")
	c.event("all is well again")
}

// mountedConfig is a directory as Kubernetes mounts a ConfigMap: the file is a link into
// ..data, which is a link to a directory, and moves.
type mountedConfig struct {
	t   *testing.T
	dir string
	old []string // directories
}

func mountConfig(t *testing.T) *mountedConfig {
	t.Helper()
	m := &mountedConfig{t: t, dir: t.TempDir()}
	if err := os.Symlink(filepath.Join("..data", "modferry.yaml"), m.file()); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *mountedConfig) file() string { return filepath.Join(m.dir, "modferry.yaml") }

func (m *mountedConfig) swap(text string) {
	m.t.Helper()
	name, err := os.MkdirTemp(m.dir, "..")
	if err == nil {
		err = os.WriteFile(filepath.Join(name, "modferry.yaml"), []byte(text), 0o666)
	}
	next := filepath.Join(m.dir, "..data_next")
	if err == nil {
		err = os.Symlink(filepath.Base(name), next)
	}
	if err == nil {
		err = os.Rename(next, filepath.Join(m.dir, "..data"))
	}
	if err != nil {
		m.t.Fatal(err)
	}
	if m.old = append(m.old, name); len(m.old) > 2 {
		os.RemoveAll(m.old[0])
		m.old = slices.Delete(m.old, 0, 1)
	}
}
