// Package assigntest holds values that are hard to quote, for the tests of
// package assign and of the programs that read what it writes. Its invariant:
// every value is text, and together they hold every character that means
// something to one of the readers.
package assigntest

import "github.com/modferry/modferry/internal/goenv/assign"

// Lines returns variables whose values are one line each.
func Lines() []assign.Variable {
	return []assign.Variable{
		{Name: "CHAIN", Value: "https://goproxy.example.test/go|https://b.example.test,direct"},
		{Name: "DATABASE", Value: "sum.example.test+0123abcd+AbCd/+= https://sum.example.test"},
		{Name: "EMPTY", Value: ""},
		{Name: "INNER_BLANKS", Value: "a  b   c"},
		{Name: "SINGLE", Value: `it's ''two'' '`},
		{Name: "DOUBLE", Value: `say "x" "`},
		{Name: "TYPOGRAPHIC", Value: "‘a’ ‚b‛ “c” „d"},
		{Name: "BACKSLASHES", Value: `\ \\ \' \" \n C:\dir\`},
		{Name: "PERCENT", Value: `%PATH% %%a 100%`},
		{Name: "BANG", Value: `!! !x a!b ^a^b`},
		{Name: "GLOB", Value: `* ? [a-z] {a,b} ~ ~root`},
		{Name: "OPERATORS", Value: `; & && || | > /dev/null < # (a) &`},
		{Name: "EQUALS", Value: "a=b=c <<EOF"},
		{Name: "UNICODE", Value: "möd ✓ 模块 \u00a0x \U0001F600"},
		{Name: "COMMANDS", Value: "::set-env name=A::b ##[add-path]/evil"},
	}
}

// Dollars returns variables whose values hold what is replaced in places where
// it is not quoted.
func Dollars() []assign.Variable {
	return []assign.Variable{
		{Name: "DOLLAR", Value: `$HOME ${HOME} $(echo evil) $$ $env:PATH !$ $`},
		{Name: "BACKTICK", Value: "`echo evil` a`b"},
		{Name: "EXPRESSION", Value: `${{ secrets.TOKEN }} {{ x }}`},
		{Name: "SUBSTITUTION", Value: `(echo evil) $[1+1] ${IFS}`},
	}
}

// Long returns variables whose values are several lines, or have blanks or
// control characters in places where readers lose them.
func Long() []assign.Variable {
	return []assign.Variable{
		{Name: "NEWLINES", Value: "a\nb\n\nc"},
		{Name: "TRAILING", Value: "a\n\n"},
		{Name: "CARRIAGE", Value: "a\r\nb\r"},
		{Name: "TABS", Value: "\ta\t"},
		{Name: "OUTER_BLANKS", Value: "  a  "},
		{Name: "INJECTION", Value: "x'\nexport EVIL='1\nENV EVIL=1\nEVIL=1\n"},
		{Name: "HEREDOC", Value: "X<<EOF\nevil\nEOF\nEVIL=1"},
		{Name: "ESCAPE", Value: "\x1b[31mred\x1b[0m \x07"},
	}
}

// All returns all of them.
func All() []assign.Variable { return append(append(Lines(), Dollars()...), Long()...) }
