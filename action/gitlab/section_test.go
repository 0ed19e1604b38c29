package gitlab

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestASectionIsMarkedAsGitLabReadsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := gitLabJob(t)
		var b strings.Builder
		if err := g.Fold(&b, "cache restore", "ok\n", "\ntext\n"); err != nil {
			t.Fatal(err)
		}
		const name = "modferry_cache_restore_76xfr58qsqo0"
		want := "ok\n\x1b[0Ksection_start:946684800:" + name + "[collapsed=true]\r\x1b[0Kdetails of modferry cache restore\n" +
			"text\n" +
			"\x1b[0Ksection_end:946684800:" + name + "\r\x1b[0K\n"
		if b.String() != want {
			t.Errorf("got  %q\nwant %q", b.String(), want)
		}
	})
}

func TestSectionsOfAJobHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := gitLabJob(t)
		marks := regexp.MustCompile("section_start:[0-9]+:([A-Za-z0-9_.-]+)[[\r]")
		seen := map[string]bool{}
		for _, name := range []string{"fetch", "fetch", "cache save"} {
			var b strings.Builder
			if err := g.Fold(&b, name, "a\n", "b\n"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Nanosecond) // in the bubble: the shortest that there is
			m := marks.FindStringSubmatch(b.String())
			if m == nil || seen[m[1]] || strings.Count(b.String(), m[1]) != 2 {
				t.Errorf("%q: %q", name, b.String())
				continue
			}
			seen[m[1]] = true
		}
	})
}

func TestWithoutDetailsThereIsNoSection(t *testing.T) {
	t.Parallel()
	var none *Job
	for name, g := range map[string]*Job{"on GitLab": gitLabJob(t), "elsewhere": none} {
		var b strings.Builder
		details := ""
		if g == nil {
			details = "Chain\n"
		}
		if err := g.Fold(&b, "fetch", "ok: fine\n", details); err != nil || b.String() != "ok: fine\n" {
			t.Errorf("%s: got %q, %v", name, b.String(), err)
		}
	}
}
