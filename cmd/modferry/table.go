package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/action/github"
	"github.com/modferry/modferry/internal/doctor"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/relay"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/text"
	"github.com/modferry/modferry/internal/session"
)

// command is a verb, or a group of verbs.
type command struct {
	name     string // "fetch", "cache restore"; as in the table of settings
	args     string // as --help shows them; "" for a command that takes none
	short    string
	long     string
	examples []example
	flags    func(*cobra.Command) // adds those that are no settings; nil for none

	do action // nil for a group

	// hidden keeps the command out of lists: nobody types it.
	hidden bool

	// The rest is for commands that run a job.
	prepare opener
	run     runner
	render  rendering                                   // of the result as text
	after   func(*job, context.Context, *report.Result) // what follows the result; nil for nothing

	// examines says that the command reports what is wrong with the settings of
	// the go command. They end every other command.
	examines bool
	// last says that the result does not depend on what the next go command of
	// the job will find: there is none, or findings are counted already.
	last bool
	// helps says that the command moves modules on the way to something else, so
	// that few want the details of a good run.
	helps bool
}

// example is a command line and what it is good for, in a few words.
type example struct{ line, what string }

// action is what a command does. An error says that it could not begin.
type action func(a *app, cmd *cobra.Command, c command, args []string) error

// runner does what a command is for. The chain is that of Run and Probe, else
// empty.
type runner func(context.Context, *session.Session, *fetch.Recorder) (*report.Result, session.Chain)

// chainless is a runner that chooses no chain.
func chainless(run func(context.Context, *session.Session, *fetch.Recorder) *report.Result) runner {
	return func(ctx context.Context, s *session.Session, rec *fetch.Recorder) (*report.Result, session.Chain) {
		return run(ctx, s, rec), session.Chain{}
	}
}

func probe(ctx context.Context, s *session.Session, _ *fetch.Recorder) (*report.Result, session.Chain) {
	return fetch.Probe(ctx, s)
}

func examine(ctx context.Context, s *session.Session, _ *fetch.Recorder) *report.Result {
	return doctor.Examine(ctx, s)
}

// program is the head of the tree of commands.
var program = command{
	name: "modferry", short: "Go builds that neither wait for nor fail on module downloads",
	long: `modferry downloads every module that a Go build needs into the module cache
before the build asks for it: in parallel, from the best mirror, with retries,
and verified against go.sum.`,
}

// commands are all commands, a group before its own. One that does more than to
// prepare a job, run it and render its result has a file of its own.
func commands() []command {
	return []command{
		{
			name: "fetch", args: "[MODULE@VERSION...]", short: "Download the modules of a checkout into the module cache", long: fetchHelp,
			examples: []example{
				{"modferry fetch", "the checkout in this directory"},
				{"modferry fetch -C services/api", "one in another directory"},
				{"modferry fetch --mirrors cn", "in mainland China"},
				{"modferry fetch --dry-run", "what would be downloaded, and from where"},
			},
			flags: fetchFlags,
			do:    (*app).fetch, prepare: unlessOffline(session.Open), run: fetch.Run, render: text.Write,
			after: (*job).handOver, helps: true,
		},
		{
			name: "exec", args: "[flags] -- CMD [ARG...]", short: "Run a command whose go commands download through a relay", long: execHelp, flags: execFlags,
			examples: []example{
				{"modferry exec -- go test ./...", ""},
				{"modferry exec -- go install example.com/tool@latest", ""},
			},
			do: (*app).exec, prepare: relay.Open, render: text.Write, last: true,
		},
		{
			name: "export", args: "DIR [MODULE@VERSION...]", short: "Write the modules of a checkout as a module proxy for use offline", long: exportHelp,
			examples: []example{
				{"modferry export goproxy", "for GOPROXY=file:///path/of/goproxy"},
				{"modferry export goproxy example.com/tool@latest", "with a tool"},
			},
			do: (*app).export, render: text.Write,
		},
		{
			name: "import", args: "DIR", short: "Bring what export has written into the module cache, verified", long: importHelp,
			examples: []example{{"modferry import goproxy", ""}},
			do:       (*app).importModules, render: text.Write,
		},
		{
			name: "serve", short: "Serve a relay to the go commands of a job or a network", long: serveHelp, flags: serveFlags,
			examples: []example{
				{"modferry serve", "for this machine"},
				{"modferry serve --listen :8642 --token-file FILE", "for a network"},
				{"modferry serve --shared-store s3://BUCKET/PREFIX", "one of several"},
			},
			do: (*app).serve,
		},
		{
			name: "probe", short: "Measure the mirrors and show the chain that fetch would use",
			long: `Measures name lookup, connection, TLS, first byte and valid content of every
mirror, in at most two seconds. Shows the chain that fetch would use, and why.`,
			do: (*app).execute, prepare: session.OpenProbe, run: probe, render: text.Write,
		},
		{
			name: "env", short: "Print the settings that the go command should use", long: envHelp(), flags: envFlags,
			examples: []example{
				{`eval "$(modferry env)"`, "sh, bash, busybox"},
				{"modferry env --format fish | source", "fish"},
				{`modferry env --format github >> "$GITHUB_ENV"`, "later steps on GitHub"},
				{"modferry env --format dotenv > modferry.env", "later jobs on GitLab"},
			},
			do: (*app).env, prepare: session.OpenProbe, run: probe, render: text.Write,
		},
		{
			name: "doctor", args: "[FILE...]", short: "Check the configuration, or explain a log of the go command", long: doctorHelp,
			examples: []example{
				{"modferry doctor", "this checkout and this machine"},
				{"modferry doctor build.log", "what went wrong in a log"},
				{"go version -m PROGRAM | modferry doctor -", "what it was built from"},
			},
			do: (*app).doctor, run: chainless(examine), render: text.Diagnosis, examines: true, last: true,
		},
		{
			name: "verify", short: "Compare the module cache with go.sum, zips and extracted trees",
			long: `Hashes the zips and extracted trees of the checkout's modules again, which no
build does, and names every file that differs from go.sum. (go mod verify takes
the hashes that were noted in the module cache when the modules came.)`,
			do: (*app).execute, prepare: session.Open, run: chainless(fetch.Verify), render: text.Write,
		},
		{
			name: "cache", short: "Restore, save, list or prune the cache by hand",
			long: `The cache keeps modules between jobs, in a directory, in GitHub's cache service
or in an S3 bucket. fetch restores from it. Save after the build, so that what
the build downloaded by itself is saved, too.`,
		},
		{
			name: "cache restore", short: "Restore modules from the cache into the module cache",
			long: `Restores the checkout's modules that the cache has into the module cache,
verified against go.sum. No mirror is contacted.`,
			do: (*app).execute, prepare: session.Open, run: chainless(fetch.Restore), render: text.Write, helps: true,
		},
		{
			name: "cache save", short: "Save new modules of the module cache to the cache",
			long: `Saves those of the checkout's modules that are in the module cache and not yet
in the cache. Run it after the build: then what the build downloaded by itself
is saved, too.`,
			do: (*app).execute, prepare: session.Open, run: chainless(fetch.Save), render: text.Write, last: true, helps: true,
		},
		{
			name: "cache list", short: "List the entries of the cache", long: "Lists the entries of the cache, newest first.",
			do: entries(fetch.List, "in the cache"), prepare: session.OpenCache,
		},
		{
			name: "cache prune", short: "Remove old entries and those beyond the size limit",
			long: `Removes the entries that were not used for --cache-max-age, then the least
recently used ones until the cache is no larger than --cache-max-size.`,
			do: entries(fetch.Prune, "removed"), prepare: session.OpenCache,
		},
		{
			name: "report", args: "FILE", short: "Render a result that was written with --json", long: reportHelp(), flags: reportFlags,
			examples: []example{
				{"modferry report result.json", ""},
				{"modferry report --format html result.json > result.html", ""},
				{"modferry report --compare yesterday.json result.json", ""},
			},
			do: (*app).report,
		},
		{
			name: "action", short: "The stages of the GitHub Action", hidden: true,
			long: `The stages of the GitHub Action, which the runner starts as modferry-main and
modferry-post. Inputs come in the environment, as INPUT_NAME.`,
		},
		{name: "action main", short: "Download the modules and export the settings for later steps", flags: stageFlags, do: stage(github.Main)},
		{name: "action post", short: "Save the cache and report what later steps downloaded", flags: stageFlags, do: stage(github.Post)},
		{name: "action relay", short: "The relay of a job, which action/native starts", long: relayHelp, flags: relayFlags, do: (*app).actionRelay},
		{
			name: "init", short: "Write the workflow for GitHub or GitLab into the checkout",
			long: `Looks at go.mod, go.work, vendor and the CI system in use, and writes a workflow
that brings the modules and tests the checkout: .github/workflows/modferry.yml
or .gitlab-ci.yml. Says what it saw. Where a workflow builds with Go already, it
writes none and says what to put there. A file that is there stays; then the
workflow is printed instead.`,
			examples: []example{{"modferry init", ""}, {"modferry init --ci gitlab", "where nothing tells which CI system it is"}},
			flags:    initFlags, do: (*app).init,
		},
		{
			name: "settings", short: "Show every setting, its value and where it comes from",
			long: `Shows every setting with its value and where it comes from (flag, variable,
configuration file or default), and what the go command is told. Credentials are
hidden. A value in parentheses is what an unset one stands for.`,
			flags: settingsFlags, do: (*app).settings,
		},
		{
			name: "explain", args: "[CODE...]", short: "Say what a code of a finding or a failure means",
			long: `Says what a code means that reports show, and what to do. CODE is the code or
name of a check (MF131, goproxy-separator) or the class of a failure
(hash_mismatch). Without CODE it lists them all.`,
			examples: []example{{"modferry explain MF131", ""}, {"modferry explain hash_mismatch", ""}},
			do:       (*app).explain,
		},
		{
			name: "completion", args: "SHELL", short: "Print a script that completes commands, flags and values",
			long: `Prints the script that makes a shell complete commands, flags and the values of
flags. SHELL is ` + inWords(shellNames()) + `.
That for bash needs the package bash-completion.`,
			examples: []example{
				{`source <(modferry completion bash)`, "this bash"},
				{`modferry completion zsh > "${fpath[1]}/_modferry"`, "zsh"},
				{`modferry completion fish | source`, "fish"},
			},
			do: (*app).completion,
		},
		{name: "version", short: "Print the version", do: (*app).version},
	}
}

// tree is the tree of commands.
func (a *app) tree() *cobra.Command {
	root := program.build(a)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.Flags().Bool("version", false, "print the version")
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { help(cmd.OutOrStdout(), cmd) })
	root.SetUsageFunc(func(cmd *cobra.Command) error { help(cmd.ErrOrStderr(), cmd); return nil })
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.DisableDefaultCmd = true // ours is in the table
	groups := map[string]*cobra.Command{"": root}
	for _, c := range commands() {
		group, _ := c.split()
		groups[c.name] = c.build(a)
		groups[group].AddCommand(groups[c.name])
	}
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.Run, c.RunE = nil, helpOn // cobra's shows the root for a word that is no command
		}
	}
	return root
}

// split parts the name of a command from that of its group, "" for none.
func (c command) split() (group, verb string) {
	i := strings.LastIndexByte(c.name, ' ')
	return c.name[:max(i, 0)], c.name[i+1:]
}

// build is the command for the tree.
func (c command) build(a *app) *cobra.Command {
	_, verb := c.split()
	cmd := &cobra.Command{
		Use: strings.TrimSpace(verb + " " + c.args), Short: c.short, Long: c.long,
		Args: cobra.ArbitraryArgs, Hidden: c.hidden,
		RunE: func(cmd *cobra.Command, args []string) error { return c.do(a, cmd, c, args) },
	}
	switch {
	case c.do == nil && c.name == program.name:
		cmd.RunE = a.front
	case c.do == nil:
		cmd.RunE = unknownCommand
	case c.args == "":
		cmd.Args = noArguments
	}
	var examples []string
	width := 0
	for _, e := range c.examples {
		width = max(width, len(e.line))
	}
	for _, e := range c.examples {
		examples = append(examples, strings.TrimRight(fmt.Sprintf("  %-*s   %s", width, e.line, e.what), " "))
	}
	cmd.Example = strings.Join(examples, "\n")
	bindFlags(cmd, c.name)
	if c.flags != nil {
		c.flags(cmd)
	}
	a.complete(cmd, c)
	return cmd
}
