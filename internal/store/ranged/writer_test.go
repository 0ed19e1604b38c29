package ranged_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modferry/modferry/internal/store/ranged"
)

// target takes blocks, each a second after it was sent.
type target struct {
	mu          sync.Mutex
	bytes       []byte
	begun       int
	under, most int
	fails       error // of the block after the first
}

func (tg *target) options() ranged.WriterOptions {
	return ranged.WriterOptions{Block: 4, Lanes: 2, Send: tg.send,
		Begin: func(context.Context) error { tg.begun++; return nil },
		Fail:  func(cause error) error { return cause }}
}

func (tg *target) send(ctx context.Context, index int, offset int64, data []byte) (bool, error) {
	tg.mu.Lock()
	tg.under++
	tg.most = max(tg.most, tg.under)
	tg.mu.Unlock()
	time.Sleep(time.Second)
	tg.mu.Lock()
	defer tg.mu.Unlock()
	tg.under--
	if index > 0 && tg.fails != nil {
		return false, tg.fails
	}
	for int(offset)+len(data) > len(tg.bytes) {
		tg.bytes = append(tg.bytes, 0)
	}
	copy(tg.bytes[offset:], data)
	return true, nil
}

func TestBlocksGoOutInParallelAndAnEntryOfOneBlockWaits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text   string
		blocks int
		whole  string
	}{{"", 0, ""}, {"four", 0, "four"}, {"fives", 2, ""}, {"twelve bytes", 3, ""}, {"a lot more than the lanes take", 8, ""}} {
		synctest.Test(t, func(t *testing.T) {
			tg := new(target)
			w := ranged.NewWriter(t.Context(), tg.options())
			defer w.Close()
			for _, b := range []byte(test.text) {
				if _, err := w.Write([]byte{b}); err != nil {
					t.Fatal(err)
				}
			}
			whole, blocks, size, err := w.Finish()
			if err != nil || blocks != test.blocks || size != int64(len(test.text)) || string(whole) != test.whole {
				t.Fatalf("%q: %d blocks, %d bytes, whole %q, %v", test.text, blocks, size, whole, err)
			}
			if blocks > 0 && (!bytes.Equal(tg.bytes, []byte(test.text)) || tg.begun != 1 || tg.most != 2) {
				t.Errorf("got %q, begun %d times, %d blocks at a time", tg.bytes, tg.begun, tg.most)
			}
		})
	}
}

func TestAWriterEndsWithItsFirstBlockThatFailsOrItsContext(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, cancelled := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			tg := new(target)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if cancelled {
				time.AfterFunc(3*time.Second, func() { cancel(broken) })
			} else {
				tg.fails = broken
			}
			w := ranged.NewWriter(ctx, tg.options())
			defer w.Close()
			var err error
			for n := 0; err == nil && n < 1000; n++ {
				_, err = w.Write(make([]byte, 3))
			}
			if err = w.Failed(errors.Join(errors.New("pack"), err)); err != broken {
				t.Errorf("ended with %v, want what broke it", err)
			}
			other := errors.New("nothing to pack")
			if err := w.Failed(other); err != other {
				t.Errorf("a producer's own error became %v", err)
			}
		})
	}
}
