package imports

import "golang.org/x/mod/module"

// Needed are all modules that are needed.
func (g *Graph) Needed() []module.Version { return g.list(func(*candidate) bool { return true }) }
