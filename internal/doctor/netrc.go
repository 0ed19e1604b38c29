package doctor

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/modferry/modferry/internal/finding"
)

// credentials checks the file that the go command takes passwords from.
func (e examination) credentials() []finding.Finding {
	name := e.s.NetrcFile()
	if name == "" {
		return nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return e.s.UnusedCredentials()
	}
	var out []finding.Finding
	if runtime.GOOS != "windows" && info.Mode()&fs.FileMode(0o077) != 0 {
		out = append(out, finding.Finding{Check: "netrc-readable", Severity: finding.Warning, Setting: ".netrc", Found: name,
			Effect: fmt.Sprintf("Other users of this machine can read its passwords (mode %04o).", info.Mode().Perm()), Fix: "chmod 600 " + name})
	}
	return append(out, e.s.UnusedCredentials()...)
}
