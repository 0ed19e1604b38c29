package session

import (
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
)

func TestFewOpenFilesMeanFewerAtATime(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name              string
		limit             uint64
		concurrency, cpus int
		want              Room
	}{
		{"no limit known", 0, 0, 8, Room{64, 8}},
		{"no limit set", ^uint64(0), 0, 8, Room{64, 8}},
		{"a usual limit", 1024, 0, 8, Room{64, 8}},
		{"a usual limit on a large machine", 1024, 0, 128, Room{64, 62}},
		{"64", 64, 0, 2, Room{9, 2}},
		{"64 on a large machine", 64, 0, 64, Room{9, 2}},
		{"64 with a concurrency that is too much", 64, 200, 2, Room{9, 2}},
		{"64 with a concurrency that fits", 64, 4, 2, Room{4, 2}},
		{"hardly any", 16, 0, 8, Room{2, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := roomFor(test.limit, test.concurrency, test.cpus)
			if got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

func TestTooManyOpenFilesAreWaitedFor(t *testing.T) {
	t.Parallel()
	other := errors.New("other")
	for _, test := range []struct {
		name  string
		short int // calls that find too many
		then  error
		calls int
		want  error
	}{
		{"until others are closed", 5, nil, 6, nil},
		{"not for ever", 1000, nil, MostScarce + 1, syscall.EMFILE},
		{"and nothing else is", 0, other, 1, other},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				err := Patiently(t.Context(), func() error {
					if calls++; calls <= test.short {
						return syscall.EMFILE
					}
					return test.then
				})
				if !errors.Is(err, test.want) || calls != test.calls {
					t.Errorf("%v after %d calls, want %v after %d", err, calls, test.want, test.calls)
				}
			})
		})
	}
}
