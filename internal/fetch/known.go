package fetch

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/imports"
)

// known is what a complete graph came to, remembered beside the module cache under
// its key: the next run over the same imports needs not open a single module. Like
// everything that is said of what is needed, it is trusted for no more than that.
type known struct {
	dir string // of all that is remembered
	key string // "" for graphs that are not to be remembered
}

// lastLine ends what is remembered.
const lastLine = "end\n"

// mostKnown bounds what is remembered: it has room for the branches of a few
// projects on one runner.
const mostKnown = 64

func (r *run) known(graphs []*imports.Graph) known {
	var keys []string
	for _, g := range graphs {
		key := g.Key()
		if key == "" {
			return known{}
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return known{}
	}
	slices.Sort(keys)
	return known{filepath.Join(r.cache.Dir(), "cache", "modferry", "imports"), strings.Join(keys, "-")}
}

// file is where the key is remembered. A checkout with very many main modules has no
// name for it.
func (k known) file() string { return filepath.Join(k.dir, k.key) }

// recall returns what the graphs need; false when nobody remembers.
func (k known) recall() (imports.Step, bool) {
	if k.key == "" {
		return imports.Step{}, false
	}
	data, err := diskfile.Read(k.file(), 8<<20)
	if err != nil {
		return imports.Step{}, false
	}
	// A file that a crash has cut short does not count.
	if !bytes.HasSuffix(data, []byte(lastLine)) {
		return imports.Step{}, false
	}
	data = bytes.TrimSuffix(data, []byte(lastLine))
	var s imports.Step
	for in := bufio.NewScanner(bytes.NewReader(data)); in.Scan(); {
		fields := strings.Fields(in.Text())
		if len(fields) != 3 {
			return imports.Step{}, false
		}
		v := module.Version{Path: fields[1], Version: fields[2]}
		switch fields[0] {
		case "zip":
			s.Modules = append(s.Modules, v)
		case "mod":
			s.Providers = append(s.Providers, v)
		}
	}
	return s, true
}

// remember writes down which zips and go.mod files complete graphs came to. That it
// cannot is told to the log of the run: the next one follows the imports again.
func (k known) remember(s imports.Step) error {
	var b bytes.Buffer
	for _, v := range s.Modules {
		fmt.Fprintf(&b, "zip %s %s\n", v.Path, v.Version)
	}
	for _, v := range s.Providers {
		fmt.Fprintf(&b, "mod %s %s\n", v.Path, v.Version)
	}
	b.WriteString(lastLine)
	if err := os.MkdirAll(k.dir, 0o777); err != nil {
		return err
	}
	if err := diskfile.Write(k.file(), b.Bytes()); err != nil {
		return err
	}
	return k.forget()
}

// forget removes what was remembered first when there is too much.
func (k known) forget() error {
	entries, err := os.ReadDir(k.dir)
	if err != nil || len(entries) <= mostKnown {
		return err
	}
	age := func(e os.DirEntry) time.Time {
		if info, err := e.Info(); err == nil {
			return info.ModTime()
		}
		return time.Time{}
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return age(a).Compare(age(b)) })
	for _, e := range entries[:len(entries)-mostKnown] {
		if err := os.Remove(filepath.Join(k.dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
