package outside

import (
	"fmt"
	"strings"

	"golang.org/x/mod/module"
)

// Arg is a module or a package of one, with the version that is asked for.
type Arg struct {
	Path  string
	Query string // as go install takes it: v1.2.3, latest, v1, <v2.0.0, a branch or a commit
}

// Parse reads arguments. The error says what to write instead.
func Parse(args []string) ([]Arg, error) {
	var all []Arg
	for _, text := range args {
		path, query, ok := strings.Cut(text, "@")
		a := Arg{path, query}
		first, _, _ := strings.Cut(path, "/")
		switch {
		case !ok || query == "":
			return nil, fmt.Errorf("found %q, expected MODULE@VERSION; write %s@latest for the newest version", text, path)
		case strings.Contains(path, "..."):
			return nil, fmt.Errorf("found %q, expected a module or a package; name each package of the pattern", text)
		case !strings.Contains(first, "."):
			return nil, fmt.Errorf("found %q, expected a path whose first element is a host, such as example.com/tool@latest", text)
		case query == "none", query == "patch":
			return nil, fmt.Errorf("found %q, expected a version; %s needs one to begin with", text, query)
		}
		if err := module.CheckImportPath(path); err != nil {
			return nil, fmt.Errorf("found %q, expected MODULE@VERSION; %w", text, err)
		}
		q, err := parseQuery(path, query)
		if err == nil && q.exact {
			_, err = module.EscapeVersion(query)
		}
		if err != nil {
			return nil, fmt.Errorf("found %q, expected MODULE@VERSION; %w", text, err)
		}
		all = append(all, a)
	}
	return all, nil
}

// modules are the paths of modules that may have the package, the longest first.
func (a Arg) modules() []string {
	var all []string
	for p := a.Path; ; {
		if module.CheckPath(p) == nil {
			all = append(all, p)
		}
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			return all
		}
		p = p[:i]
	}
}
