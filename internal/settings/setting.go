package settings

import (
	"slices"
	"strings"
)

// Kind says how the text of a setting is read.
type Kind int

// The kinds.
const (
	Text     Kind = iota // any text
	Bool                 // true or false
	Int                  // a whole number, 0 or more
	Duration             // a number with a unit: 30s, 2m, 1h30m
	Choice               // one of Setting.Choices
	Dir                  // a directory
	File                 // a file
	List                 // elements separated by commas
	Chain                // mirrors in GOPROXY syntax, where commas and bars differ
	Size                 // a number of bytes with a unit: 512KiB, 10GB
	Store                // a store of the cache, as package store reads it
)

// kinds are what stands for a value in --help and what a message says that a
// setting takes. A Choice takes its choices.
var kinds = map[Kind]struct{ placeholder, expected string }{
	Text:     {"NAME", "a name"},
	Bool:     {"", "true or false"},
	Int:      {"N", "a whole number"},
	Duration: {"D", "a duration such as 30s"},
	Choice:   {"WORD", ""},
	Dir:      {"DIR", "a directory"},
	File:     {"FILE", "a file"},
	List:     {"LIST", "a list"},
	Chain:    {"LIST", "a list"},
	Size:     {"SIZE", "a size such as 10GiB"},
	Store:    {"STORE", "a store such as dir:PATH"},
}

// Setting is one thing a user can set.
type Setting struct {
	Name     string // of the flag and the action input, e.g. "ca-file"
	Default  string // as it would be written; "" is what Unset says
	Unset    string // what an empty Default stands for, mostly a variable of the go command
	Usage    string // what it does, one line for --help and the documentation
	Kind     Kind
	Choices  []string // of a Choice
	Config   string   // key in a configuration file, "" when it cannot stand there
	Commands []string // the commands that take it
	Input    bool     // also an input of the action
	Secret   bool     // its value may contain credentials: shown through Redact only
	Group    string   // heading in --help
	Short    string   // one-letter flag, "" when it has none
	Checkout Voice    // what the configuration file of the checkout may do with it

	field func(*Values) any     // pointer to where the value goes
	apart func(*Values) *string // where the checkout's value goes instead; nil for nowhere else
	most  int64                 // the largest Int, or the longest Duration in nanoseconds; 0 for a Duration's general one
	zero  bool                  // a Duration of 0 means something
	off   bool                  // a Dir that may also be the word off
	joins bool                  // patterns of several places add up
	loose []string              // what a checkout that Narrows may not choose
	why   string                // a sentence: what the checkout would do with what it may not say
}

// GitLabToken is the variable with the token that may write a note on a merge
// request. It is no setting: a secret in a flag or a file is one that others
// can read.
const GitLabToken = envPrefix + "GITLAB_TOKEN"

// RelayToken is the variable with the token that clients of a server need. It is no
// setting for the same reason.
const RelayToken = envPrefix + "RELAY_TOKEN"

// envPrefix begins the name of every variable.
const envPrefix = "MODFERRY_"

// Env is the variable of the setting, e.g. "MODFERRY_CA_FILE".
func (s Setting) Env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// InputName is the name of the action's input of the setting.
func (s Setting) InputName() string {
	if s.Name == "dir" {
		return "working-directory" // as GitHub's own steps call it
	}
	return s.Name
}

// Placeholder stands for the value in --help and the documentation; "" for a
// Bool, whose flag needs none.
func (s Setting) Placeholder() string { return kinds[s.Kind].placeholder }

// expectation says in a few words what a setting takes.
func (s Setting) expectation() string {
	if s.Kind == Choice {
		return list(s.Choices)
	}
	return kinds[s.Kind].expected
}

// Takes reports whether a command takes the setting.
func (s Setting) Takes(command string) bool { return slices.Contains(s.Commands, command) }

// UnknownVariables returns a remark for each variable of environ ("NAME=value"
// as in os.Environ) that begins like ours but is none, sorted. They are not
// errors: another tool of the job may own them.
func UnknownVariables(environ []string) []string {
	known := []string{GitLabToken, RelayToken}
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
