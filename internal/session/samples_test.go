package session

import (
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/worklist"
)

// What a probe asks for, every candidate hears, those of the public catalogue
// too.
func TestNoPrivateNameIsASampleOfThePreflight(t *testing.T) {
	t.Parallel()
	const hash = "h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ="
	list := func(modules ...string) *worklist.List {
		l := new(worklist.List)
		for _, m := range modules {
			path, mark, _ := strings.Cut(m, " ")
			item := worklist.Module{Path: path, Version: "v1.0.0", Mod: hash, Optional: mark == "low"}
			if mark == "no-mod" {
				item.Mod = ""
			}
			l.Modules = append(l.Modules, item)
		}
		return l
	}
	for _, test := range []struct {
		name string
		list *worklist.List
		a    Access
		want string
	}{
		{"one of each host, the first two", list("a.test/x", "a.test/y", "b.test/x", "c.test/x"), Access{}, "a.test/x b.test/x"},
		{"none of GONOPROXY", list("corp.test/x", "a.test/x"), Access{NoProxy: "corp.test"}, "a.test/x"},
		{"none of GOPRIVATE, though GONOPROXY lets it through", list("corp.test/x", "a.test/x"), Access{NoProxy: "none", Private: "corp.test"}, "a.test/x"},
		{"none of either", list("corp.test/x", "git.test/x", "a.test/x"), Access{NoProxy: "corp.test", Private: "git.test"}, "a.test/x"},
		{"none when all are private", list("corp.test/x", "corp.test/y low"), Access{NoProxy: "*"}, ""},
		{"required ones first", list("a.test/x low", "b.test/x", "c.test/x low"), Access{}, "b.test/x a.test/x"},
		{"none whose hash nobody knows", list("a.test/x no-mod", "b.test/x"), Access{}, "b.test/x"},
		{"no private one among the others either", list("corp.test/x low", "a.test/x low"), Access{NoProxy: "corp.test"}, "a.test/x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, s := range samples(test.list, test.a, nil) {
				got = append(got, s.Path)
				if s.ModHash != hash || s.Version.Version != "v1.0.0" {
					t.Errorf("sample %+v has another version or hash", s)
				}
			}
			if text := strings.Join(got, " "); text != test.want {
				t.Errorf("samples %q, want %q", text, test.want)
			}
		})
	}
}
