package e2e

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

const (
	chaosClients = 8
	// chaosKeep is less than all files take, and the disk has little more.
	chaosKeep, chaosDisk = 4 << 20, 7 << 20
	// chaosPatience bounds every wait. Nothing is expected to be fast.
	chaosPatience = 3 * time.Minute
)

// chaos is two relays that share a store, what they lean on, and what came of it.
type chaos struct {
	t      *testing.T
	at     *place
	random *rand.Rand // of the one that breaks things
	files  []servedFile

	mirrors  []*mirrortest.Server
	doors    []*toxiproxy.Proxy // before the mirrors and the checksum database: a closed one refuses
	store    *counterpart
	config   *mountedConfig
	relays   []*chaosRelay
	fillable bool // the first relay has a file system of its own

	failed context.CancelFunc // ends the chaos early

	mu     sync.Mutex
	faults []string
	seen   map[string]int // answers and events, by kind
	events []string       // the last ones
}

// chaosRelay is a relay that may be killed and started again.
type chaosRelay struct {
	dir    string
	strict bool
	start  func() (*served, error)

	mu   sync.Mutex
	s    *served // nil between a kill and the next start
	life int     // changes with each
}

// now is the server, nil for none, and its life.
func (r *chaosRelay) now() (*served, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.s, r.life
}

func (r *chaosRelay) set(s *served) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.s = s
	r.life++
}

// TestChaos breaks all that two relays lean on, at random and for MODFERRY_E2E_CHAOS
// (1m): no byte may be wrong, no request may stay without an answer, and afterwards
// everything must be as before. MODFERRY_E2E_SEED repeats a sequence of events.
func TestChaos(t *testing.T) {
	t.Parallel()
	span := time.Minute
	if text := os.Getenv("MODFERRY_E2E_CHAOS"); text != "" {
		var err error
		if span, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	c := newChaos(t, seed(t))
	base := c.warmUp()
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	c.failed = cancel
	var clients sync.WaitGroup
	for range chaosClients {
		random := rand.New(rand.NewPCG(c.random.Uint64(), 0))
		clients.Go(func() { c.client(ctx, random) })
	}
	c.breakThings(ctx)
	c.heal()
	clients.Wait()
	c.report()
	c.settle()
	c.leaks(base)
	c.stop()
	c.report()
}

// seed is that of MODFERRY_E2E_SEED, or a new one.
func seed(t *testing.T) uint64 {
	t.Helper()
	n := rand.Uint64()
	if text := os.Getenv("MODFERRY_E2E_SEED"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("MODFERRY_E2E_SEED=%d", n)
	return n
}

func newChaos(t *testing.T, seed uint64) *chaos {
	t.Helper()
	mods := make([]mirrortest.Module, 40)
	for i := range mods {
		mods[i] = mirrortest.Module{Path: fmt.Sprintf("example.test/m%03d", i), Version: fmt.Sprintf("v1.0.%d", i), Size: 1 << (8 + i%13)}
	}
	f := mirrortest.Build(t, mods...)
	c := &chaos{t: t, random: rand.New(rand.NewPCG(seed, 1)), files: servedFiles(f), seen: map[string]int{}}
	c.store = startVersity(t, true)

	db := mirrortest.NewSumDB(t, f)
	toxic := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	for _, o := range []mirrortest.Options{{Fixtures: f, SumDB: db}, {Fixtures: f, NoRange: true}, {Handler: db}} {
		s := mirrortest.Start(t, o)
		// While it is closed, nobody else gets its port.
		door := toxiproxy.NewProxy(toxic, s.Addr, "127.0.0.1:"+mirrortest.FreePort(t), s.Addr)
		if err := door.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(door.Stop)
		c.mirrors, c.doors = append(c.mirrors, s), append(c.doors, door)
	}
	c.at = &place{
		modcache: filepath.Join(t.TempDir(), "mod"),
		proxy:    c.url(0) + "|" + c.url(1),
		env:      append(c.store.environ(), "GOSUMDB="+db.Key+" "+c.url(2)),
	}
	c.config = mountConfig(t)
	c.config.swap("retries: 2\n")

	flags := []string{"--config", c.config.file(), "--keep-size", strconv.Itoa(chaosKeep>>10) + "KiB", "--shared-store", c.store.cache, "--no-probe",
		"--connect-timeout", "3s", "--first-byte-timeout", "3s", "--stall-timeout", "3s"}
	for _, strict := range []bool{false, true} {
		r := &chaosRelay{dir: t.TempDir(), strict: strict}
		args := slices.Clone(flags)
		if strict {
			args = append(args, "--strict")
		} else {
			c.fillable = smallDisk(t, r.dir, chaosDisk)
		}
		// Other machines may reach them, so that they go on for a moment after SIGTERM.
		r.start = func() (*served, error) { return c.at.serve(t, r.dir, "0.0.0.0:0", args...) }
		c.relays = append(c.relays, r)
		c.begin(r)
		t.Cleanup(func() {
			if s, _ := r.now(); s != nil {
				s.kill()
			}
		})
	}
	return c
}

// url is that of a mirror, or of the checksum database, through its door.
func (c *chaos) url(i int) string { return "http://" + c.doors[i].Listen }

func (c *chaos) begin(r *chaosRelay) {
	s, err := r.start()
	if err != nil {
		c.t.Fatal(err)
	}
	r.set(s)
}

// smallDisk mounts a file system of so many bytes at dir; false where nobody may.
func smallDisk(t *testing.T, dir string, size int) bool {
	t.Helper()
	if syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+strconv.Itoa(size)) != nil {
		t.Log("no disk is filled: only root may mount one")
		return false
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return true
}

// warmUp asks for everything and returns the metrics of the relay that is never killed.
func (c *chaos) warmUp() map[string]float64 {
	c.t.Helper()
	c.settle()
	return c.metrics()
}

func (c *chaos) metrics() map[string]float64 {
	c.t.Helper()
	s, _ := c.relays[0].now()
	client := newAsker()
	defer client.CloseIdleConnections()
	m, err := s.metrics(c.t.Context(), client)
	if err != nil {
		c.t.Fatalf("%v\n%s", err, s.said.String())
	}
	return m
}

// newAsker is a client of relays, which waits long and follows nothing.
func newAsker() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: chaosClients},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       chaosPatience,
	}
}

// settle asks every relay for every file until it is right.
func (c *chaos) settle() {
	c.t.Helper()
	client := newAsker()
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(c.t.Context(), chaosPatience)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	for i, r := range c.relays {
		s, _ := r.now()
		for start := range 4 {
			all.Go(func() {
				for n := start; n < len(c.files); n += 4 {
					f := c.files[n]
					for {
						got, err := ask(ctx, client, s.url+f.path)
						if err != nil {
							c.t.Errorf("relay %d, afterwards, %s: %v", i, f.path, err)
							return
						}
						if got.status == http.StatusOK && got.header.Get("X-Modferry-Verified") == "" {
							if !bytes.Equal(got.body, f.body) {
								c.t.Errorf("relay %d, afterwards: WRONG BYTES of %s: %s", i, f.path, got)
							}
							break
						}
						select {
						case <-ctx.Done():
							c.t.Errorf("relay %d, afterwards, %s is still not right: %s\n%s", i, f.path, got, s.said.String())
							return
						case <-time.After(200 * time.Millisecond):
						}
					}
				}
			})
		}
	}
}

// leaks waits until the relay that was never killed has hardly more than at the start.
func (c *chaos) leaks(base map[string]float64) {
	c.t.Helper()
	const routines, fds, memory, kept = "go_goroutines", "process_open_fds", "process_resident_memory_bytes", "modferry_kept_bytes"
	deadline := time.Now().Add(chaosPatience)
	for {
		m := c.metrics()
		ok := m[routines] <= base[routines]+20 && m[fds] <= base[fds]+20 && m[kept] <= chaosKeep && m["modferry_in_flight"] == 0
		if ok || time.Now().After(deadline) {
			c.t.Logf("goroutines %v, then %v; open files %v, then %v; resident %.0f MB, then %.0f MB; kept %.0f bytes",
				base[routines], m[routines], base[fds], m[fds], base[memory]/1e6, m[memory]/1e6, m[kept])
			if !ok {
				c.t.Errorf("goroutines, open files, what is kept (%d at most) or requests in flight (%v) did not go back", chaosKeep, m["modferry_in_flight"])
			}
			if m[memory] > 256e6 {
				c.t.Errorf("the relay takes %.0f MB", m[memory]/1e6)
			}
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	for i, r := range c.relays {
		// A server's directory lies beside its lock; those of killed ones are gone.
		if dirs := directories(c.t, r.dir); len(dirs) != 1 {
			c.t.Errorf("relay %d: there are the directories %v, expected one", i, dirs)
		}
		if n := onDisk(r.dir); n > chaosKeep {
			c.t.Errorf("relay %d: its files take %d bytes, expected at most %d", i, n, chaosKeep)
		}
	}
}

// stop stops the relays, which leave nothing.
func (c *chaos) stop() {
	c.t.Helper()
	largest := slices.MaxFunc(c.files, func(a, b servedFile) int { return len(a.body) - len(b.body) })
	var all sync.WaitGroup
	for _, r := range c.relays {
		s, _ := r.now()
		all.Go(func() { s.stop(c.t, newAsker(), largest) })
	}
	all.Wait()
	for i, r := range c.relays {
		if left := glob(c.t, r.dir, "*"); len(left) > 0 {
			c.t.Errorf("relay %d leaves %v", i, left)
		}
	}
}

func directories(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// fault notes what must not happen, and ends the chaos.
func (c *chaos) fault(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.faults) < 10 {
		c.faults = append(c.faults, fmt.Sprintf(format, args...)+"\n  after "+strings.Join(c.events, "; "))
	}
	c.failed()
}

func (c *chaos) count(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[what]++
}

// event notes what was done to the relays.
func (c *chaos) event(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen["event: "+what]++
	if c.events = append(c.events, what); len(c.events) > 20 {
		c.events = c.events[1:]
	}
}

// report fails the test for the faults so far, and tells what was seen since the last.
func (c *chaos) report() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, fault := range c.faults {
		c.t.Error(fault)
	}
	if len(c.faults) > 0 {
		for i, r := range c.relays {
			if s, _ := r.now(); s != nil {
				c.t.Logf("relay %d says\n%s", i, s.said.String())
			}
		}
	}
	c.faults = nil
	var lines []string
	for _, what := range slices.Sorted(maps.Keys(c.seen)) {
		lines = append(lines, fmt.Sprintf("%6d %s", c.seen[what], what))
	}
	if len(lines) > 0 {
		c.t.Logf("seen:\n%s", strings.Join(lines, "\n"))
	}
	clear(c.seen)
}
