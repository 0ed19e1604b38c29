package worklist

import (
	"errors"
	"fmt"
	"go/version"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// mainModule is a main module: its go.mod and, when there is one, its go.sum.
type mainModule struct {
	dir     string // absolute: what replace directories are relative to
	file    string // its go.mod, or the -modfile, relative to the root
	sumPath string // absolute, whether or not it exists
	parsed  *modfile.File
	sum     *sumFile // nil until read, or when missing
	// packages are the directories of its packages, nil until they are looked for.
	packages []string
}

func (m *mainModule) path() string { return m.parsed.Module.Mod.Path }

func (m *mainModule) goLine() string { return goLine(m.parsed.Go) }

func goLine(g *modfile.Go) string {
	if g == nil {
		return ""
	}
	return g.Version
}

func toolchainLine(t *modfile.Toolchain) string {
	if t == nil {
		return ""
	}
	return t.Name
}

// atLeast reports whether a go line asks for version v ("1.17") or later. An
// absent go line is none of them: the go command then assumes 1.16.
func atLeast(goLine, v string) bool {
	return goLine != "" && version.Compare("go"+goLine, "go"+v) >= 0
}

// readMod reads a go.mod file. dir is its module's directory, which differs
// from the file's with -modfile. A missing file is fs.ErrNotExist.
func (l *loader) readMod(dir, path string) (*mainModule, error) {
	data, err := l.read(path)
	if err != nil {
		return nil, err
	}
	m := &mainModule{
		dir:     dir,
		file:    l.rel(path),
		sumPath: strings.TrimSuffix(path, ".mod") + ".sum", // cmd/go modload/init.go: loadModFile
	}
	m.parsed, err = modfile.Parse(m.file, data, fixVersion)
	if err != nil {
		return nil, parseError(m.file, data, err)
	}
	if m.parsed.Module == nil {
		return nil, &InputError{
			File:  m.file,
			Found: "no module line", Expected: "a line such as `module example.test/name`",
			Remedy: "run `go mod edit -module=PATH`",
		}
	}
	if err := module.CheckImportPath(m.path()); err != nil {
		return nil, &InputError{
			File: m.file, Line: m.parsed.Module.Syntax.Start.Line,
			Found: plain(err.Error()), Expected: "a module path such as example.test/name",
			Remedy: "run `go mod edit -module=PATH`", Err: err,
		}
	}
	return m, nil
}

// fixVersion accepts what stands in a go.mod that the go command would leave
// as it is (cmd/go modload/init.go: fixVersion). It resolves branch names and
// such over the network, and then refuses to build because go.mod needs an
// update.
func fixVersion(path, vers string) (string, error) {
	if strings.HasPrefix(path, "gopkg.in/") {
		if _, after, ok := strings.Cut(vers, "-gopkgin-"); ok {
			vers = after
		}
	}
	_, pathMajor, ok := module.SplitPathVersion(path)
	if !ok {
		return "", fmt.Errorf("malformed module path %s", quote(path))
	}
	if vers == "" || module.CanonicalVersion(vers) != vers {
		return "", fmt.Errorf("%s %s: not a full version such as v1.2.3", plain(path), quote(vers))
	}
	if err := module.CheckPathMajor(vers, pathMajor); err != nil {
		return "", module.VersionError(module.Version{Path: path, Version: vers}, err)
	}
	return vers, nil
}

// parseError turns an error of the modfile package into an *InputError. Of
// several it takes the first.
func parseError(file string, data []byte, err error) error {
	if line, text := mergeMarker(string(data)); line > 0 {
		return mergeError(file, line, text)
	}
	if err := foreignEncoding(file, data); err != nil {
		return err
	}
	if strings.HasPrefix(string(data), byteOrderMark) {
		return markError(file)
	}
	e := &InputError{
		File:     file,
		Found:    plain(err.Error()),
		Expected: "the syntax of " + filepath.Base(file),
		Remedy:   "correct the line; `go mod tidy` replaces a branch or tag name by its version",
		Err:      err,
	}
	if strings.HasSuffix(file, ".work") {
		e.Remedy = "correct the line"
	}
	var all modfile.ErrorList
	if errors.As(err, &all) && len(all) > 0 {
		first := all[0]
		e.Line = first.Pos.Line
		first.Filename, first.Pos = "", modfile.Position{} // the message has them already
		e.Found = plain(first.Error())
	}
	return e
}

// readSum reads a go.sum or go.work.sum file. A missing file is nil without an
// error.
func (l *loader) readSum(path string) (*sumFile, error) {
	data, err := l.read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := parseSum(l.rel(path), data)
	if err != nil {
		return nil, err
	}
	l.sums = append(l.sums, f)
	return f, nil
}
