package session

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/modferry/modferry/internal/imports"
)

// The platforms whose imports count beside the job's own: a matrix shares one
// cache, and at most a few modules more are read for all of them.
var (
	defaultOS   = []string{"linux", "darwin", "windows"}
	defaultArch = []string{"amd64", "arm64"}
)

// contexts returns the ways to build whose imports count: those of the job, which
// come first, and those of --platforms. Whether the job has a C compiler and which
// Go it runs is not known without running it, so both ways count.
func (s *Session) contexts() (func(goLine string, tags []string) imports.Contexts, error) {
	own := imports.Context{GOOS: cmp.Or(s.getenv("GOOS"), runtime.GOOS), GOARCH: cmp.Or(s.getenv("GOARCH"), runtime.GOARCH)}
	cgo := []bool{false, true}
	if n := slices.Index([]string{"0", "1"}, s.getenv("CGO_ENABLED")); n >= 0 {
		cgo = cgo[n : n+1]
	}
	platforms, err := s.platforms()
	if err != nil {
		return nil, err
	}
	further := strings.FieldsFunc(s.Values.Tags, func(r rune) bool { return r == ',' || r == ' ' })
	return func(goLine string, tags []string) imports.Contexts {
		var c imports.Contexts
		add := func(x imports.Context, cgo []bool) {
			for _, x.Cgo = range cgo {
				x.Tags = tags
				c.All = append(c.All, x)
				if len(further) > 0 {
					x.Tags = slices.Concat(tags, further)
					c.All = append(c.All, x)
				}
			}
		}
		for _, newest := range []int{minor(goLine), imports.Newest} {
			x := own
			x.Go = newest
			add(x, cgo)
		}
		c.Own = len(c.All)
		for _, p := range platforms {
			p.Go = imports.Newest
			if p.GOOS != own.GOOS || p.GOARCH != own.GOARCH {
				add(p, []bool{false, true})
			}
		}
		return c
	}, nil
}

// Contexts are the ways to build on this machine a module with a go line that is no
// checkout's.
func (s *Session) Contexts(goLine string) (imports.Contexts, error) {
	contexts, err := s.contexts()
	if err != nil {
		return imports.Contexts{}, err
	}
	c := contexts(goLine, nil)
	c.All = c.All[:c.Own]
	return c, nil
}

// platforms reads --platforms. Without a processor, both usual ones are meant.
func (s *Session) platforms() ([]imports.Context, error) {
	names := strings.FieldsFunc(s.Values.Platforms, func(r rune) bool { return r == ',' || r == ' ' })
	if len(names) == 0 {
		names = defaultOS
	}
	var all []imports.Context
	for _, name := range names {
		goos, goarch, given := strings.Cut(name, "/")
		archs := defaultArch
		if given {
			archs = []string{goarch}
		}
		for _, arch := range archs {
			if !imports.KnownPlatform(goos, arch) {
				return nil, fmt.Errorf("%s: found %q, expected GOOS or GOOS/GOARCH, such as linux or windows/arm64; go tool dist list names them",
					s.Values.Sources["platforms"], name)
			}
			all = append(all, imports.Context{GOOS: goos, GOARCH: arch})
		}
	}
	// The job's own ways to build take up to 8, and each platform up to 4.
	if most := (imports.MaxContexts - 8) / 4; len(all) > most {
		return nil, fmt.Errorf("%s: found %d platforms, expected at most %d; name those that the jobs build for", s.Values.Sources["platforms"], len(all), most)
	}
	return all, nil
}

// minor is the N of a go line 1.N.
func minor(goLine string) int {
	_, rest, _ := strings.Cut(goLine, ".")
	rest, _, _ = strings.Cut(rest, ".")
	if n, err := strconv.Atoi(rest); err == nil {
		return n
	}
	return imports.Newest // as in 1.25rc1: nearly that
}
