package imports

import (
	"slices"
	"strconv"
	"strings"
)

// Context is one way to build.
type Context struct {
	GOOS, GOARCH string
	Cgo          bool
	// Go is the minor version of the toolchain, 26 for Go 1.26: the tags go1.1 to
	// go1.N hold.
	Go   int
	Tags []string // of -tags
}

// Newest is the Go of a toolchain of which nothing but that it is new enough is
// known.
const Newest = 1000

// Contexts are the ways to build that are followed together, at most MaxContexts.
// Problems tells of the first Own ones.
type Contexts struct {
	All []Context
	Own int
}

// MaxContexts is how many ways to build a graph can follow.
const MaxContexts = 64

// set is a set of contexts, by index.
type set uint64

// first is the first n contexts.
func first(n int) set { return ^set(0) >> (MaxContexts - n) }

// admits are the contexts of among that build the file.
func (c *Contexts) admits(f *File, among set) set {
	if f.always() {
		return among
	}
	var in set
	for i := range c.All {
		if among&(1<<i) != 0 && f.Builds(c.All[i]) {
			in |= 1 << i
		}
	}
	return in
}

// Build reports whether any of the contexts builds the file.
func (c *Contexts) Build(f File) bool { return c.admits(&f, first(len(c.All))) != 0 }

// always reports whether every context builds the file.
func (f *File) always() bool {
	return f.goos == "" && f.goarch == "" && f.when == nil && !slices.Contains(f.Imports, "C")
}

// Builds reports whether a build in the context reads the file.
func (f *File) Builds(x Context) bool {
	return f.always() ||
		(x.Cgo || !slices.Contains(f.Imports, "C")) &&
			(f.goos == "" || x.holds(f.goos)) && (f.goarch == "" || x.holds(f.goarch)) &&
			(f.when == nil || f.when.Eval(x.holds))
}

// holds reports whether a tag holds in the context (go/build: matchTag).
func (x *Context) holds(tag string) bool {
	holds := false
	switch tag {
	case x.GOOS, x.GOARCH, "gc":
		holds = true
	case "cgo":
		holds = x.Cgo
	case "unix":
		holds = slices.Contains(unixOS, x.GOOS)
	case "linux":
		holds = x.GOOS == "android"
	case "solaris":
		holds = x.GOOS == "illumos"
	case "darwin":
		holds = x.GOOS == "ios"
	case "amd64.v1", "arm64.v8.0": // the levels that hold whatever GOAMD64 and GOARM64 say
		holds = strings.HasPrefix(tag, x.GOARCH+".")
	}
	if minor, ok := strings.CutPrefix(tag, "go1."); ok {
		n, err := strconv.Atoi(minor)
		holds = err == nil && n >= 1 && n <= x.Go && minor[0] != '0'
	}
	return holds || slices.Contains(x.Tags, tag)
}

// The platforms that the go command knows (internal/syslist), for file names and
// for the tag unix.
var (
	knownOS = []string{"aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl",
		"netbsd", "openbsd", "plan9", "solaris", "wasip1", "windows", "zos"}
	unixOS = []string{"aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "linux",
		"netbsd", "openbsd", "solaris"}
	knownArch = []string{"386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "loong64", "mips", "mipsle",
		"mips64", "mips64le", "mips64p32", "mips64p32le", "ppc", "ppc64", "ppc64le", "riscv", "riscv64", "s390", "s390x",
		"sparc", "sparc64", "wasm"}
)

// KnownPlatform reports whether the go command knows the operating system and the
// processor.
func KnownPlatform(goos, goarch string) bool {
	return slices.Contains(knownOS, goos) && slices.Contains(knownArch, goarch)
}
