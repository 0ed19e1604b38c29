package keep

import (
	"context"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/report"
)

// Drop gives up the zip of a version. One that is in memory is served from there. What
// is open stays readable where the system allows it, or the zip stays.
func (k *Keep) Drop(ctx context.Context, v module.Version) error {
	k.mu.Lock()
	if f := k.files[key{v, report.KindZip}]; f != nil && f.body == nil {
		k.remove(f)
	}
	k.mu.Unlock()
	return k.Discard(ctx, v)
}
