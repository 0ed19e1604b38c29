package buildlist

import (
	"errors"
	"fmt"
	"go/version"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// goMod is what the graph has to know of a go.mod file.
type goMod struct {
	path     string // its module line
	unpruned bool   // its requirements do not say all that its packages need
	requires []module.Version

	answered bool
	unusable bool
	waiting  []visit // until it is answered
}

// parse reads the go.mod of a dependency.
func parse(m module.Version, data []byte) (*goMod, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("the go.mod of %s has %d bytes, expected at most %d", name(m), len(data), maxFile)
	}
	parsed, err := modfile.ParseLax("go.mod", data, nil)
	if err != nil {
		var all modfile.ErrorList
		if errors.As(err, &all) && len(all) > 0 {
			err = &all[0] // of a hostile file there may be a million
		}
		return nil, fmt.Errorf("the go.mod of %s: %s", name(m), plain(err.Error()))
	}
	f := &goMod{unpruned: parsed.Go == nil || unprunedAt(parsed.Go.Version)}
	if parsed.Module != nil {
		f.path = parsed.Module.Mod.Path
	}
	for _, r := range parsed.Require {
		f.requires = append(f.requires, r.Mod)
	}
	return f, nil
}

// check compares the module line with the required module and what stands in its
// place, of which either is right. Directories may say what they want.
func (f *goMod) check(required, actual module.Version) error {
	switch {
	case actual.Version == "" || f.path == required.Path || f.path == actual.Path:
		return nil
	case f.path == "":
		return fmt.Errorf("the go.mod of %s has no module line", name(actual))
	default:
		return fmt.Errorf("the go.mod of %s says that its module is %s, but it is required as %s", name(actual), plain(f.path), plain(required.Path))
	}
}

// unprunedAt reports whether modules with a go line may leave out of go.mod what
// they do not import themselves, so that all that follows from it counts. "" is
// no go line.
func unprunedAt(goLine string) bool {
	return version.Compare("go"+goLine, "go1.17") < 0
}
