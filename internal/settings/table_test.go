package settings_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/settings"
)

func TestTableIsConsistent(t *testing.T) {
	t.Parallel()
	var (
		name     = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
		commands = []string{"fetch", "exec", "serve", "export", "import", "probe", "env", "doctor", "verify", "cache restore", "cache save", "cache list", "cache prune", "settings", "init"}
		names    = map[string]bool{}
		shorts   = map[string]bool{}
		groups   []string
	)
	for _, s := range settings.Table() {
		if !name.MatchString(s.Name) || names[s.Name] {
			t.Errorf("%s: the name is malformed or not unique", s.Name)
		}
		names[s.Name] = true
		if s.Short != "" && (len(s.Short) != 1 || shorts[s.Short]) {
			t.Errorf("%s: the short flag %q is malformed or not unique", s.Name, s.Short)
		}
		shorts[s.Short] = true
		if s.Config != "" && s.Config != s.Name {
			t.Errorf("%s: the key is %q", s.Name, s.Config)
		}
		if want := "MODFERRY_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_")); s.Env() != want {
			t.Errorf("%s: the variable is %s, want %s", s.Name, s.Env(), want)
		}
		if s.Usage == "" || len(s.Usage) > 72 || strings.HasSuffix(s.Usage, ".") {
			t.Errorf("%s: the usage %q is empty, too long for a line or a sentence", s.Name, s.Usage)
		}
		if (s.Kind == settings.Choice) != (len(s.Choices) > 0) {
			t.Errorf("%s: choices and kind disagree", s.Name)
		}
		if (s.Kind == settings.Bool) != (s.Placeholder() == "") {
			t.Errorf("%s: the placeholder is %q", s.Name, s.Placeholder())
		}
		if s.Kind == settings.Bool && s.Default != "false" {
			t.Errorf("%s: a bool that is on by default cannot be set by its bare flag", s.Name)
		}
		if (s.Default == "") != (s.Unset != "") {
			t.Errorf("%s: the default is %q and unset means %q: one of the two has to be said", s.Name, s.Default, s.Unset)
		}
		if len(s.Commands) == 0 {
			t.Errorf("%s: no command takes it", s.Name)
		}
		for _, c := range s.Commands {
			if !slices.Contains(commands, c) || !s.Takes(c) {
				t.Errorf("%s: the command %s does not exist", s.Name, c)
			}
		}
		if len(groups) == 0 || groups[len(groups)-1] != s.Group {
			if slices.Contains(groups, s.Group) {
				t.Errorf("%s: the group %q is split", s.Name, s.Group)
			}
			groups = append(groups, s.Group)
		}
	}
}

// Every setting can be given as a flag and as a variable, its default among
// them, and arrives.
func TestEverySettingHasAField(t *testing.T) {
	t.Parallel()
	sample := map[settings.Kind]string{
		settings.Text: "x", settings.Bool: "true", settings.Int: "7", settings.Duration: "7s",
		settings.Dir: "d", settings.File: "f", settings.List: "a,b", settings.Chain: "a,b", settings.Size: "5MiB", settings.Store: "x",
	}
	for _, s := range settings.Table() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			text := sample[s.Kind]
			if s.Kind == settings.Choice {
				text = s.Choices[len(s.Choices)-1]
			}
			f := files{"f": "profiles:\n  x: {no-probe: true}\n", ".modferry.yaml": "profiles:\n  x: {no-probe: true}\n"}
			v, err := resolve(map[string]string{s.Name: text}, nil, f)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := v.Sources[s.Name], "flag --"+s.Name; got != want {
				t.Errorf("source %q, want %q", got, want)
			}
			v, err = resolve(nil, map[string]string{s.Env(): text}, f)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := v.Sources[s.Name], "variable "+s.Env(); got != want {
				t.Errorf("source %q, want %q", got, want)
			}
			if s.Default == "" {
				return
			}
			if _, err := resolve(map[string]string{s.Name: s.Default}, nil, f); err != nil {
				t.Errorf("the default is refused: %v", err)
			}
		})
	}
}

func TestEveryConfigurationKeyIsRead(t *testing.T) {
	t.Parallel()
	sample := map[settings.Kind]string{
		settings.Text: "x", settings.Bool: "true", settings.Int: "7", settings.Duration: "7s",
		settings.Dir: "d", settings.File: "f", settings.List: "a", settings.Chain: "a", settings.Size: "5MiB", settings.Store: "x",
	}
	for _, s := range settings.Table() {
		if s.Config == "" {
			continue
		}
		t.Run(s.Config, func(t *testing.T) {
			t.Parallel()
			text := sample[s.Kind]
			if s.Kind == settings.Choice {
				text = s.Choices[len(s.Choices)-1]
			}
			v, err := resolve(nil, nil, files{".modferry.yaml": "# first line\n" + s.Config + ": " + text + "\n"})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := v.Sources[s.Name], "file .modferry.yaml:2"; got != want {
				t.Errorf("source %q, want %q", got, want)
			}
		})
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	known := []string{"extract", "retries", "mirrors", "first-byte-timeout", "configured", "cn", "all", "auto"}
	tests := []struct{ name, word, want string }{
		{"a missing letter", "extrct", "extract"},
		{"a swapped pair", "mirorrs", "mirrors"},
		{"another plural", "retrys", "retries"},
		{"other joints", "first_byte_timeout", "first-byte-timeout"},
		{"capitals", "EXTRACT", "extract"},
		{"dashes of a flag", "--extract", "extract"},
		{"an unfinished word", "config", "configured"},
		{"a short word one letter off", "al", "all"},
		{"a short word in capitals", "CN", "cn"},
		{"nothing near", "banana", ""},
		{"a short word two letters off", "xyl", ""},
		{"nothing at all", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := settings.Suggest(tt.word, known); got != tt.want {
				t.Errorf("Suggest(%q) = %q, want %q", tt.word, got, tt.want)
			}
		})
	}
}
