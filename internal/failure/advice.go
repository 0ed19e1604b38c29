package failure

import (
	"regexp"
	"slices"
	"strings"

	"github.com/modferry/modferry/docs"
	"github.com/modferry/modferry/internal/settings"
)

// Classes returns every class, in the order of their declaration.
func Classes() []Class {
	all := make([]Class, len(kinds))
	for i, k := range kinds {
		all[i] = k.class
	}
	return all
}

// Temporary reports whether trying the same mirror again may help.
func (c Class) Temporary() bool { return c.kind().temporary }

// Transport reports whether the class is a failure of the transfer, as opposed
// to an answer about the module, to its content and to what is decided or
// happens on this machine.
func (c Class) Transport() bool { return c.kind().transport }

// Refusal reports whether the class is a mirror's refusal to serve somebody a module,
// which may be a policy that nobody should be told a way around.
func (c Class) Refusal() bool { return c == Unauthorized || c == Forbidden }

// Title is the class in a few words, e.g. "connection refused"; "" for the
// empty class.
func (c Class) Title() string { return c.kind().title }

// Explain says in a sentence or two what the class means; "" for the empty
// class.
func (c Class) Explain() string { return c.kind().explain }

// Remedy says what to do and names the settings to change, those of modferry
// and those of the go command; "" for the empty class.
func (c Class) Remedy() string { return fillIn(c.kind().remedy) }

// Reference is the page that explains every class.
const Reference = docs.URL + "troubleshooting.md"

// Doc is the address of what explains the class; "" for a class that this version
// does not know.
func (c Class) Doc() string {
	if !slices.ContainsFunc(kinds, func(k kind) bool { return k.class == c }) {
		return ""
	}
	return Reference + "#" + string(c)
}

// fillIn names the settings that a text has placeholders for.
func fillIn(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string {
		name, value, _ := strings.Cut(strings.Trim(p, "{}"), "=")
		return option(name, value)
	})
}

// placeholder is a setting within a remedy: "{name}" or "{name=value}".
var placeholder = regexp.MustCompile(`\{[a-z0-9-]+(=[^}]*)?\}`)

// option names a setting in the ways in which it can be set, for example
// "--fallback any (MODFERRY_FALLBACK, input fallback)". It is "" for
// a setting that the table does not have, which a test rules out.
func option(name, value string) string {
	table := settings.Table()
	i := slices.IndexFunc(table, func(s settings.Setting) bool { return s.Name == name })
	if i < 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("--" + name)
	if value != "" {
		b.WriteString(" " + value)
	}
	b.WriteString(" (" + table[i].Env())
	if table[i].Input {
		b.WriteString(", input " + name)
	}
	b.WriteByte(')')
	return b.String()
}

// kind returns the entry of c; a class that the table does not have, from a
// result of another version, is Unknown.
func (c Class) kind() kind {
	if c == "" {
		return kind{}
	}
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.class == c })
	if i < 0 {
		return Unknown.kind()
	}
	return kinds[i]
}
