// Package assign writes assignments of environment variables in the syntax of
// those who read them: shells, CI systems, Dockerfiles, editors.
//
// Its invariant: the reader ends up with exactly the value that was given, and
// with nothing else. A value that a syntax cannot hold is an error, never a
// value that is nearly right. The package is pure, and no error of it repeats a
// value: values may hold credentials.
package assign

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Variable is an environment variable to be set.
type Variable struct{ Name, Value string }

// Format is a syntax for assignments.
type Format struct {
	Name string
	// Kept says that the text is made to be stored or shared, not to be read at
	// once and forgotten: credentials do not belong into it.
	Kept bool
	// Foreign says that the text is read where paths of this machine mean
	// nothing.
	Foreign bool

	text func(vars []Variable, random io.Reader) (string, error)
}

// Formats returns every format, that of POSIX shells first. The caller owns the
// result.
func Formats() []Format {
	return []Format{
		{Name: "sh", text: lines("sh", shLine)},
		{Name: "fish", text: lines("fish", fishLine)},
		{Name: "powershell", text: lines("powershell", powerShellLine)},
		{Name: "dotenv", Kept: true, text: dotenv},
		{Name: "github", text: gitHub},
		{Name: "json", Kept: true, text: jsonText},
		{Name: "dockerfile", Kept: true, Foreign: true, text: lines("dockerfile", dockerfileLines)},
		{Name: "vscode", Kept: true, text: vsCode},
	}
}

// Text renders the assignments in order; "" for no variables, but for the
// formats that are JSON. Only github reads random, for its delimiters. The error
// says which variable cannot be written and why; the text is "" then.
func (f Format) Text(vars []Variable, random io.Reader) (string, error) {
	for _, v := range vars {
		if err := v.check(); err != nil {
			return "", err
		}
	}
	return f.text(vars, random)
}

// lines is a format in which every assignment stands for itself.
func lines(format string, line func(Variable) (string, error)) func([]Variable, io.Reader) (string, error) {
	return func(vars []Variable, _ io.Reader) (string, error) {
		var b strings.Builder
		for _, v := range vars {
			text, err := line(v)
			if err != nil {
				return "", fmt.Errorf("%s as %s: %w", v.Name, format, err)
			}
			b.WriteString(text)
		}
		return b.String(), nil
	}
}

// name is what every reader takes for the name of a variable.
var name = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// check refuses what no format can hold.
func (v Variable) check() error {
	switch {
	case !name.MatchString(v.Name):
		return fmt.Errorf("set variable %q: found an invalid name, expected letters, digits and _", v.Name)
	case strings.ContainsRune(v.Value, 0) || !utf8.ValidString(v.Value):
		return fmt.Errorf("set variable %s: found a value that is not text, expected UTF-8 without NUL", v.Name)
	}
	return nil
}

// oneLine refuses a value that needs more than one line, or holds what readers
// of lines treat in different ways.
func oneLine(value string) error {
	if i := strings.IndexFunc(value, unicode.IsControl); i >= 0 {
		r, _ := utf8.DecodeRuneInString(value[i:])
		return fmt.Errorf("found the control character %U, expected one line of text; take it out of the value", r)
	}
	return nil
}
