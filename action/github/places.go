package github

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/settings"
)

// translate is the value of a setting as this step has to read it: a path in it
// becomes this step's. source says where the value is from, for errors.
func (h *host) translate(source, setting, value string) (string, error) {
	before, name := "", strings.TrimSpace(value)
	switch setting {
	case "modules":
		return h.patterns(value), nil
	case "cache":
		const directory = "dir:"
		dir, ok := strings.CutPrefix(name, directory)
		if !ok {
			return value, nil
		}
		before, name = directory, dir
	case "dir", "config", "ca-file", "modcache":
	default:
		return value, nil
	}
	if name == "" {
		return value, nil
	}
	here, err := h.place(source, name)
	return before + here, err
}

// resolve reads the settings. Paths in them become those of this step, and one
// that the other steps do not see is an error. Of those in inputs and variables
// this is found out first: the configuration file is looked for by them.
func (s *step) resolve() (v *settings.Values, err error) {
	variables := map[string]string{}
	for _, setting := range settings.Table() {
		if !setting.Input {
			continue
		}
		if text, given := s.inputs.settings[setting.Name]; given {
			s.inputs.settings[setting.Name], err = s.host.translate("input "+setting.InputName(), setting.Name, text)
		} else {
			variables[setting.Env()], err = s.host.translate("variable "+setting.Env(), setting.Name, s.Getenv(setting.Env()))
		}
		if err != nil {
			return nil, err
		}
	}
	v, err = settings.ResolveInputs(s.inputs.settings, func(name string) string {
		if text, ok := variables[name]; ok {
			return text
		}
		return s.Getenv(name)
	}, settings.Disk{WorkDir: s.host.workspace})
	if err != nil {
		return nil, err
	}
	if err := v.Promise("action"); err != nil {
		return nil, err
	}
	if !filepath.IsAbs(v.Dir) {
		v.Dir = filepath.Join(s.host.workspace, v.Dir)
	}
	// What is left is of the configuration file.
	for name, field := range map[string]*string{"ca-file": &v.CAFile, "modcache": &v.ModCache, "cache": &v.Cache} {
		if *field, err = s.host.translate(v.Sources[name], name, *field); err != nil {
			return nil, err
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
		if rest, ok := below(h.inside(pattern), h.workspace); ok && filepath.IsAbs(pattern) {
			all[i] = path.Join(".", filepath.ToSlash(rest))
		}
	}
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return strings.TrimSpace(s) == "" }), ",")
}
