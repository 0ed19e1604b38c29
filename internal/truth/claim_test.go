package truth

import (
	"cmp"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/modfile"
)

// claim is a rule of the go command that modferry relies on.
type claim struct {
	id    string // its name, which stays: that of the test and in docs/folklore.md
	says  string // the rule
	leans string // what of modferry is wrong when it no longer holds
	// holds runs the go command into it and returns what contradicts the rule,
	// "" for nothing.
	holds func(t *testing.T) string
}

// subject is a table of claims.
type subject struct {
	name   string
	claims []claim
}

// subjects are all claims of the package.
func subjects() []subject {
	return []subject{
		{"passing", passingClaims()},
		{"chain", chainClaims()},
		{"wire", wireClaims()},
		{"redirect", redirectClaims()},
		{"credentials", credentialClaims()},
		{"forwardproxy", forwardProxyClaims()},
		{"concurrency", concurrencyClaims()},
		{"patterns", patternClaims()},
		{"private", privateClaims()},
		{"sumdb", sumDBClaims()},
		{"sumdbroute", sumDBRouteClaims()},
		{"gosum", goSumClaims()},
		{"loading", loadingClaims()},
		{"modcache", modCacheClaims()},
		{"settings", settingClaims()},
		{"toolchain", toolchainClaims()},
		{"log", logClaims()},
		{"messages", messageClaims()},
	}
}

// TestGoCommand runs every claim; go test -run TestGoCommand/chain/NAME runs
// one.
func TestGoCommand(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs the go command some four hundred times")
	}
	needGo(t)
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range s.claims {
				t.Run(c.id, func(t *testing.T) {
					t.Parallel()
					seen := c.holds(t)
					if seen == "" {
						return
					}
					leans := c.leans
					if inFolklore(t, t.Name()) {
						leans += ", docs/folklore.md, docs/folklore.zh-CN.md"
					}
					t.Errorf("the go command no longer does what modferry says of it.\nclaim: %s\nseen:  %s\nleans on it: %s", c.says, seen, leans)
				})
			}
		})
	}
}

func TestClaimsAreNamedOnceAndSayWhatLeansOnThem(t *testing.T) {
	t.Parallel()
	said := map[string]string{}
	for _, s := range subjects() {
		ids := map[string]bool{}
		for _, c := range s.claims {
			name := s.name + "/" + c.id
			if ids[c.id] || strings.Trim(c.id, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
				t.Errorf("claim %s: the name is taken, or is not of small letters, digits and hyphens", name)
			}
			ids[c.id] = true
			if c.says == "" || c.leans == "" || c.holds == nil {
				t.Errorf("claim %s: a field is empty", name)
			}
			if other := said[c.says]; other != "" {
				t.Errorf("claims %s and %s say the same", other, name)
			}
			said[c.says] = name
		}
	}
}

// needGo skips where no go command as new as go.mod asks for is on PATH: what
// an older one does is not claimed. In CI it is an error.
func needGo(t *testing.T) {
	t.Helper()
	why, err := goMissing()
	if err != nil {
		t.Fatal(err)
	}
	if why == "" {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

var goMissing = sync.OnceValues(func() (why string, err error) {
	data, err := os.ReadFile("../../go.mod")
	if err != nil {
		return "", err
	}
	mod, err := modfile.ParseLax("go.mod", data, nil)
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "env", "GOVERSION")
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Sprintf("no go command on PATH that runs: %v", err), nil
	}
	have, _, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if version.IsValid(have) && version.Compare(have, "go"+mod.Go.Version) < 0 {
		return fmt.Sprintf("the go command on PATH is %s, older than the go %s of go.mod", have, mod.Go.Version), nil
	}
	return "", nil
})

// all joins what contradicts a claim.
func all(seen ...string) string {
	var found []string
	for _, s := range seen {
		if s != "" {
			found = append(found, s)
		}
	}
	return strings.Join(found, "; ")
}

// unless is text when the condition does not hold.
func unless(ok bool, format string, args ...any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// equal compares a value with the one that the claim names.
func equal[T comparable](what string, got, want T) string {
	return unless(got == want, "%s: %v, claimed %v", what, got, want)
}

// result is how a run of the go command ended.
type result struct {
	args   string
	ok     bool
	stdout string
	stderr string
}

// out is all that the command printed.
func (r result) out() string { return r.stdout + r.stderr }

// works is "" when the command succeeded and printed the texts.
func (r result) works(texts ...string) string { return r.ended(true, texts) }

// fails is "" when the command failed and printed the texts.
func (r result) fails(texts ...string) string { return r.ended(false, texts) }

func (r result) ended(ok bool, texts []string) string {
	how := map[bool]string{true: "succeeds", false: "fails"}
	if r.ok != ok {
		return fmt.Sprintf("%s %s where it was to be that it %s, printing\n%s", r.args, how[r.ok], how[ok], r.shown())
	}
	for _, text := range texts {
		if !strings.Contains(r.out(), text) {
			return fmt.Sprintf("%s does not print %q, but\n%s", r.args, text, r.shown())
		}
	}
	return ""
}

// omits is "" when the command printed none of the texts.
func (r result) omits(texts ...string) string {
	for _, text := range texts {
		if strings.Contains(r.out(), text) {
			return fmt.Sprintf("%s prints %q in\n%s", r.args, text, r.shown())
		}
	}
	return ""
}

func (r result) shown() string { return cmp.Or(strings.TrimRight(r.out(), "\n"), "nothing") }
