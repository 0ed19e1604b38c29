package github

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/settings"
)

// storeInDirectory begins the value of the setting cache that names a directory.
const storeInDirectory = "dir:"

// pathOf is the path in the value of a setting, and what stands before it; false
// for a value without one.
func pathOf(setting, value string) (before, name string, ok bool) {
	switch setting {
	case "dir", "config", "ca-file", "modcache":
		return "", strings.TrimSpace(value), strings.TrimSpace(value) != ""
	case "cache":
		name, ok := strings.CutPrefix(strings.TrimSpace(value), storeInDirectory)
		return storeInDirectory, name, ok && name != ""
	}
	return "", "", false
}

// resolve reads the settings. Paths in them become those of this step, and one
// that the other steps do not see is an error. Of those in inputs and variables
// this is found out first: the configuration file is looked for by them.
func (s *step) resolve() (*settings.Values, error) {
	variables := map[string]string{}
	for _, setting := range settings.Table() {
		if !setting.Input {
			continue
		}
		source, text, set := "input "+setting.InputName(), s.inputs.settings[setting.Name], func(text string) { s.inputs.settings[setting.Name] = text }
		if _, given := s.inputs.settings[setting.Name]; !given {
			source, text, set = "variable "+setting.Env(), s.Getenv(setting.Env()), func(text string) { variables[setting.Env()] = text }
		}
		if setting.Name == "modules" && text != "" {
			set(s.host.patterns(text))
		}
		if before, name, ok := pathOf(setting.Name, text); ok {
			here, err := s.host.place(source, name)
			if err != nil {
				return nil, err
			}
			set(before + here)
		}
	}
	v, err := settings.ResolveInputs(s.inputs.settings, func(name string) string {
		if text, ok := variables[name]; ok {
			return text
		}
		return s.Getenv(name)
	}, settings.Disk{WorkDir: s.host.workspace})
	if err != nil {
		return nil, err
	}
	if !filepath.IsAbs(v.Dir) {
		v.Dir = filepath.Join(s.host.workspace, v.Dir)
	}
	// What is left is of the configuration file.
	for name, field := range map[string]*string{"ca-file": &v.CAFile, "modcache": &v.ModCache, "cache": &v.Cache} {
		if before, at, ok := pathOf(name, *field); ok {
			here, err := s.host.place(v.Sources[name], at)
			if err != nil {
				return nil, err
			}
			*field = before + here
		}
	}
	return v, nil
}

// patterns makes absolute patterns of main modules, as ${{ github.workspace }} in
// an input leads to, relative to the workspace.
func (h *host) patterns(list string) string {
	all := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == '\n' })
	for i, pattern := range all {
		pattern = strings.TrimSpace(pattern)
		if rest, ok := below(h.inside(pattern), h.workspace); ok && path.IsAbs(pattern) {
			all[i] = path.Join(".", rest)
		}
	}
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return strings.TrimSpace(s) == "" }), ",")
}
