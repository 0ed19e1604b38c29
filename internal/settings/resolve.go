package settings

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"strings"
)

// given is a value as somebody wrote it.
type given struct {
	text   string
	level  level
	where  string                    // for errors
	source string                    // for Values.Sources
	write  func(value string) string // how to write another value in its place
	fault  func(*Error) *Error       // adds the excerpt of a file, nil elsewhere
}

// level is the precedence of a place where values are given.
type level int

// The levels, weakest first.
const (
	fromDefault level = iota
	fromFile
	fromVariable
	fromFlag
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

// form is how a face of the program spells what it was given.
type form struct {
	name  func(s Setting) string               // "flag --extract"
	write func(s Setting, value string) string // "--extract all"
}

var (
	flagForm = form{
		name: func(s Setting) string { return "flag --" + s.Name },
		write: func(s Setting, value string) string {
			if s.Kind == Bool {
				return "--" + s.Name + "=" + value
			}
			return "--" + s.Name + " " + value
		},
	}
	inputForm = form{
		name:  func(s Setting) string { return "input " + s.InputName() },
		write: func(s Setting, value string) string { return s.InputName() + ": " + value },
	}
)

func resolve(flags map[string]string, f form, getenv func(string) string, files Files) (*Values, error) {
	v := &Values{Direct: true, Sources: map[string]string{}, Checkout: Checkout{Direct: true, Sources: map[string]string{}}}
	table := Table()
	if err := checkNames(flags, table); err != nil {
		return nil, err
	}
	// Where the configuration file is, which profile holds and who is trusted
	// cannot stand in the file itself.
	for _, s := range table {
		if s.Config == "" {
			if err := v.set(s, first(outside(s, flags, f, getenv))); err != nil {
				return nil, err
			}
		}
	}
	file, err := openConfig(v, files, getenv)
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
	v.settleCache(getenv)
	v.settleReports(getenv)
	if err := v.settleLoudness(); err != nil {
		return nil, err
	}
	return v, nil
}

// setAll sets a setting to the strongest of what is given; patterns of private
// modules add up, so that nobody takes away what somebody else keeps private.
func (v *Values) setAll(s Setting, all []*given, dir string) error {
	if !s.addsUp() || len(all) < 2 {
		g := first(all)
		if err := v.set(s, g); err != nil {
			return err
		}
		if g != nil && g.level == fromFile && dir != "" {
			s.relocate(v, dir)
		}
		return nil
	}
	var patterns, sources []string
	for _, g := range all {
		if err := v.set(s, g); err != nil {
			return err
		}
		patterns = append(patterns, *v.field(s.Name).(*string))
		sources = append(sources, g.source)
	}
	*v.field(s.Name).(*string) = JoinPatterns(patterns...)
	v.Sources[s.Name] = strings.Join(sources, " and ")
	return nil
}

// addsUp reports whether the values of several places are one list.
func (s Setting) addsUp() bool {
	return slices.Contains([]string{"private", "noproxy", "nosumdb"}, s.Name)
}

// JoinPatterns is one list of the patterns of several, each once. The word none,
// which stands for no pattern, is left only where nothing else is.
func JoinPatterns(lists ...string) string {
	var all []string
	none := ""
	for _, list := range lists {
		for p := range strings.SplitSeq(list, ",") {
			switch {
			case p == "none":
				none = p
			case p != "" && !slices.Contains(all, p):
				all = append(all, p)
			}
		}
	}
	if len(all) == 0 {
		return none
	}
	return strings.Join(all, ",")
}

// takeMirrors takes over the mirrors list of the configuration file.
func (v *Values) takeMirrors(l layer, at place) {
	direct := true
	if l.direct != nil {
		direct = *l.direct
	}
	if !at.ofCheckout || v.TrustCheckout {
		v.ConfiguredMirrors, v.Direct = l.mirrors, direct
		v.Sources["proxy"] = l.mirrorsSource
		return
	}
	setting, _ := find("proxy")
	if !at.holdsFiles(proxyList("", l.mirrors, direct)) {
		v.Checkout.Ignored = append(v.Checkout.Ignored, Ignored{setting, l.mirrorsSource, "With it, modferry would read a directory outside of the checkout."})
		return
	}
	v.Checkout.Mirrors, v.Checkout.Direct = l.mirrors, direct
	v.obey(setting.Name, l.mirrorsSource)
}

// first is the strongest of what is given, nil for nothing.
func first(all []*given) *given {
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// relocate makes the path of a setting relative to dir, where the file is that
// says it.
func (s Setting) relocate(v *Values, dir string) {
	switch {
	case s.Kind == Dir, s.Kind == File:
		if p := v.field(s.Name).(*string); !filepath.IsAbs(*p) && (s.Name != "reports" || *p != off) {
			*p = filepath.Join(dir, *p)
		}
	case s.Name == "cache":
		if path, ok := strings.CutPrefix(v.Cache, "dir:"); ok && path != "" && !filepath.IsAbs(path) {
			v.Cache = "dir:" + filepath.Join(dir, path)
		}
	}
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

// outside returns what flag and variable give for a setting, in this order.
func outside(s Setting, flags map[string]string, f form, getenv func(string) string) []*given {
	var all []*given
	if text, ok := flags[s.Name]; ok {
		name := f.name(s)
		all = append(all, &given{
			text: text, level: fromFlag, where: name, source: name,
			write: func(value string) string { return f.write(s, value) },
		})
	}
	if text := getenv(s.Env()); text != "" {
		all = append(all, &given{
			text: text, level: fromVariable, where: "variable " + s.Env(), source: "variable " + s.Env(),
			write: func(value string) string { return s.Env() + "=" + value },
		})
	}
	return all
}

// set reads what is given, or the default when that is nil, into the setting's
// field.
func (v *Values) set(s Setting, g *given) error {
	if g == nil {
		v.Sources[s.Name] = "default"
		if s.Default == "" {
			return nil
		}
		if bad := s.parse(s.Default, v.field(s.Name)); bad != nil {
			panic("settings: the default of " + s.Name + " is none of its values")
		}
		return nil
	}
	v.Sources[s.Name] = g.source
	if strings.TrimSpace(g.text) == "" {
		return g.err("an empty value", expectation(s), "write a value or leave it out")
	}
	if bad := s.parse(g.text, v.field(s.Name)); bad != nil {
		remedy := bad.advice
		if bad.instead != "" {
			remedy = "write " + g.write(bad.instead)
		}
		return g.err(bad.found, bad.expected, remedy)
	}
	return nil
}

func (g *given) err(found, expected, remedy string) *Error {
	e := newError(g.where, found, expected, remedy)
	if g.fault != nil {
		e = g.fault(e)
	}
	return e
}

// expectation says in a few words what a setting takes.
func expectation(s Setting) string {
	switch s.Kind {
	case Bool:
		return "true or false"
	case Int:
		return "a whole number"
	case Duration:
		return "a duration such as 30s"
	case Choice:
		return list(s.Choices)
	case Dir:
		return "a directory"
	case File:
		return "a file"
	case List:
		return "a list"
	case Size:
		return "a size such as 10GiB"
	case Text:
		return "a name"
	}
	return "a value"
}

// settleCache fills in the store and the scope, whose defaults depend on the
// place: jobs of a CI system begin with an empty module cache again and again,
// a person's machine keeps its own.
func (v *Values) settleCache(getenv func(string) string) {
	if v.Cache == "" {
		switch {
		case getenv("GITHUB_ACTIONS") == "true":
			v.Cache, v.Sources["cache"] = "gha", "default on GitHub"
		case gitLabDir(getenv) != "":
			v.Cache, v.Sources["cache"] = "dir:"+gitLabDir(getenv)+"/cache", "default on GitLab"
		default:
			v.Cache = off
		}
	}
	if v.Scope == "" {
		v.Scope = "build"
		if getenv("CI") == "true" || getenv("GITHUB_ACTIONS") == "true" || getenv("GITLAB_CI") == "true" {
			v.Scope, v.Sources["scope"] = "used", "default in CI"
		}
	}
}

// off is the value that switches off what is a place otherwise.
const off = "off"

// gitLabDir is where a job of GitLab keeps what outlasts it, "" elsewhere:
// GitLab takes caches and artifacts from below the project's directory only,
// and the go command does not look into a directory whose name begins with a dot.
func gitLabDir(getenv func(string) string) string {
	if dir := getenv("CI_PROJECT_DIR"); getenv("GITLAB_CI") == "true" && dir != "" {
		return dir + "/.modferry"
	}
	return ""
}

// settleReports fills in where reports go.
func (v *Values) settleReports(getenv func(string) string) {
	if v.Reports == "" && gitLabDir(getenv) != "" {
		v.Sources["reports"] = "default on GitLab"
	}
	v.Reports = ReportsDir(v.Reports, getenv)
}

// ReportsDir is where reports go when given is what was said about it: "" for
// nothing, which means where GitLab's jobs can hand them over and nowhere
// elsewhere. The result is "" for nowhere.
func ReportsDir(given string, getenv func(string) string) string {
	switch dir := gitLabDir(getenv); {
	case given == off:
		return ""
	case given == "" && dir != "":
		return dir + "/reports"
	}
	return given
}

// settleLoudness rules out --quiet together with --verbose. Where one comes
// from a stronger place, it wins: a flag overrides a variable.
func (v *Values) settleLoudness() error {
	if !v.Quiet || !v.Verbose {
		return nil
	}
	switch cmp.Compare(levelOf(v.Sources["quiet"]), levelOf(v.Sources["verbose"])) {
	case 1:
		v.Verbose = false
	case -1:
		v.Quiet = false
	default:
		return newError(v.Sources["quiet"], "quiet together with verbose", "one of the two", "leave one out")
	}
	return nil
}

func levelOf(source string) level {
	switch {
	case strings.HasPrefix(source, "flag "), strings.HasPrefix(source, "input "):
		return fromFlag
	case strings.HasPrefix(source, "variable "):
		return fromVariable
	case strings.HasPrefix(source, "file "):
		return fromFile
	}
	return fromDefault
}

// UnknownVariables returns a remark for each variable of environ ("NAME=value"
// as in os.Environ) that begins like ours but is none, sorted. They are not
// errors: another tool of the job may own them.
func UnknownVariables(environ []string) []string {
	known := []string{GitLabToken}
	for _, s := range Table() {
		known = append(known, s.Env())
	}
	var remarks []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || value == "" || slices.Contains(known, name) {
			continue
		}
		remark := "variable " + clip(name, quoteLimit) + " is unknown and has no effect"
		if near := Suggest(name, known); near != "" {
			remark += "; write " + near
		}
		remarks = append(remarks, remark)
	}
	slices.Sort(remarks)
	return remarks
}

// asError makes every error of the room an *Error.
func asError(where string, err error, expected, remedy string) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	e = newError(where, err.Error(), expected, remedy)
	e.Err = err
	return e
}
