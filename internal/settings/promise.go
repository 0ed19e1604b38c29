package settings

import "strings"

// Promise has a command that does not take --offline keep what a variable or a
// configuration file promises with it for all commands of a job: env and doctor
// measure no mirror, and one that would ask the network is refused. Other settings
// that a command has no use for change nothing about what it does. The command
// "action" is the step of a job on GitHub, which speaks with GitHub in any case.
//
// The error is an *Error.
func (v *Values) Promise(command string) error {
	s, _ := Find("offline")
	if !v.Offline || s.Takes(command) {
		return nil
	}
	switch command {
	case "env", "doctor":
		v.NoProbe, v.Sources["no-probe"] = true, v.Sources[s.Name]
		return nil
	case "action", "export", "probe":
	case "cache restore", "cache save", "cache list", "cache prune":
		if v.Cache == off || strings.HasPrefix(v.Cache, "dir:") {
			return nil
		}
	default: // import, verify and the like ask nobody
		return nil
	}
	what := "modferry " + command
	if command == "action" {
		what = "the action"
	}
	return newError(v.Sources[s.Name], s.Name+" for "+what+", which asks servers",
		"a command that can do without the network", "run it with "+s.Env()+"=false, or use modferry fetch --offline or modferry exec --offline -- CMD")
}
