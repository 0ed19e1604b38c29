package e2e

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// TestALargeLayerTakesLittleMemory saves and restores a layer of 1 GB when
// everything is wanted, otherwise of 180 MB: more than is allowed either way.
func TestALargeLayerTakesLittleMemory(t *testing.T) {
	const most = 150 << 20
	size, count := 36<<20, 5
	if everything() {
		size, count = 64<<20, 16
	}
	mods := make([]mirrortest.Module, count)
	for i := range mods {
		mods[i] = mirrortest.Module{Path: fmt.Sprintf("example.test/big%02d", i), Version: "v1.0.0", Size: size}
	}
	f := mirrortest.Build(t, mods...)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	eachStore(t, false, func(t *testing.T, c *counterpart) {
		at := newPlace(t, s)
		at.dir = t.TempDir()
		f.WriteCheckout(t, at.dir, mirrortest.Checkout{})
		at.fetch(t, 0, "--no-probe")
		at.use(c)

		up := at.peak(t, "cache", "save")
		if n := total(c.kept.sizes(t)); n < int64(size*count) || len(layers(t, c)) != 1 {
			t.Fatalf("the store has %d bytes and the layers %q, expected %d bytes in one layer", n, layers(t, c), size*count)
		}
		at.wipe(t)
		s.Forget()
		down := at.peak(t, "cache", "restore")
		if n := len(glob(t, at.modcache, "example.test/*@v1.0.0/data.bin")); n != count {
			t.Errorf("%d trees were restored, expected %d", n, count)
		}
		t.Logf("peak memory for %d MB: %d MB up, %d MB down", size*count>>20, up>>20, down>>20)
		if up > most || down > most {
			t.Errorf("peak memory %d MB up and %d MB down, expected under %d MB", up>>20, down>>20, most>>20)
		}
	})
}

// peak runs modferry and returns the most memory in bytes that it had at a
// time. What the kernel tells about a child that has ended counts the memory of
// its parent in, so the process itself is asked while it lives; what it gains
// in the last moment is lost.
func (p *place) peak(t *testing.T, args ...string) int64 {
	t.Helper()
	cmd := p.command(t, append(args, "-C", p.dir, "--modcache", p.modcache, "--cache", p.cache)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	ticks := time.NewTicker(5 * time.Millisecond)
	defer ticks.Stop()
	var peak int64
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("modferry %s: %v\n%s", args, err, tail(said.Bytes()))
			}
			if peak == 0 {
				t.Fatal("the process ended before it was asked")
			}
			return peak
		case <-ticks.C:
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
			if err != nil {
				continue
			}
			_, after, _ := bytes.Cut(status, []byte("VmHWM:"))
			if words := bytes.Fields(after); len(words) > 0 {
				kb, err := strconv.ParseInt(string(words[0]), 10, 64)
				if err != nil {
					t.Error(err)
				}
				peak = max(peak, kb<<10)
			}
		}
	}
}
