package truth

import (
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/goenv"
)

// patternClaim says whether a value of GONOPROXY matches a module, which then
// is asked of its origin instead of the mirror. No request is made: the go
// command shows the first one that it would make.
func patternClaim(id, says, patterns, path string, matches bool) claim {
	return claim{id, says, "internal/goenv/pattern.go, internal/goenv/check_pattern.go", func(t *testing.T) string {
		const mirror = "http://127.0.0.1:9/mirror"
		j := newJob(t, one(t), mirror).set("GODEBUG", "cmdgonetlimit=0", "GONOPROXY", patterns)
		r := j.run("mod", "download", "-x", path+"@v1.0.0")
		first, _, _ := strings.Cut(r.stderr, "\n")
		atMirror := strings.HasPrefix(first, "# get "+mirror+"/"+path+"/@v/v1.0.0.info")
		atOrigin := strings.HasPrefix(first, "# get https://"+path+"?go-get=1")
		return all(unless(atMirror != atOrigin, "the first request is neither at the mirror nor at the origin:\n%s", r.shown()),
			equal(path+" is matched by "+patterns, atOrigin, matches), equal("goenv.MatchPatterns says so", goenv.MatchPatterns(patterns, path), matches))
	}}
}

// patternClaims say what the patterns of GOPRIVATE, GONOPROXY, GONOSUMDB and
// GOINSECURE match.
func patternClaims() []claim {
	const leans = "internal/goenv/pattern.go, internal/goenv/check_pattern.go"
	return []claim{
		patternClaim("host-covers-all-below", "a host matches everything below it", "git.x.test", "git.x.test/team/m", true),
		patternClaim("path-covers-major-versions", "a path matches its /v2 and all below", "git.x.test/team", "git.x.test/team/v2", true),
		patternClaim("path-ends-at-an-element", "a path does not match one that merely begins alike", "git.x.test/team", "git.x.test/teams/m", false),
		patternClaim("trailing-slash", "a slash at the end is no matter", "git.x.test/", "git.x.test/team/m", true),
		patternClaim("ellipsis-matches-nothing", "a pattern with /... matches nothing below", "git.x.test/...", "git.x.test/team/m", false),
		patternClaim("ellipsis-does-not-even-match-the-host", "a pattern with /... does not match the path before it", "git.x.test/team/...", "git.x.test/team", false),
		patternClaim("leading-dot-matches-nothing", "a pattern with a leading dot matches no sub-domain", ".x.test", "git.x.test/team/m", false),
		patternClaim("star-dot-covers-sub-domains", "*.x.test matches every sub-domain, however deep", "*.x.test", "a.git.x.test/team/m", true),
		patternClaim("star-dot-leaves-out-the-domain", "*.x.test does not match x.test", "*.x.test", "x.test/team/m", false),
		patternClaim("host-leaves-out-sub-domains", "x.test does not match git.x.test", "x.test", "git.x.test/team/m", false),
		patternClaim("star-covers-any-depth", "a star as the last element covers any depth below", "git.x.test/*", "git.x.test/a/b/c", true),
		patternClaim("star-wants-an-element", "host/* does not match host", "git.x.test/*", "git.x.test", false),
		patternClaim("two-stars-are-one", "** matches what * matches", "git.x.test/**", "git.x.test/a/b/c", true),
		patternClaim("two-stars-within-one-element", "** does not reach over a slash", "git.x.test/**/c", "git.x.test/a/b/c", false),
		patternClaim("one-star-as-two-within-one-element", "* stands for one element, as ** does", "git.x.test/*/c", "git.x.test/a/c", true),
		patternClaim("star-covers-everything", "* matches every module", "*", "git.x.test/team/m", true),
		patternClaim("blank-after-a-comma", "a blank after a comma spoils the pattern behind it", "a.test, git.x.test", "git.x.test/team/m", false),
		patternClaim("no-blank-after-a-comma", "a comma without a blank separates patterns", "a.test,git.x.test", "git.x.test/team/m", true),
		patternClaim("scheme-matches-nothing", "a pattern with https:// matches nothing", "https://git.x.test", "git.x.test/team/m", false),
		patternClaim("port-matches-nothing", "a pattern with a port matches nothing", "git.x.test:443", "git.x.test/team/m", false),
		patternClaim("case-matters", "the case of a pattern matters", "GIT.X.TEST", "git.x.test/team/m", false),
		patternClaim("pipe-is-no-separator", "| does not separate patterns", "a.test|git.x.test", "git.x.test/team/m", false),
		patternClaim("semicolon-is-no-separator", "a semicolon does not separate patterns", "a.test;git.x.test", "git.x.test/team/m", false),
		patternClaim("malformed-pattern-is-skipped", "a malformed pattern is skipped without a word", "[,git.x.test", "git.x.test/team/m", true),
		patternClaim("none-matches-nothing", "none matches nothing", "none", "git.x.test/team/m", false),
		{"same-rules-for-gonosumdb", "GONOSUMDB follows the same rules", leans, func(t *testing.T) string {
			var seen []string
			for pattern, match := range map[string]bool{"example.test": true, "example.test/*": true, "example.test/...": false, " example.test": false} {
				w := newSumDBWorld(t)
				r := w.fresh(w.mirror.URL).set("GONOSUMDB", pattern).run("mod", "download", mAt)
				seen = append(seen, r.works(), equal("the database is skipped with GONOSUMDB="+pattern, w.lookups() == 0, match))
			}
			return all(seen...)
		}},
	}
}
