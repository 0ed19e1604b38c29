package relay

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/report"
)

const (
	// usual is how long an answer that may change is not asked for again, if the mirror
	// does not say.
	usual = time.Minute
	// longest bounds what a mirror may say: a version that was just published is wanted.
	longest = 10 * time.Minute
)

// lifetime is how long an answer with a Cache-Control is not asked for again.
func lifetime(cacheControl string) time.Duration {
	life, shared := usual, false
	for name, value := range directives(cacheControl) {
		switch name {
		case "no-store", "no-cache", "private":
			return 0
		case "max-age", "s-maxage":
			n, err := strconv.ParseUint(value, 10, 31)
			if err != nil || shared { // what is said of shared caches counts (RFC 9111, 5.2.2.10)
				continue
			}
			life, shared = min(time.Duration(n)*time.Second, longest), name == "s-maxage"
		}
	}
	return life
}

// unstored reports whether an answer may not be kept, not even for the time when no
// mirror answers.
func unstored(cacheControl string) bool {
	for name := range directives(cacheControl) {
		if name == "no-store" {
			return true
		}
	}
	return false
}

// directives are the names and values of a Cache-Control, in lower case.
func directives(cacheControl string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for part := range strings.SplitSeq(strings.ToLower(cacheControl), ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			if !yield(name, strings.Trim(value, `"`)) {
				return
			}
		}
	}
}

// control is the Cache-Control of an answer: nobody behind us keeps it longer than we
// do.
func (k known) control(q question, stale bool, now time.Time) string {
	switch {
	case q.kind == report.KindInfo:
		return immutable
	case unstored(k.page.CacheControl):
		return "no-store"
	case stale || !k.fresh(now):
		return "no-cache"
	}
	return fmt.Sprintf("max-age=%d", int(k.until.Sub(now).Seconds()))
}
