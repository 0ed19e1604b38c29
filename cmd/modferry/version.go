package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(a.stdout, "%s (%s %s/%s)\n", tool(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// release is the version of a release, which its build sets with
// -ldflags "-X main.release=1.2.3"; "" in every other build.
var release string

// tool is the program as results name it, e.g. "modferry 1.2.3".
func tool() string {
	if release != "" {
		return "modferry " + strings.TrimPrefix(release, "v")
	}
	return "modferry " + version(debug.ReadBuildInfo())
}

// version is the version that the go command stamped: of the module where it
// knows one, else of the commit, else "devel".
func version(info *debug.BuildInfo, ok bool) string {
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return strings.TrimPrefix(v, "v")
	}
	var revision, modified string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value
		case "vcs.modified":
			modified = s.Value
		}
	}
	if revision == "" {
		return "devel"
	}
	v := "devel-" + revision[:min(12, len(revision))]
	if modified == "true" {
		v += "-modified"
	}
	return v
}
