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
		if err := g.Fold(&b, "cache restore", "ok\n\ntext\n", true); err != nil {
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
		marks := regexp.MustCompile("section_start:[0-9]+:([A-Za-z0-9_.-]+)\r")
		seen := map[string]bool{}
		for _, name := range []string{"fetch", "fetch", "cache save"} {
			var b strings.Builder
			if err := g.Fold(&b, name, "a\n\nb\n", false); err != nil {
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

func TestOfAGoodRunTheDetailsAreFolded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := gitLabJob(t)
		for _, test := range []struct {
			text          string
			good          bool
			open, section string // what is seen at once, and the options of the section
		}{
			{"ok: fine\n\nChain\n  x\n", true, "ok: fine\n", "[collapsed=true]\r"},
			{"incomplete: bad\n\nChain\n  x\n", false, "incomplete: bad\n", "\r"},
			{"ok: nothing to do\nchain: x\n", true, "ok: nothing to do\nchain: x\n", ""},
		} {
			var b strings.Builder
			if err := g.Fold(&b, "fetch", test.text, test.good); err != nil {
				t.Fatal(err)
			}
			open, rest, _ := strings.Cut(b.String(), "\x1b[0Ksection_start:946684800:modferry_fetch_76xfr58qsqo0")
			if open != test.open || !strings.HasPrefix(rest, test.section) || strings.HasPrefix(rest, "[") != (test.section != "" && test.section[0] == '[') {
				t.Errorf("got %q", b.String())
			}
		}
	})
}
