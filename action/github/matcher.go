package github

import (
	_ "embed"
	"fmt"
	"path"
	"path/filepath"

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

// installMatcher has the runner load the matcher from the directory that later
// steps see: it works on the host, where the image's files are not.
func (s *step) installMatcher() error {
	dir := s.host.outside(s.host.temp)
	if !path.IsAbs(dir) && !filepath.IsAbs(dir) {
		return fmt.Errorf("install the problem matcher: found %q, expected the absolute path of %s on the host", dir, s.host.temp)
	}
	if err := diskfile.WriteIn(s.host.temp, filepath.Join(s.host.temp, matcherFile), matcher); err != nil {
		return fmt.Errorf("install the problem matcher: %w", err)
	}
	s.actions.AddMatcher(dir + "/" + matcherFile)
	return nil
}
