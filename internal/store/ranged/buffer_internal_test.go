package ranged

import "testing"

func TestBuffersAreUsedAgainAndNeverMultiply(t *testing.T) {
	t.Parallel()
	r := &Reader{}
	for range 3 {
		r.free = append(r.free, make([]byte, 100))
	}
	if b := r.buffer(50); len(b) != 50 || cap(b) != 100 || len(r.free) != 2 {
		t.Errorf("a smaller one: %d of %d, %d free", len(b), cap(b), len(r.free))
	}
	if b := r.buffer(200); len(b) != 200 || len(r.free) != 1 {
		t.Errorf("a larger one: %d, and %d free, expected that one small one was let go", len(b), len(r.free))
	}
}
