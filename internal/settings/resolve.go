package settings

import (
	"path/filepath"
	"slices"
	"strings"
)

// Resolve returns the settings of a run: flag before variable before
// configuration file before default; patterns of private modules add up. flags
// holds only the flags that were set; an empty variable counts as unset.
//
// One rule decides whose word a configuration file is: one that lies in the
// checkout is the checkout's, which may say less (Voice), and one that lies
// elsewhere is the job's, as flags and variables are.
//
// Every error is an *Error.
func Resolve(flags map[string]string, getenv func(string) string, files Files) (*Values, error) {
	return resolve(flags, flagForm, getenv, files)
}

// ResolveInputs is Resolve for an action, whose inputs stand in the place of
// flags; they are named as settings.
func ResolveInputs(inputs map[string]string, getenv func(string) string, files Files) (*Values, error) {
	return resolve(inputs, inputForm, getenv, files)
}

// ResolveServer is Resolve for a program that has no checkout. Only a configuration
// file that is named is read, and it has the job's voice.
func ResolveServer(flags map[string]string, getenv func(string) string, files Files) (*Values, error) {
	return resolve(flags, serverForm, getenv, files)
}

func resolve(flags map[string]string, f form, getenv func(string) string, files Files) (*Values, error) {
	v := &Values{Direct: true, Sources: map[string]string{}, Checkout: Checkout{Direct: true, Sources: map[string]string{}}}
	table := Table()
	if err := checkNames(flags, table); err != nil {
		return nil, err
	}
	// Where the configuration file is, which profile holds and who is trusted
	// cannot stand in the file itself.
	strength := map[string]level{}
	for _, s := range table {
		if s.Config != "" {
			continue
		}
		g := first(outside(s, flags, f, getenv))
		if err := v.set(s, g); err != nil {
			return nil, err
		}
		if g != nil {
			strength[s.Name] = g.level
		}
	}
	file, err := openConfig(v, files, getenv, f.alone)
	if err != nil {
		return nil, err
	}
	overlay, err := file.overlay(v.Profile, v.Sources["profile"])
	if err != nil {
		return nil, err
	}
	if file.at.ofCheckout && !v.TrustCheckout {
		v.Checkout.File = file.path
	}
	for _, s := range table {
		if s.Config == "" {
			continue
		}
		given := outside(s, flags, f, getenv)
		g, err := v.heard(s, overlay.values[s.Name], file.at, len(given) > 0)
		if err != nil {
			return nil, err
		}
		if g != nil {
			given = append(given, g)
		}
		if err := v.setAll(s, given, file.at.dir); err != nil {
			return nil, err
		}
	}
	if v.Proxy == "" && overlay.mirrors != nil {
		v.takeMirrors(overlay, file.at)
	}
	if err := v.takeRules(overlay, file.at); err != nil {
		return nil, err
	}
	v.settleCache(getenv)
	v.settleReports(getenv)
	if err := v.settleLoudness(strength["quiet"], strength["verbose"]); err != nil {
		return nil, err
	}
	return v, nil
}

// setAll sets a setting to the strongest of what is given; patterns of private
// modules add up, so that nobody takes away what somebody else keeps private.
func (v *Values) setAll(s Setting, all []*given, dir string) error {
	if !s.joins || len(all) < 2 {
		g := first(all)
		if err := v.set(s, g); err != nil {
			return err
		}
		if g != nil && g.level == fromFile && dir != "" {
			s.relocate(v, dir)
		}
		return nil
	}
	field := s.field(v).(*string)
	var patterns, sources []string
	for _, g := range all {
		if err := v.set(s, g); err != nil {
			return err
		}
		patterns = append(patterns, *field)
		sources = append(sources, g.source)
	}
	*field = JoinPatterns(patterns...)
	v.Sources[s.Name] = strings.Join(sources, " and ")
	return nil
}

// relocate makes the path of a setting relative to dir, where the file is that
// says it.
func (s Setting) relocate(v *Values, dir string) {
	prefix := ""
	switch s.Kind {
	case Dir, File:
	case Store:
		prefix = "dir:"
	default:
		return
	}
	p := s.field(v).(*string)
	path, ok := strings.CutPrefix(*p, prefix)
	if ok && path != "" && !filepath.IsAbs(path) && !(s.off && path == off) {
		*p = prefix + filepath.Join(dir, path)
	}
}

// takeMirrors uses the mirrors list of the configuration file.
func (v *Values) takeMirrors(l layer, at place) {
	direct := true
	if l.direct != nil {
		direct = *l.direct
	}
	if v.hasJobsVoice(at) {
		for _, m := range l.mirrors {
			for _, file := range []*string{&m.CAFile, &m.ClientCert, &m.ClientKey} {
				if *file != "" && !filepath.IsAbs(*file) {
					*file = filepath.Join(at.dir, *file)
				}
			}
			v.ConfiguredMirrors = append(v.ConfiguredMirrors, m)
		}
		v.Direct = direct
		v.Sources["proxy"] = l.mirrorsSource
		return
	}
	setting, _ := Find("proxy")
	if !at.holdsFiles(proxyList("", l.mirrors, direct)) {
		v.Checkout.Ignored = append(v.Checkout.Ignored, Ignored{setting, l.mirrorsSource, setting.why})
		return
	}
	for _, m := range l.mirrors {
		v.Checkout.Mirrors = append(v.Checkout.Mirrors, v.withoutCertificates(m, at))
	}
	v.Checkout.Direct = direct
	v.obey(setting.Name, l.mirrorsSource)
}

// checkNames refuses flags that the table does not have.
func checkNames(flags map[string]string, table []Setting) error {
	var names []string
	for _, s := range table {
		names = append(names, s.Name)
	}
	for name := range flags {
		if slices.Contains(names, name) {
			continue
		}
		remedy := "see modferry --help"
		if near := Suggest(name, names); near != "" {
			remedy = "write --" + near
		}
		return newError("flag --"+name, "a flag that does not exist", "", remedy)
	}
	return nil
}
