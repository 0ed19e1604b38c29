package main

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
)

// oneChanged measures what a job stores when one module of go.sum has changed,
// and that the next job restores everything. The module cache of the job before
// the change is in filled.
func (s *suite) oneChanged(ctx context.Context, r *runner, filled string) error {
	changed, what, err := r.checkout.change(filepath.Join(s.work, "mirror", "cache", "download"), filepath.Join(filled, "mod", "cache", "download"))
	if err != nil {
		return fmt.Errorf("change a module: %w", err)
	}
	var before int64
	stores := func(_ string, got *sample) error {
		got.cached = r.service.stored() - before
		before += got.cached
		return nil
	}
	if err := r.service.empty(); err != nil {
		return err
	}
	first, err := r.run(ctx, side{in: filled, steps: []step{s.save()}, check: stores})
	if err != nil {
		return fmt.Errorf("save before the change: %w", err)
	}
	next := *r
	next.checkout = changed
	fetch, list := s.cached(), listing("GOPROXY=off")
	second, err := next.run(ctx, side{steps: []step{fetch, list, s.save()}, check: stores})
	if err != nil {
		return fmt.Errorf("change %s: %w", what, err)
	}
	if _, err := next.run(ctx, side{steps: []step{fetch, list}, check: checkRestored}); err != nil {
		return fmt.Errorf("restore after the change of %s: %w", what, err)
	}
	s.claims = append(s.claims, claim{
		text:     fmt.Sprintf("%s, bytes stored by `%s` after one change in go.sum (%s) against before; all is restored afterwards", r.checkout, saveAsIs, what),
		subject:  series{samples: []sample{second}},
		baseline: series{samples: []sample{first}},
		atMost:   0.02,
	})
	return nil
}

// change returns the checkout with one module in a newer version of the same
// contents, which it adds to the mirror's files, and names the module and the
// size of its zip. It is the one of median size among those that go.mod requires
// directly and whose zips the directory used has.
func (c *checkout) change(files, used string) (*checkout, string, error) {
	file, err := modfile.Parse("go.mod", c.goMod, nil)
	if err != nil {
		return nil, "", err
	}
	old, err := medianModule(file, used)
	if err != nil {
		return nil, "", err
	}
	var major, minor, patch int
	if _, err := fmt.Sscanf(semver.Canonical(old.Version), "v%d.%d.%d", &major, &minor, &patch); err != nil {
		return nil, "", fmt.Errorf("read the version of %s: %w", old, err)
	}
	fresh := module.Version{Path: old.Path, Version: fmt.Sprintf("v%d.%d.%d-bench", major, minor, patch+1)}
	hash, size, err := republish(files, old, fresh)
	if err != nil {
		return nil, "", err
	}
	if err := file.AddRequire(fresh.Path, fresh.Version); err != nil {
		return nil, "", err
	}
	changed := *c
	if changed.goMod, err = file.Format(); err != nil {
		return nil, "", err
	}
	// The old go.mod stays in go.sum: other modules may require that version.
	var sum strings.Builder
	for line := range strings.Lines(string(c.goSum)) {
		switch {
		case strings.HasPrefix(line, old.Path+" "+old.Version+" "):
			line = fmt.Sprintf("%s %s %s\n", fresh.Path, fresh.Version, hash)
		case strings.HasPrefix(line, old.Path+" "+old.Version+"/go.mod "):
			sum.WriteString(strings.Replace(line, old.Version, fresh.Version, 1))
		}
		sum.WriteString(line)
	}
	changed.goSum = []byte(sum.String())
	if changed.sum, err = parseSums(changed.goSum); err != nil {
		return nil, "", err
	}
	return &changed, fmt.Sprintf("%s, %s", old, formatBytes(size)), nil
}

// medianModule picks the module that change changes.
func medianModule(file *modfile.File, used string) (module.Version, error) {
	replaced := make(map[string]bool)
	for _, r := range file.Replace {
		replaced[r.Old.Path] = true
	}
	sizes := make(map[module.Version]int64)
	var candidates []module.Version
	for _, r := range file.Require {
		if r.Indirect || replaced[r.Mod.Path] || strings.HasSuffix(r.Mod.Version, "+incompatible") {
			continue // the next version of an incompatible one would need the suffix
		}
		place, err := downloadPath(r.Mod.String())
		if err != nil {
			return module.Version{}, err
		}
		info, err := os.Stat(filepath.Join(used, place+".zip"))
		if err != nil {
			continue // nothing needs it
		}
		sizes[r.Mod] = info.Size()
		candidates = append(candidates, r.Mod)
	}
	if len(candidates) == 0 {
		return module.Version{}, errors.New("found no direct requirement with a zip, expected one")
	}
	slices.SortFunc(candidates, func(a, b module.Version) int { return cmp.Compare(sizes[a], sizes[b]) })
	return candidates[len(candidates)/2], nil
}

// republish adds a version to the mirror's files that has the contents of
// another, and returns its hash and the size of its zip.
func republish(files string, old, fresh module.Version) (hash string, size int64, err error) {
	from, err := downloadPath(old.String())
	if err != nil {
		return "", 0, err
	}
	to, err := downloadPath(fresh.String())
	if err != nil {
		return "", 0, err
	}
	from, to = filepath.Join(files, from), filepath.Join(files, to)
	goMod, err := os.ReadFile(from + ".mod")
	if err != nil {
		return "", 0, err
	}
	for name, data := range map[string][]byte{
		to + ".mod":  goMod,
		to + ".info": fmt.Appendf(nil, `{"Version":%q,"Time":%q}`, fresh.Version, time.Unix(0, 0).UTC().Format(time.RFC3339)),
	} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return "", 0, err
		}
	}
	if err := renameZip(from+".zip", to+".zip", old.String()+"/", fresh.String()+"/"); err != nil {
		return "", 0, err
	}
	info, err := os.Stat(to + ".zip")
	if err != nil {
		return "", 0, err
	}
	hash, err = dirhash.HashZip(to+".zip", dirhash.Hash1)
	return hash, info.Size(), err
}

// renameZip copies a zip and replaces the prefix of every name.
func renameZip(from, to, oldPrefix, newPrefix string) (err error) {
	in, err := zip.OpenReader(from)
	if err != nil {
		return err
	}
	defer in.Close()
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := zip.NewWriter(f)
	for _, member := range in.File {
		rest, ok := strings.CutPrefix(member.Name, oldPrefix)
		if !ok {
			return fmt.Errorf("%s: found %q, expected it to begin with %q", filepath.Base(from), member.Name, oldPrefix)
		}
		header := member.FileHeader
		header.Name = newPrefix + rest
		w, err := out.CreateRaw(&header)
		if err != nil {
			return err
		}
		r, err := member.OpenRaw()
		if err != nil {
			return err
		}
		if _, err := io.Copy(w, r); err != nil {
			return err
		}
	}
	return out.Close()
}
