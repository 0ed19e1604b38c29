package settings

import (
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/modferry/modferry/docs"
)

// Keys of the configuration file that are no settings.
const (
	keyDirect   = "direct"
	keyProfiles = "profiles"
	keyRules    = "rules"
)

// config is a checked configuration file. The zero value is no file.
type config struct {
	path     string // as messages name it; "" when there is no file
	at       place
	top      layer
	profiles map[string]layer
}

// layer is what the top level or one profile says.
type layer struct {
	values        map[string]*given // setting name → value
	mirrors       []MirrorConfig    // where proxy is a list of mirrors; else nil
	mirrorsSource string
	rules         []rule // nil when not said
	direct        *bool  // nil when not said
	directKey     ast.Node
}

// parseConfig reads a configuration file. Every value of every profile is
// checked, whether the profile is used or not.
func parseConfig(at place, shown string, data []byte) (*config, error) {
	doc, root, err := parseYAML(shown, data)
	if err != nil {
		return nil, err
	}
	at.shown = shown
	c := &config{path: shown, at: at, profiles: map[string]layer{}}
	if root == nil {
		return c, nil // nothing but comments
	}
	var profiles []entry
	c.top, profiles, err = doc.layer(root, "")
	if err != nil {
		return nil, err
	}
	anyMirrors := c.top.mirrors != nil
	for _, p := range profiles {
		l, _, err := doc.layer(p.value, p.key)
		if err != nil {
			return nil, err
		}
		c.profiles[p.key] = l
		anyMirrors = anyMirrors || l.mirrors != nil
	}
	for _, l := range append([]layer{c.top}, slices.Collect(maps.Values(c.profiles))...) {
		if l.direct != nil && !anyMirrors {
			return nil, doc.err(l.directKey, "direct without a list of mirrors", "direct beside such a list below proxy",
				"write direct at the end of proxy instead")
		}
	}
	return c, nil
}

// overlay returns the top level with the values of a profile over it. where
// says who asked for the profile.
func (c *config) overlay(profile, where string) (layer, error) {
	if profile == "" {
		return c.top, nil
	}
	p, ok := c.profiles[profile]
	if !ok {
		known := slices.Sorted(maps.Keys(c.profiles))
		switch {
		case c.path == "":
			return layer{}, newError(where, "the profile "+quote(profile)+" but no configuration file",
				"a "+configName+" with profiles", "write one, name it with --config, or leave the profile out")
		case len(known) == 0:
			return layer{}, newError(where, "the profile "+quote(profile)+", but "+c.path+" has no profiles",
				"a profile of that file", "add it below profiles: or leave the profile out")
		}
		remedy := ""
		if near := Suggest(profile, known); near != "" {
			remedy = "write " + near
		}
		return layer{}, newError(where, "the profile "+quote(profile), "a profile of "+c.path+": "+list(known), remedy)
	}
	out := layer{
		values: maps.Clone(c.top.values), mirrors: c.top.mirrors, mirrorsSource: c.top.mirrorsSource,
		rules: c.top.rules, direct: c.top.direct, directKey: c.top.directKey,
	}
	maps.Copy(out.values, p.values)
	// proxy has two forms, and either replaces the other.
	if p.values["proxy"] != nil {
		out.mirrors, out.mirrorsSource, out.direct = nil, "", nil
	}
	if p.mirrors != nil {
		delete(out.values, "proxy")
		out.mirrors, out.mirrorsSource = p.mirrors, p.mirrorsSource
	}
	if p.rules != nil {
		out.rules = p.rules
	}
	if p.direct != nil {
		out.direct, out.directKey = p.direct, p.directKey
	}
	return out, nil
}

// isMirrors reports whether an entry is proxy as a list of mirrors.
func (e entry) isMirrors() bool {
	_, list := e.value.(*ast.SequenceNode)
	return list && e.key == "proxy"
}

// layer reads the mapping of the top level (profile "") or of a profile. Only
// the top level may hold profiles, whose entries are returned.
func (d *document) layer(node ast.Node, profile string) (layer, []entry, error) {
	l := layer{values: map[string]*given{}}
	entries, err := d.mapping(node, "settings")
	if err != nil {
		return l, nil, err
	}
	byKey := map[string]Setting{}
	for _, s := range Table() {
		if s.Config != "" {
			byKey[s.Config] = s
		}
	}
	var profiles []entry
	for _, e := range entries {
		switch {
		case e.isMirrors():
			l.mirrorsSource = d.source(e.keyNode)
			if l.mirrors, err = d.mirrors(e); err != nil {
				return l, nil, err
			}
		case e.key == keyRules:
			if l.rules, err = d.rules(e); err != nil {
				return l, nil, err
			}
		case e.key == keyDirect:
			direct, err := d.boolean(e)
			if err != nil {
				return l, nil, err
			}
			l.direct, l.directKey = &direct, e.keyNode
		case e.key == keyProfiles && profile == "":
			if profiles, err = d.mapping(e.value, "profiles"); err != nil {
				return l, nil, err
			}
		case e.key == keyProfiles:
			return l, nil, d.err(e.keyNode, "profiles within the profile "+quote(profile), "profiles at the top level only", "move them there")
		default:
			s, ok := byKey[e.key]
			if !ok {
				return l, nil, d.unknownKey(e, slices.Collect(maps.Keys(byKey)), keyRules, keyDirect, keyProfiles)
			}
			g, err := d.given(s, e)
			if err != nil {
				return l, nil, err
			}
			l.values[s.Name] = g
		}
	}
	if l.values["proxy"] != nil && l.direct != nil {
		return l, nil, d.err(l.directKey, "direct beside a proxy in GOPROXY syntax", "direct beside a list of mirrors only", "write direct as the last entry of proxy")
	}
	return l, profiles, nil
}

// given reads and checks the value of a setting.
func (d *document) given(s Setting, e entry) (*given, error) {
	text, err := d.text(e, s)
	if err != nil {
		return nil, err
	}
	g := &given{
		text: text, level: fromFile, where: d.where(e.value), source: d.source(e.keyNode),
		write: func(value string) string { return e.key + ": " + value },
		fault: func(err *Error) *Error { return d.show(err, e.value) },
	}
	var scratch Values
	scratch.Sources = map[string]string{}
	return g, scratch.set(s, g)
}

// unknownKey is the error for a key that means nothing here.
func (d *document) unknownKey(e entry, known []string, more ...string) *Error {
	known = slices.Sorted(slices.Values(slices.Concat(known, more)))
	expected, remedy := "a setting", "remove it, or see "+docs.URL+"settings.md for the keys"
	if len(more) == 0 {
		expected, remedy = list(known), ""
	}
	if near := Suggest(e.key, known); near != "" {
		remedy = "write " + near
	}
	if s, ok := Find(e.key); ok && s.Config == "" {
		remedy = "give it as --" + s.Name + " or " + s.Env()
	}
	err := newError(d.where(e.keyNode), "the unknown key "+quote(e.key), expected, remedy)
	// What stands behind an unknown key may be anything, a secret included.
	pos := position(e.keyNode)
	line := d.line(pos.Line)
	if i := strings.Index(line, e.key); i >= 0 {
		line = line[:i+len(e.key)] + ": …"
	}
	err.Excerpt = excerpt(line, pos.Line, pos.Column)
	return err
}
