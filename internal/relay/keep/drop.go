package keep

import (
	"context"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/report"
)

// Drop gives up the zip of a version. One that is in memory is served from there. What
// is open stays readable where the system allows it, or the zip stays.
func (k *Keep) Drop(ctx context.Context, v module.Version) error {
	of := key{v, report.KindZip}
	k.mu.Lock()
	defer k.mu.Unlock()
	f := k.files[of]
	if f == nil {
		return nil
	}
	if c, err := f.read(); err != nil || c.body == nil {
		delete(k.files, of)
	}
	return k.Discard(ctx, v)
}
