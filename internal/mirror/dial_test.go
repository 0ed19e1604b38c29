package mirror

import (
	"context"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modferry/modferry/internal/failure"
)

func TestADialThatFindsTooManyFilesOpenWaitsForOthers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		short int // dials that find too many
		err   error
		want  failure.Class
	}{
		{"this process", 3, &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}, ""},
		{"the system", 3, &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.ENFILE)}, ""},
		{"the name lookup", 3, &net.DNSError{Err: "dial udp 127.0.0.53:53: socket: too many open files"}, ""},
		{"for longer than connecting may take", 1000, &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}, failure.LocalIO},
		{"another failure", 3, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", failure.ErrRefused)}, failure.Refused},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dials, freed := 0, 0
				dial := limitedDial(func(context.Context, string, string) (net.Conn, error) {
					if dials++; dials <= test.short {
						return nil, test.err
					}
					return nil, nil
				}, 10*time.Second, func() { freed++ })
				_, err := dial(t.Context(), "tcp", "mirror.example.test:443")
				if got := failure.Classify(err); got != test.want {
					t.Errorf("class %q, want %q (%v)", got, test.want, err)
				}
				if test.want == "" && (dials != 4 || freed != 3) {
					t.Errorf("%d dials, %d times freed, want 4 and 3", dials, freed)
				}
			})
		})
	}
}
