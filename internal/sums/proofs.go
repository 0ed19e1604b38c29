package sums

import (
	"context"
	"strings"

	"golang.org/x/mod/module"
)

// Proofs are what go commands need of the databases in order to verify, without asking
// them, all versions that were looked up so far: database → path → content, as
// "lookup/MODULE@VERSION" and "tile/8/0/000". One head proves all of them, so that it
// does not matter what is looked up first. The error is one of Find.
func (c *Sums) Proofs(ctx context.Context) (map[string]map[string][]byte, error) {
	c.mu.Lock()
	found := make(map[*verifier][]module.Version, len(c.found))
	for v, by := range c.found {
		found[by] = append(found[by], v)
	}
	c.mu.Unlock()
	all := map[string]map[string][]byte{}
	for by, versions := range found {
		again := &verifier{ctx: ctx, d: by.d, heads: by.heads, pinned: by.heads.last(), seen: map[string][]byte{}}
		for _, v := range versions {
			if _, err := again.lookup(v); err != nil {
				return nil, err
			}
		}
		files := make(map[string][]byte, len(again.seen))
		for path, body := range again.seen {
			files[strings.TrimPrefix(path, "/")] = body
		}
		all[by.d.Name()] = files
	}
	return all, nil
}
