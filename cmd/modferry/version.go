package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) version(*cobra.Command, command, []string) error {
	_, err := fmt.Fprintf(a.stdout, "%s (%s %s/%s)\n", tool(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// front is the program without a command: its version, or what commands there are.
func (a *app) front(cmd *cobra.Command, args []string) error {
	switch asked, _ := cmd.Flags().GetBool("version"); {
	case len(args) > 0:
		return unknownCommand(cmd, args)
	case asked:
		return a.version(cmd, command{}, nil)
	}
	return cmd.Help()
}

// release is the version of a release, which its build sets with
// -ldflags "-X main.release=1.2.3"; "" in every other build.
var release string

// tool is the program as results name it, e.g. "modferry 1.2.3".
func tool() string {
	info, _ := debug.ReadBuildInfo()
	return "modferry " + strings.TrimPrefix(cmp.Or(release, stamped(info)), "v")
}

// stamped is the version that the go command stamped, which names the commit
// where there is no tag; "devel" where it knows neither. info may be nil.
func stamped(info *debug.BuildInfo) string {
	if info == nil || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
