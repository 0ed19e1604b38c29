package failure_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/modferry/modferry/internal/failure"
)

func TestAsKeepsAClassifiedErrorAndClassifiesAnother(t *testing.T) {
	t.Parallel()
	if got := failure.As(nil); got != nil {
		t.Errorf("As(nil) = %v", got)
	}
	made := failure.New(failure.Stall, "read", "https://mirror.example.test", nil)
	if got := failure.As(fmt.Errorf("fetch: %w", made)); got != made {
		t.Errorf("As of a wrapped failure = %v, want the failure itself", got)
	}
	if got := failure.As(io.ErrUnexpectedEOF); got.Class != failure.CutBody {
		t.Errorf("As(%v) has class %q, want %q", io.ErrUnexpectedEOF, got.Class, failure.CutBody)
	}
}
