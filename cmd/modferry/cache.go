package main

import (
	"github.com/spf13/cobra"
)

// cacheCommand is the group of commands about the cache.
func (a *app) cacheCommand() *cobra.Command {
	return &cobra.Command{
		Use: "cache", Short: "Restore, save, list or prune the cache by hand",
		Long: `The cache keeps modules between jobs, in a directory, in GitHub's cache service
or in an S3 bucket. fetch restores from it. Save after the build, when it is
known which modules the build uses.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return unknownCommand(cmd, args) },
	}
}
