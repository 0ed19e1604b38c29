package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// What the two stages add to a job that needs nothing: the program is in the tool cache,
// and every module in the module cache. MODFERRY_E2E_RUNS says how many jobs; the figures
// of docs/benchmarks.md are of twenty. Not parallel, so that it shares its processors with
// no other test.
func TestWhatANativeJobCosts(t *testing.T) {
	runs, err := strconv.Atoi(os.Getenv("MODFERRY_E2E_RUNS"))
	if err != nil {
		runs = 3
	}
	f, s := world(t)
	j := newNativeJob(t, f, s)
	host := j.release(mirrortest.Options{})
	inputs := map[string]string{"binary": "", "download-url": host.URL}
	first := j.use(inputs)
	j.main(first)
	j.post(first)
	s.Forget()
	var main, post costs
	for range runs {
		j.env["GOPROXY"] = j.before["GOPROXY"] // another job
		u := j.use(inputs)
		st := j.main(u)
		main.add(st)
		if after := j.post(u); st.code != 0 || after.code != 0 {
			t.Errorf("exit codes %d and %d", st.code, after.code)
		} else {
			post.add(after)
		}
	}
	if n := s.Count("") + host.Count("*") - 1; n > 0 {
		t.Errorf("%d downloads, though nothing was missing", n)
	}
	load, _ := os.ReadFile("/proc/loadavg")
	t.Logf("%d jobs, load %s", runs, load)
	t.Logf("main: %s", main)
	t.Logf("post: %s", post)
}

// costs are those of a stage in several jobs. The processor time is that of the stage,
// not of the relay, which goes on.
type costs struct{ wall, processor []time.Duration }

func (c *costs) add(st stage) {
	c.wall, c.processor = append(c.wall, st.took), append(c.processor, st.processor)
}

func (c costs) String() string {
	return "wall clock " + spread(c.wall) + "; processor " + spread(c.processor)
}

// spread is the median of some durations, and the shortest and longest one.
func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "unknown"
	}
	slices.Sort(all)
	return fmt.Sprintf("%.2f s (%.2f to %.2f)", all[len(all)/2].Seconds(), all[0].Seconds(), all[len(all)-1].Seconds())
}
