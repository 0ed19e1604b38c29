package assign

import "strings"

// shLine is for POSIX shells: within single quotes everything stands for itself
// but the single quote (POSIX 2.2.2).
func shLine(v Variable) (string, error) {
	return "export " + v.Name + "='" + strings.ReplaceAll(v.Value, "'", `'\''`) + "'\n", nil
}

// inFish are the only two characters that mean something within single quotes
// (fishshell.com/docs/current/language.html#quotes).
var inFish = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// fishLine is for fish: -gx sets an exported variable of the session.
func fishLine(v Variable) (string, error) {
	return "set -gx " + v.Name + " '" + inFish.Replace(v.Value) + "'\n", nil
}

// inPowerShell doubles what ends a verbatim string: PowerShell takes the
// typographic single quotes for single quotes, too (about_Quoting_Rules, and
// CodeGeneration.EscapeSingleQuotedStringContent).
var inPowerShell = strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛")

// powerShellLine is for PowerShell, of either generation.
func powerShellLine(v Variable) (string, error) {
	return "$env:" + v.Name + " = '" + inPowerShell.Replace(v.Value) + "'\n", nil
}
