package gha

import (
	"net/http"
	"testing"
	"time"
)

func TestSegmentsFollowTheSpeedOfTheLine(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, tt := range []struct {
		name      string
		rest, got int64
		elapsed   time.Duration
		lanes     int
		most      int64
		want      int64
	}{
		{"at first a mebibyte", 300 * mib, 0, 0, 8, 2 * mib, mib},
		{"a mebibyte also while the clock is too coarse", 300 * mib, 5 * mib, time.Millisecond, 8, 2 * mib, mib},
		{"a fast line gets the most", 300 * mib, 50 * mib, time.Second, 8, 2 * mib, 2 * mib},
		{"a lane's second of a slower line", 300 * mib, 8 * mib, time.Second, 8, 2 * mib, mib},
		{"the least of a slow line", 300 * mib, mib, 10 * time.Second, 8, 2 * mib, leastSegment},
		{"the rest is shared by all lanes", 8 * mib, 50 * mib, time.Second, 8, 2 * mib, mib},
		{"but not in crumbs", mib, 50 * mib, time.Second, 8, 2 * mib, leastSegment},
		{"the last piece is what it is", 1000, 50 * mib, time.Second, 8, 2 * mib, 1000},
		{"small segments stay small", 300 * mib, 50 * mib, time.Second, 8, 64 << 10, 64 << 10},
		{"one lane alone", 300 * mib, 3 * mib, 2 * time.Second, 1, 2 * mib, 1.5 * mib},
	} {
		if got := segmentSize(tt.rest, tt.lanes, tt.most, tt.got, tt.elapsed); got != tt.want {
			t.Errorf("%s: got %d, expected %d", tt.name, got, tt.want)
		}
	}
}

func TestMarksOfTwoVersionsDiffer(t *testing.T) {
	t.Parallel()
	header := func(tag, modified string) http.Header {
		h := http.Header{}
		h.Set("ETag", tag)
		h.Set("Last-Modified", modified)
		return h
	}
	for _, tt := range []struct {
		name string
		a, b http.Header
		same bool
	}{
		{"the same tag", header(`"1"`, ""), header(`"1"`, ""), true},
		{"another tag", header(`"1"`, "x"), header(`"2"`, "x"), false},
		{"the same tag at another time, as of a copy", header(`"1"`, "x"), header(`"1"`, "y"), true},
		{"weak tags say nothing", header(`W/"1"`, ""), header(`W/"2"`, ""), true},
		{"another time", header("", "x"), header("", "y"), false},
		{"nothing to compare", header(`"1"`, ""), header("", "y"), true},
	} {
		if got := markOf(tt.a).same(markOf(tt.b)); got != tt.same {
			t.Errorf("%s: same = %v", tt.name, got)
		}
	}
}
