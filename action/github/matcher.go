package github

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"path"
	"path/filepath"

	"github.com/sethvargo/go-githubactions"

	"github.com/modferry/modferry/internal/diskfile"
)

// matcher is the problem matcher for download errors of the go command: with
// it the runner makes annotations of what later go commands complain about.
// Its expressions keep to what JavaScript, .NET in ECMAScript mode and RE2
// agree on. No line is matched by two matchers, since a match resets those that
// wait for their next line.
//
//go:embed matcher.json
var matcher []byte

// matcherFile is the name of the matcher in the directory it is installed in.
const matcherFile = "modferry-matcher.json"

// installMatcher copies the matcher to dir and has the runner load it from
// hostDir, which is the same directory as the host, where the runner works,
// sees it: the image's files are not there.
func installMatcher(w io.Writer, dir, hostDir string) error {
	if !path.IsAbs(hostDir) && !filepath.IsAbs(hostDir) {
		return fmt.Errorf("install the problem matcher: found %q, expected the absolute path of %s on the host", hostDir, dir)
	}
	if err := diskfile.WriteIn(dir, filepath.Join(dir, matcherFile), matcher); err != nil {
		return fmt.Errorf("install the problem matcher: %w", err)
	}
	var b bytes.Buffer // does not fail, so the library does not panic
	githubactions.New(githubactions.WithWriter(&b)).AddMatcher(hostDir + "/" + matcherFile)
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("install the problem matcher: %w", err)
	}
	return nil
}
