package gha_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store/gha"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

func TestWhatIsCreatedIsStored(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		size int
		v2   map[ghatest.Op]int
		v1   map[ghatest.Op]int
	}{
		{"nothing", 0, map[ghatest.Op]int{ghatest.Whole: 1, ghatest.Part: 0, ghatest.BlockList: 0}, map[ghatest.Op]int{ghatest.Part: 1}},
		{"one byte", 1, map[ghatest.Op]int{ghatest.Whole: 1, ghatest.Part: 0, ghatest.BlockList: 0}, map[ghatest.Op]int{ghatest.Part: 1}},
		{"exactly a block", 64 * kib, map[ghatest.Op]int{ghatest.Whole: 1, ghatest.Part: 0, ghatest.BlockList: 0}, map[ghatest.Op]int{ghatest.Part: 1}},
		{"a byte more than a block", 64*kib + 1, map[ghatest.Op]int{ghatest.Whole: 0, ghatest.Part: 2, ghatest.BlockList: 1}, map[ghatest.Op]int{ghatest.Part: 2}},
		{"exactly two blocks", 128 * kib, map[ghatest.Op]int{ghatest.Whole: 0, ghatest.Part: 2, ghatest.BlockList: 1}, map[ghatest.Op]int{ghatest.Part: 2}},
		{"many blocks", 2*mib + 7, map[ghatest.Op]int{ghatest.Whole: 0, ghatest.Part: 33, ghatest.BlockList: 1}, map[ghatest.Op]int{ghatest.Part: 33}},
	} {
		for _, o := range []ghatest.Options{{}, {Camel: true}, {Like: ghatest.Gitea}, {Protocol: "v1"}, {Protocol: "v1", Like: ghatest.Act}} {
			t.Run(fmt.Sprintf("%s %+v", tt.name, o), func(t *testing.T) {
				t.Parallel()
				s := ghatest.Start(t, o)
				data := some(tt.size)
				if err := open(t, s).Create(t.Context(), "a", write(data)); err != nil {
					t.Fatal(err)
				}
				if got := s.Data("a"); !bytes.Equal(got, data) {
					t.Errorf("%d bytes were stored as %d others", len(data), len(got))
				}
				if o.Protocol == "v1" {
					counts(t, s, tt.v1)
				} else {
					counts(t, s, tt.v2)
				}
				counts(t, s, map[ghatest.Op]int{ghatest.Lookup: 0, ghatest.Reserve: 1, ghatest.Commit: 1, ghatest.Other: 0})
			})
		}
	}
}

func TestBlocksGoOutInParallelAndEndUpInOrder(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o ghatest.Options) {
		// The first block arrives last: it waits until the others are there.
		var s *ghatest.Server
		others := make(chan struct{})
		var arrived sync.WaitGroup
		arrived.Add(3)
		go func() { arrived.Wait(); close(others) }()
		o.Faults = []ghatest.Rule{
			ghatest.Nth(1, ghatest.Part, ghatest.Wait(others)),
			{Op: ghatest.Part, Times: 3, Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				next.ServeHTTP(w, r)
				arrived.Done()
			}},
		}
		s = ghatest.Start(t, o)
		data := some(10*64*kib + 5)
		if err := open(t, s).Create(t.Context(), "a", write(data)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s.Data("a"), data) {
			t.Error("the blocks are in disorder")
		}
	})
}

func TestWriteWaitsWhileAllLanesAreTaken(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var under sync.WaitGroup
	under.Add(4)
	s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{ghatest.First(4, ghatest.Part, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		under.Done()
		ghatest.Wait(release)(w, r, next)
	})}})
	taken := make(chan int, 100)
	err := open(t, s).Create(t.Context(), "a", func(w io.Writer) error {
		block := some(64 * kib)
		done := make(chan error)
		go func() {
			defer close(done)
			for i := range 10 {
				if _, err := w.Write(block); err != nil {
					done <- err
					return
				}
				taken <- i
			}
		}()
		for range 5 { // four on their way and one that is filled
			<-taken
		}
		under.Wait()
		if len(taken) > 0 {
			t.Error("a sixth block was taken while none had gone out")
		}
		close(release)
		return <-done
	})
	if err != nil || len(s.Data("a")) != 10*64*kib {
		t.Errorf("Create = %v with %d bytes", err, len(s.Data("a")))
	}
}

func TestAPartThatFailsIsSentAgain(t *testing.T) {
	t.Parallel()
	for _, fault := range []ghatest.Fault{
		ghatest.Status(500), ghatest.Status(503), ghatest.RetryAfter(429, "2"), ghatest.Reset(),
		ghatest.ResetAfterReading(1000), ghatest.LoseAnswer(), ghatest.CutAfter(0),
	} {
		both(t, func(t *testing.T, o ghatest.Options) {
			o.Faults = []ghatest.Rule{
				ghatest.First(1, ghatest.Whole, fault), ghatest.First(1, ghatest.BlockList, fault),
				ghatest.Nth(1, ghatest.Part, fault), ghatest.Nth(3, ghatest.Part, fault),
			}
			s := ghatest.Start(t, o)
			st := open(t, s)
			for name, size := range map[string]int{"small": 1000, "large": 600_000} {
				data := some(size)
				if err := st.Create(t.Context(), name, write(data)); err != nil {
					t.Errorf("Create(%s) = %v", name, err)
				}
				if !bytes.Equal(s.Data(name), data) {
					t.Errorf("%s was not stored as it is", name)
				}
			}
		})
	}
}

func TestAnEntryIsCommittedOnlyWhenAllOfItIsThere(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		size  int
		fault ghatest.Rule
		class failure.Class
		is    error
		says  string
	}{
		{"a part fails for good", 600_000, ghatest.From(3, ghatest.Part, ghatest.Status(500)), failure.ServerError, nil, "tried 5 times"},
		{"a part is refused", 600_000, ghatest.From(3, ghatest.Part, ghatest.Expired()), failure.Forbidden, nil, "HTTP 403"},
		{"the last part is refused", 600_000, ghatest.From(10, ghatest.Part, ghatest.Status(400)), failure.HTTPStatus, nil, "HTTP 400"},
		{"a part is answered by a redirect", 600_000, ghatest.From(3, ghatest.Part, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			http.Redirect(w, r, "/login", http.StatusFound)
		}), failure.HTTPStatus, nil, "HTTP 302"},
	} {
		both(t, func(t *testing.T, o ghatest.Options) {
			o.Faults = []ghatest.Rule{tt.fault}
			s := ghatest.Start(t, o)
			st := open(t, s, func(o *gha.Options) { o.Parallel = 1 })
			err := st.Create(t.Context(), "a", write(some(tt.size)))
			isFailure(t, err, tt.class, tt.says, "save a")
			counts(t, s, map[ghatest.Op]int{ghatest.BlockList: 0, ghatest.Commit: 0})
			if n := len(s.Entries()); n > 0 {
				t.Errorf("%s: %d entries are visible", tt.name, n)
			}
		})
	}
}

func TestTheErrorOfWriteComesBackAndNothingIsCommitted(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o ghatest.Options) {
		s := ghatest.Start(t, o)
		st := open(t, s)
		fault := errors.New("the disk went away")
		for _, size := range []int{0, 1000, 600_000} {
			err := st.Create(t.Context(), fmt.Sprint("a", size), func(w io.Writer) error {
				if err := write(some(size))(w); err != nil {
					return err
				}
				return fmt.Errorf("pack: %w", fault)
			})
			if !errors.Is(err, fault) {
				t.Errorf("Create = %v", err)
			}
		}
		counts(t, s, map[ghatest.Op]int{ghatest.BlockList: 0, ghatest.Commit: 0, ghatest.Whole: 0})
	})
}

func TestAPanicOfWriteLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o ghatest.Options) {
		o.Faults = []ghatest.Rule{ghatest.Always(ghatest.Part, ghatest.Wait(nil))}
		s := ghatest.Start(t, o)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			open(t, s).Create(t.Context(), "a", func(w io.Writer) error {
				w.Write(some(200_000))
				panic("bug")
			})
		}()
		counts(t, s, map[ghatest.Op]int{ghatest.Commit: 0})
	})
}

func TestACancelledUploadIsNotCommitted(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o ghatest.Options) {
		for _, tt := range []struct {
			name string
			size int
			rule func(cancel func()) ghatest.Rule
		}{
			{"while a part is under way", 600_000, func(cancel func()) ghatest.Rule {
				return ghatest.Nth(2, ghatest.Part, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					cancel()
					ghatest.Wait(nil)(w, r, next)
				})
			}},
			{"while the only one is", 1000, func(cancel func()) ghatest.Rule {
				return ghatest.Rule{Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					cancel()
					ghatest.Wait(nil)(w, r, next)
				}, Match: func(r ghatest.Request) bool { return r.Op == ghatest.Whole || r.Op == ghatest.Part }}
			}},
			{"as the last part has been taken", 600_000, func(cancel func()) ghatest.Rule {
				return ghatest.Nth(10, ghatest.Part, ghatest.Call(cancel))
			}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				s := ghatest.Start(t, o)
				s.Fault(tt.rule(cancel))
				err := open(t, s).Create(ctx, "a", write(some(tt.size)))
				isFailure(t, err, failure.Cancelled)
				if !errors.Is(err, context.Canceled) {
					t.Errorf("%v is not context.Canceled", err)
				}
				counts(t, s, map[ghatest.Op]int{ghatest.Commit: 0})
			})
		}
	})
}
