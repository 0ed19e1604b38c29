package finding

import "fmt"

// Said is what a check says of its matter wherever that is met: in a checkout,
// and in the log of a go command that ended with it.
type Said struct {
	Effect string // as in Finding
	Fix    string
}

// ToolchainRefused is for the check toolchain-refused: asked is the go line,
// running the version that runs, e.g. "1.26.0".
func ToolchainRefused(asked, running, setting string) Said {
	return Said{
		Effect: fmt.Sprintf(`The go command fails with "go.mod requires go >= %s (running go %s; GOTOOLCHAIN=%s)".`, asked, running, setting),
		Fix:    fmt.Sprintf("install Go %s or newer on this machine, or set GOTOOLCHAIN=auto", asked),
	}
}

// What the checks of these names say.
var (
	ReplaceDirectoryMissing = Said{
		Effect: "The go command fails as soon as it needs the module that the directory replaces.",
		Fix:    "check out all of the sources",
	}
	VendorInconsistentFix = "go mod vendor (go work vendor in a workspace), and commit vendor with go.mod"
)
