package golog

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
)

// logCause is something that ends a go command and is told apart from its class:
// what is no failed download at all, and what has a remedy of its own.
type logCause struct {
	name    string         // stable
	text    *regexp.Regexp // nil for what the go command has no words for
	class   failure.Class  // "" for what is no failed download
	check   string         // of finding.Rules that knows the same, "" for none
	title   string         // lower case; "" for the title of the check
	explain string         // sentences; "" for those of the class
	remedy  string         // sentences; "" for that of the class
}

// causes are looked for in this order in a message without what stands before
// the cause (go1.26: cmd/go/internal/{gover,load,modload,modfetch,toolchain}; older
// wordings from the sources of those releases). They count at its start, since
// what follows may quote a server.
var causes = []logCause{
	{"toolchain-refused", regexp.MustCompile(`^(?:\S+(?: \S+)? )?requires go >= (\S+) \(running go (\S+?)(?:; GOTOOLCHAIN=([^;)\s]+))?(?:; [^)]*)?\)`), "", "toolchain-refused", "",
		"The go command is older than the go line requires, and may not switch to a newer one.",
		"Install the Go that the go line names, or a newer one, on this machine, or set GOTOOLCHAIN=auto, so that the go command downloads it."},
	{"toolchain-refused-by-old-go", regexp.MustCompile(`^(?:errors parsing \S+:\s*)?(?:\S+:\d+: )?(?:invalid go version '[^']*'|unknown directive: (?:toolchain|godebug|tool|ignore)\b)|^note: module requires Go `), "", "",
		"go.mod is for a newer Go",
		"The go command is too old to read this go.mod or go.work: a go line with three numbers and a toolchain line need Go 1.21.",
		"Install the Go that the go line names, or a newer one, on this machine. Go before 1.21 cannot download it by itself."},
	{"toolchain-unavailable", regexp.MustCompile(`^(?:download (go\S+)(?: for \S+)?: )?toolchain not available|^no releases found for go >= `), failure.NotFound, "toolchain-unavailable",
		"toolchain not available",
		"No mirror served the requested Go toolchain. Either there is no such release (a go line such as go 1.22 names a language version, the first release is 1.22.0), or GOPROXY has no mirror that serves the module golang.org/toolchain; direct does not have it.",
		"Correct the go line or the toolchain line in go.mod or go.work, or GOTOOLCHAIN, to a release that exists; or use that Go on this machine with GOTOOLCHAIN=local. Otherwise put a mirror that serves golang.org/toolchain into GOPROXY, and keep golang.org out of GONOPROXY."},
	{"toolchain-line", regexp.MustCompile(`^invalid toolchain: `), "", "",
		"toolchain line does not name a release",
		"The toolchain line of go.mod or go.work, or GOTOOLCHAIN, names something that is not a release of Go: go1.22 is a language version, its first release is go1.22.0.",
		"Correct the go line or the toolchain line: go mod edit -toolchain=go1.22.0, or -toolchain=none."},
	{"toolchain-on-path", regexp.MustCompile(`^cannot find "go[^"]*" in (?:PATH|%PATH%)`), "", "",
		"toolchain not on PATH",
		"GOTOOLCHAIN lets the go command take another Go from PATH only, and there is no program of that name.",
		"Put that Go on PATH, or set GOTOOLCHAIN=auto, so that the go command downloads it."},
	{"gotoolchain-invalid", regexp.MustCompile(`^invalid GOTOOLCHAIN |^invalid toolchain "`), "", "gotoolchain-invalid", "",
		"The go command refuses to start.",
		"Set GOTOOLCHAIN to auto, local, or the name of a release such as go1.26.0."},

	{"go-work-too-old", regexp.MustCompile(`^(?:cannot load )?module \S+ listed in go\.work file requires go >= (\S+), but go\.work (?:(?:lists|implicitly requires) go |has no go line)`), "", "",
		"go.work lists an older Go than a member",
		"The go line of go.work must be at least that of every module it uses; every go command in the workspace fails with this error.",
		"Run go work use, which raises the line, and commit go.work; or set GOWORK=off if you do not want the workspace."},
	{"go-work-member-missing", regexp.MustCompile(`^cannot load module \S+ listed in go\.work file: |^(?:errors parsing|error loading) go\.work:|^reading go\.work: `), "", "",
		"go.work cannot be used",
		"go.work is damaged, or names a directory that does not exist; every go command in the workspace fails with this error.",
		"Check out all of the sources, submodules included, or copy them into the image before the go command runs. Remove a module that no longer exists with go work edit -dropuse. GOWORK=off ignores the workspace."},
	{"go-work-not-a-member", regexp.MustCompile(`is contained in a module that is not one of the workspace modules listed in go\.work|^no modules were found in the current workspace|^pattern \S+: directory prefix \S+ does not contain modules listed in go\.work|^directory prefix \S+ does not contain modules listed in go\.work|^(?:current directory|directory \S+) outside modules listed in go\.work`), "", "",
		"module is not in go.work",
		"A go.work in this directory or one above lists the modules of the build, and this one is not among them.",
		"Run go work use DIR and commit go.work, or set GOWORK=off."},

	{"go-work-conflict", regexp.MustCompile(`^conflicting replacements for \S+:(?:\n|$)|^module \S+ appears multiple times in workspace`), "", "",
		"members of go.work contradict each other",
		"Two go.mod files of the workspace replace the same module differently, or declare the same module path; every go command in the workspace fails with this error.",
		"Replace the module in go.work, which outranks its members: go work edit -replace MODULE=DIR. Of two directories with the same module path, remove one with go work edit -dropuse. GOWORK=off ignores the workspace."},
	{"go-work-untidy", regexp.MustCompile(`^updates to go\.work needed`), "", "",
		"go.work is not up to date",
		"go.work lacks what its members require, usually a newer go line, and the go command may not change it here.",
		"Run go work use and go work sync, and commit go.work and the go.mod files; or set GOWORK=off if you do not want the workspace."},
	{"outside-main-module", regexp.MustCompile(`^(?:pattern \S+: )?(?:directory prefix \S+ does not contain|current directory outside|directory \S+ outside) main module or its selected dependencies`), "", "",
		"directory belongs to no module of the build",
		"The go command was asked for packages in a directory that is not part of the main module: a directory with a go.mod of its own, or one above or beside the module.",
		"Run the go command in the directory of that module (working-directory: of the step, cd, or go -C DIR), or make a workspace with go work init and go work use."},

	{"replace-directory-missing", regexp.MustCompile(`^replacement directory \S+(?: does not exist|: )|^(?:error reading |reading |open )?\S+: replacement directory `), "", "replace-directory-missing", "",
		finding.ReplaceDirectoryMissing.Effect + " The directory does not exist, or not yet: a container build has only what was copied before this step.",
		"Check out all of the sources, submodules included. In a container build copy the directory, or at least its go.mod, before go mod download. Otherwise remove the replace line from go.mod."},
	{"replace-line-lost", regexp.MustCompile(`^unknown revision 0{12}`), "", "",
		"version that only a replace line can serve",
		"The version v0.0.0-00010101000000-000000000000 is not a commit: the go command writes it for a module that a replace line takes from a directory, and this go.mod has no such line. Replace lines apply only in the main module (or go.work), not in the modules it requires.",
		"Add the replace line to the main module's go.mod, too, or use the workspace that it is built in; or require a published version."},
	{"vendor-inconsistent", regexp.MustCompile(`^inconsistent vendoring in `), "", "vendor-inconsistent", "",
		"vendor/modules.txt and go.mod do not name the same modules, so every build that uses the vendor directory fails.",
		"Run " + finding.VendorInconsistentFix + ". GOFLAGS=-mod=mod ignores vendor."},
	{"vendor-lacks-package", regexp.MustCompile(`(?:import lookup disabled by -mod=vendor|^can't resolve module using the vendor directory|^cannot query module due to -mod=vendor|^cannot find package "?\S*"? in:?\s+\S*/vendor/)`), "", "vendor-incomplete", "",
		"Builds use only the vendor directory, and it lacks a package that is imported.",
		"Run " + finding.VendorInconsistentFix + ". GOFLAGS=-mod=mod ignores vendor."},

	{"go-mod-untidy", regexp.MustCompile(`^updates to go\.mod needed|^updating go\.mod: existing contents have changed|(?:import lookup|cannot update go\.mod: updates) disabled by -mod=readonly`), "", "",
		"go.mod is not tidy",
		"go.mod lacks something that the imports or the required modules need, and the go command may not change it here (-mod=readonly is the default).",
		"Run go mod tidy (in a workspace go work sync) and commit go.mod and go.sum."},
	{"package-without-module", regexp.MustCompile(`^no required module provides package |^module \S+ provides package \S+ and is replaced but not required|^missing module for import: |^package \S+ provided by \S+ at latest version |^cannot find package "[^"]*" in any of:`), "", "",
		"no required module has the package",
		"A package is imported, but no module that go.mod requires has it.",
		"Run go mod tidy (or go get with the package) and commit go.mod and go.sum. If the package is in the checkout, correct its path: it begins with the path in the module line of go.mod. With GO111MODULE=off the go command does not read go.mod."},
	{"package-not-in-std", regexp.MustCompile(`^(?:package )?\S+ is not in (?:std|GOROOT)\b`), "", "",
		"no such package in the standard library",
		"An import path whose first element has no dot is in the standard library, and this Go does not have it: a later Go does, or the path is misspelt, or it is meant to be a package of the checkout.",
		"Use the Go that the go line of go.mod names, or a newer one. Otherwise correct the import path."},
	{"ambiguous-import", regexp.MustCompile(`^ambiguous import: found package `), "", "",
		"two modules have the package",
		"Two modules of the build have a package with this path, usually because one was split off from the other.",
		"Require a newer version of the module with the shorter path, which no longer has the package, or drop the one that is not used: go get MODULE@none. Then run go mod tidy."},
	{"path-differs", regexp.MustCompile(`^(?:parsing )?(?:go\.mod:\s*)?(?:parsing go\.mod:\s*)?module declares its path as: |^go\.mod has (?:post-v\d+|malformed|non-\S+) (?:\S+ )?module path |^unexpected module path "`), "", "",
		"module has a different path",
		"The module's own go.mod declares a different path from the one it is required under: it was renamed (case matters), or it is a fork.",
		"Require and import it by the path that it declares. For a fork, keep the original path and write a replace line: replace OLD => FORK VERSION. If another module requires the old path, update that module."},
	{"import-case", regexp.MustCompile(`^case-insensitive import collision: `), "", "",
		"two import paths differ in case only",
		"Packages are imported by paths that differ in case only, usually because a module was renamed.",
		"Use one spelling everywhere, the one that the module's go.mod declares; go mod graph shows which module requires the other."},
	{"version-does-not-fit", regexp.MustCompile(`^(?:module contains a go\.mod file, so |should be v\d+, not v\d+|should be v0 or v1, not v|invalid pseudo-version: |missing \S+ at revision |go\.mod has post-v|module path includes a major version suffix|must be of the form v1\.2\.3|does not match version-control timestamp|version ".*" invalid: )`), "", "",
		"version does not match the module",
		"From v2 on the module's path ends in its major version (/v2), and a pseudo-version must name a commit of the repository. This one breaks such a rule.",
		"Correct path or version in go.mod; go get MODULE@VERSION writes the right ones."},
	{"path-malformed", regexp.MustCompile(`^(?:malformed module path "|invalid import path|malformed import path "|is not a module path|"[^"]*" is (?:relative|not a module path))`), "", "",
		"malformed path",
		"No module or package can have this path.",
		"Correct it in go.mod or in the import."},
	{"go-mod-damaged", regexp.MustCompile(`^(?:errors parsing (?:go\.mod|\S+/go\.mod|\S+go\.mod):|error loading go\.mod:|parsing go\.mod: |error reading go\.mod|reading go\.mod: |existing contents have changed since last read)`), "", "checkout-invalid", "",
		"The go command cannot read go.mod.",
		"Correct the line that the message names; merge conflict markers look like this, too."},
	{"no-main-module", regexp.MustCompile(`^(?:cannot find main module|go\.mod file not found in current directory or any parent directory|cannot determine module path)|^open go\.mod: no such file or directory`), "", "checkout-missing", "",
		"The go command was started in a directory without a go.mod, and none of the directories above has one.",
		"Run it in the module's directory (working-directory: of the step, cd, or go -C DIR), after the checkout; in a container build copy go.mod and go.sum first."},
	{"modules-off", regexp.MustCompile(`^(?:modules disabled by GO111MODULE=off|cannot use path@version syntax in GOPATH mode|build flag -mod=\S+ only valid when using modules)`), "", "go111module-off", "",
		"The go command reads no go.mod.",
		"Unset GO111MODULE in the environment (and go env -u GO111MODULE)."},
	{"workspace-flag", regexp.MustCompile(`^-mod may only be set to readonly|^-modfile cannot be used in workspace mode`), "", "goflags-workspace", "",
		"The go command refuses to start.",
		"Remove the flag from GOFLAGS, or set GOWORK=off."},
	{"goflags-invalid", regexp.MustCompile(`^parsing \$GOFLAGS: `), "", "",
		"GOFLAGS cannot be read",
		"Every go command reads GOFLAGS, and fails if it holds an unknown flag or a word that is not a flag.",
		"Correct GOFLAGS: flags start with a dash and are separated by spaces; a value follows an equals sign (-tags=integration). It comes from the environment or from go env -w: go env GOFLAGS shows it, go env -u GOFLAGS removes it."},
	{"gopath-unusable", regexp.MustCompile(`^cannot download, (?:\$GOPATH (?:not set|must not be set to \$GOROOT)|\S+ is a GOROOT, not a GOPATH)`), failure.LocalIO, "",
		"no GOPATH to download into",
		"The go command works without modules (GO111MODULE=off, or a Go before 1.16 outside a module) and has no directory for what it downloads.",
		"Unset GO111MODULE and run in a directory with a go.mod; otherwise set GOPATH, or HOME, to a directory that this user may write."},
	{"gomodcache-relative", regexp.MustCompile(`^GOMODCACHE entry is relative`), failure.LocalIO, "gomodcache-relative", "",
		"The go command refuses to start.",
		"Set GOMODCACHE to an absolute path."},
	{"gomodcache-missing", regexp.MustCompile(`^module cache not found: neither GOMODCACHE nor GOPATH is set`), failure.LocalIO, "gomodcache-missing", "",
		"The go command has no directory for modules.",
		"Set GOMODCACHE to an absolute path, or HOME."},
	{"vcs-status", regexp.MustCompile(`^error obtaining VCS status: `), "", "",
		"git cannot read the checkout",
		"go build writes the commit into the program and asks git for it; git refuses, usually because the checkout belongs to a different user from the job's (in a container), or because git is missing.",
		"Run git config --global --add safe.directory DIR before the build, or build with -buildvcs=false."},
	{"vcs-missing", regexp.MustCompile(`^(?:[a-z]+ .*: )?exec: "(?:git|hg|svn|fossil|bzr)": executable file not found|^missing (?:Git|Mercurial|Subversion|Fossil|Bazaar) command`), failure.Unknown, "",
		"version control program missing",
		"The module comes from its repository (direct in GOPROXY, or it matches GOPRIVATE or GONOPROXY), and the program to download it is not on PATH.",
		"Install it in the image (usually git), or let a mirror serve the module: GOPROXY without direct, and GONOPROXY=none if a mirror of yours has the private ones."},
	{"build-cache", regexp.MustCompile(`^(?:failed to initialize build cache|build cache is required|creating work dir: )`), "", "",
		"no directory for the build cache",
		"The go command cannot write what it builds: this user has no home directory here, or may not write to GOCACHE or GOTMPDIR.",
		"Set GOCACHE (and HOME) to a directory that this user can write to; for temporary files set GOTMPDIR or TMPDIR."},
	{"package-not-in-module", regexp.MustCompile(`^(?:module \S+ )?found(?: \([^)]*\))?, but does not contain package `), failure.NotFound, "",
		"module does not have the package",
		"The module was found, but this version of it has no such package: it was moved, belongs to another major version, or the import is misspelt.",
		"Correct the import, or require a version that has the package: go get PACKAGE@VERSION, then go mod tidy."},
	{"goproxy-empty", regexp.MustCompile(`^GOPROXY list is not the empty string`), failure.Disabled, "goproxy-empty", "", "", ""},
	{"goproxy-keyword", regexp.MustCompile(`^invalid proxy URL missing scheme`), failure.Disabled, "goproxy-keyword", "", "", ""},
	{"goproxy-scheme", regexp.MustCompile(`^invalid proxy URL scheme`), failure.Disabled, "goproxy-scheme", "", "", ""},
	{"goproxy-http-credentials", regexp.MustCompile(`^(?:Get "[^"]*": )?refusing to pass credentials to insecure URL`), failure.InsecureCredentials, "goproxy-http-credentials", "", "", ""},
	{"go-sum-damaged", regexp.MustCompile(`^wrong number of fields \d`), failure.MissingSum, "checkout-invalid", "",
		"A line of go.sum is malformed, for example a merge conflict marker. The go command stops there.",
		"Remove what the merge left behind, then run go mod tidy and commit go.sum."},
	{"file-in-use", regexp.MustCompile(`^(?:rename|unlinkat|remove|open) .*: (?:Access is denied|The process cannot access the file because)`), failure.Permission, "",
		"permission denied, probably a file in use",
		"Windows does not allow a file or directory to be renamed or removed while another program has it open; usually that is a virus scanner or an editor that reads what was just written.",
		"Run again. If it persists, exclude the module cache (GOMODCACHE) from the scanner, close the program that has it open, or use another directory with GOMODCACHE."},
	{"sumdb-setting", regexp.MustCompile(`^(?:invalid GOSUMDB: |missing GOSUMDB)`), failure.Unknown, "gosumdb-key", "GOSUMDB does not name a usable database",
		"The go command refuses the value of GOSUMDB, so nothing that go.sum lacks can be verified.",
		"Unset GOSUMDB, which restores the default; for another database write name+hash+key, then a space and its URL."},
	{"sumdb-off-toolchain", regexp.MustCompile(`^checksum database disabled by GOSUMDB=off`), failure.Unknown, "gosumdb-off", "",
		"Toolchains are not in go.sum: only the checksum database can verify them, and GOSUMDB=off switches it off.",
		"Unset GOSUMDB; list private modules in GOPRIVATE instead. Or install the required Go on this machine and set GOTOOLCHAIN=local."},
	{unanswered, nil, failure.Cancelled, "",
		"download without an answer, until the job was stopped",
		"Nothing more of the go command is in the log: this download hung, or one that began shortly before it. The go command waits without limit. (Or the downloads were over, and what came next printed nothing.)",
		"Run again. Put modferry fetch before the go command, or run it as modferry exec -- CMD: a mirror that does not answer in time (--first-byte-timeout) or stops sending (--stall-timeout) is then left for the next one."},
}

// causeOf finds the cause that a message tells of, by its text and the lines
// below it; nil for none.
func causeOf(text string) *logCause {
	return find(func(c logCause) bool { return c.text != nil && c.text.MatchString(text) })
}

func causeNamed(name string) *logCause {
	return find(func(c logCause) bool { return c.name == name })
}

func find(is func(logCause) bool) *logCause {
	i := slices.IndexFunc(causes, is)
	if i < 0 {
		return nil
	}
	return &causes[i]
}

func (c *logCause) about(f Failure) Advice {
	a := Advice{cmp.Or(c.title, finding.Finding{Check: c.check}.Title()), cmp.Or(c.explain, f.Class.Explain()), cmp.Or(c.remedy, f.Class.GoRemedy())}
	if c.check != "toolchain-refused" {
		return a
	}
	if m := c.text.FindStringSubmatch(f.Text); m != nil && m[3] != "" {
		said := finding.ToolchainRefused(m[1], m[2], m[3])
		a.Explain, a.Remedy = said.Effect, strings.ToUpper(said.Fix[:1])+said.Fix[1:]+", so that the go command downloads it. In a container build use a newer image."
	}
	return a
}
