package settings

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// RuleConfig is one entry of the rules list of the configuration file: which mirrors
// may be asked for some modules.
type RuleConfig struct {
	Modules string   // patterns as in GOPRIVATE
	Mirrors []string // URLs, or PublicMirrors; nil when nobody may be asked
	Source  string   // "file .modferry.yaml:3"
}

// PublicMirrors stands in a rule for all mirrors of the public catalogue that are in
// the chain.
const PublicMirrors = "public"

// ruleWords are what a rule may say in place of mirrors.
var ruleWords = []string{"none", off, PublicMirrors, "direct"}

// rule is a rule as it is written.
type rule struct {
	modules, source string
	mirrors         []ruleMirror // nil for none
}

// ruleMirror is one word that stands for mirrors.
type ruleMirror struct {
	text string
	fail func(found, expected, remedy string) error
}

// rules reads the rules list.
func (d *document) rules(e entry) ([]rule, error) {
	items, err := d.sequence(e)
	if err != nil {
		return nil, err
	}
	var out []rule
	for _, item := range items {
		r, err := d.rule(item)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func (d *document) rule(node ast.Node) (rule, error) {
	r := rule{source: d.source(node)}
	entries, err := d.mapping(node, "a rule: modules and mirrors")
	if err != nil {
		return r, err
	}
	said := false
	for _, e := range entries {
		switch e.key {
		case "modules":
			if r.modules, err = d.text(e, Setting{Kind: List}); err == nil {
				r.modules, err = d.patterns(e, r.modules)
			}
		case "mirrors":
			said = true
			r.mirrors, err = d.ruleMirrors(e)
		default:
			err = d.unknownKey(e, []string{"modules", "mirrors"})
		}
		if err != nil {
			return r, err
		}
	}
	switch {
	case r.modules == "":
		return r, d.err(node, "a rule without modules", "patterns of module paths, as in GOPRIVATE", "add modules: git.corp.example")
	case !said:
		return r, d.err(node, "a rule without mirrors", "the names of mirrors, or none", "add mirrors: none if nobody may be asked")
	}
	return r, nil
}

// patterns are those of a list, of which there is at least one.
func (d *document) patterns(e entry, text string) (string, error) {
	var all []string
	for p := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' }) {
		all = append(all, strings.TrimSpace(p))
	}
	list := JoinPatterns(all...)
	if list == "" {
		return "", d.err(e.value, "an empty value", "patterns of module paths, as in GOPRIVATE", "write "+quote("*")+" for all modules")
	}
	return list, nil
}

// ruleMirrors reads what a rule names: nil for none.
func (d *document) ruleMirrors(e entry) ([]ruleMirror, error) {
	nodes := []ast.Node{e.value}
	if _, ok := scalar(e.value); !ok {
		var err error
		if nodes, err = d.sequence(e); err != nil {
			return nil, err
		}
	}
	var out []ruleMirror
	for _, n := range nodes {
		text, _ := scalar(n)
		switch text = strings.TrimSpace(text); {
		case text == "":
			return nil, d.misplaced(n, "the name or URL of a mirror")
		case text == "none" || text == off:
			if len(nodes) > 1 {
				return nil, d.err(n, text+" among mirrors", "mirrors, or none alone", "remove one or the other")
			}
			return nil, nil
		case text == "direct":
			return nil, d.err(n, "direct in a rule", "mirrors only", "set noproxy for modules that only version control has")
		case strings.Contains(text, "://"):
			if err := d.checkURL(text, n); err != nil {
				return nil, err
			}
		}
		out = append(out, ruleMirror{text, func(found, expected, remedy string) error { return d.err(n, found, expected, remedy) }})
	}
	return out, nil
}

// ruleConfigs are the rules with the mirrors that their names stand for.
func (l layer) ruleConfigs() ([]RuleConfig, error) {
	var out []RuleConfig
	var names []string
	for _, m := range l.mirrors {
		if m.Name != "" {
			names = append(names, m.Name)
		}
	}
	for _, r := range l.rules {
		c := RuleConfig{Modules: r.modules, Source: r.source}
		for _, w := range r.mirrors {
			i := slices.IndexFunc(l.mirrors, func(m MirrorConfig) bool { return m.Name == w.text || SameMirror(m.URL, w.text) })
			switch {
			case i >= 0:
				c.Mirrors = append(c.Mirrors, l.mirrors[i].URL)
			case w.text == PublicMirrors || strings.Contains(w.text, "://"):
				c.Mirrors = append(c.Mirrors, w.text)
			default:
				expected, remedy := "the name or URL of a mirror", "give a mirror of the list a name, or write its URL"
				if len(names) > 0 {
					expected += ": " + list(names)
				}
				if near := Suggest(w.text, names); near != "" {
					remedy = "write " + near
				}
				return nil, w.fail("the mirror "+quote(w.text)+", which is not in the list", expected, remedy)
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// SameMirror reports whether two URLs name the same mirror, whatever credentials they
// have.
func SameMirror(a, b string) bool {
	bare := func(text string) string {
		u, err := url.Parse(text)
		if err != nil {
			return text
		}
		u.User = nil
		u.Host = strings.ToLower(u.Host)
		return strings.TrimRight(u.String(), "/")
	}
	return bare(a) == bare(b)
}

// takeRules uses the rules list of the configuration file.
func (v *Values) takeRules(l layer, at place) error {
	rules, err := l.ruleConfigs()
	if err != nil || rules == nil {
		return err
	}
	if v.hasJobsVoice(at) {
		v.Rules, v.Sources[keyRules] = rules, rules[0].Source
		return nil
	}
	v.Checkout.Rules = rules
	v.obey(keyRules, rules[0].Source)
	return nil
}

// ruleSchema is an entry of the rules list.
func ruleSchema() object {
	words := object{"type": "string", "minLength": 1}
	some := object{"oneOf": []object{words, {"type": "array", "minItems": 1, "items": words}}}
	describe := func(text string) object {
		o := maps.Clone(some)
		o["description"] = text
		return o
	}
	return object{"type": "object", "additionalProperties": false, "required": []string{"modules", "mirrors"}, "properties": object{
		"modules": describe("patterns as in GOPRIVATE"),
		"mirrors": describe("names or URLs of mirrors, public for those of the public catalogue, or none"),
	}}
}
