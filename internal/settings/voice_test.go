package settings_test

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/settings"
)

// strange is how each setting stands in the file of a pull request, and what a
// job that gave nothing must be left with. A setting without an entry fails the
// test: who adds one decides what a stranger may do with it.
var strange = map[string]struct {
	value  string
	voice  settings.Voice
	obeyed bool
}{
	"modules":            {"./...", settings.Anyone, true},
	"platforms":          {"linux", settings.Anyone, true},
	"tags":               {"x", settings.Anyone, true},
	"modcache":           {"mod", settings.JobOnly, false},
	"verify-present":     {"true", settings.Anyone, true},
	"extract":            {"all", settings.Anyone, true},
	"zips":               {"rebuild", settings.Anyone, true},
	"cache":              {"s3://bucket/x", settings.Inside, false},
	"scope":              {"build", settings.Anyone, true},
	"cache-floor":        {"1KiB", settings.Anyone, true},
	"cache-max-size":     {"1B", settings.JobOnly, false},
	"cache-max-age":      {"1s", settings.JobOnly, false},
	"proxy":              {"https://stranger.test", settings.Verified, true},
	"mirrors":            {"auto", settings.Verified, true},
	"fallback":           {"any", settings.Narrows, false},
	"toolchain":          {"true", settings.Anyone, true},
	"offline":            {"true", settings.JobOnly, false},
	"region":             {"eu", settings.JobOnly, false},
	"no-probe":           {"true", settings.Anyone, true},
	"probe-timeout":      {"1s", settings.Anyone, true},
	"ca-file":            {"ca.pem", settings.JobOnly, false},
	"private":            {"corp.test", settings.AddsUp, true},
	"noproxy":            {"'*'", settings.JobOnly, false},
	"sumdb":              {"off", settings.JobOnly, false},
	"sumdbs":             {"corp.test NAME+1+k", settings.JobOnly, false},
	"nosumdb":            {"'*'", settings.JobOnly, false},
	"strict":             {"true", settings.Anyone, true},
	"concurrency":        {"2", settings.Anyone, true},
	"retries":            {"1", settings.Anyone, true},
	"no-hedge":           {"true", settings.Anyone, true},
	"timeout":            {"1m", settings.Anyone, true},
	"connect-timeout":    {"1s", settings.Anyone, true},
	"tls-timeout":        {"1s", settings.Anyone, true},
	"first-byte-timeout": {"1s", settings.Anyone, true},
	"stall-timeout":      {"1s", settings.Anyone, true},
	"request-timeout":    {"1m", settings.Anyone, true},
	"reports":            {"../www", settings.Inside, false},
}

func TestWhatTheCheckoutMaySay(t *testing.T) {
	t.Parallel()
	for _, s := range settings.Table() {
		if s.Config == "" {
			if s.Checkout != settings.JobOnly {
				t.Errorf("%s has no key, but the checkout may say it", s.Name)
			}
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			want, ok := strange[s.Name]
			if !ok {
				t.Fatal("nothing says what the checkout may do with it")
			}
			if s.Checkout != want.voice {
				t.Errorf("the voice is %q, want %q", s.Checkout, want.voice)
			}
			root, work := checkout(t, s.Config+": "+want.value+"\n")
			byCheckout := resolveIn(t, root, work, nil)
			nothing := resolveIn(t, root, work, map[string]string{"config": outside(t, "")})
			ignored := slices.ContainsFunc(byCheckout.Checkout.Ignored, func(i settings.Ignored) bool {
				return i.Setting.Name == s.Name && i.Source == "file .modferry.yaml:1" && strings.HasSuffix(i.Why, ".")
			})
			if ignored == want.obeyed || byCheckout.FromCheckout(s.Name) != want.obeyed {
				t.Errorf("ignored %t, obeyed %t; want obeyed %t", ignored, byCheckout.FromCheckout(s.Name), want.obeyed)
			}
			job := s.Checkout == settings.AddsUp || s.Name == "proxy" // have a place of their own
			if changed := valueOf(byCheckout, s.Name) != valueOf(nothing, s.Name); changed != (want.obeyed && !job) {
				t.Errorf("the job's value became %v, by itself it is %v", valueOf(byCheckout, s.Name), valueOf(nothing, s.Name))
			}

			// The same words from elsewhere, or from a checkout that the job trusts,
			// hold in full.
			for name, flags := range map[string]map[string]string{
				"a file outside": {"config": outside(t, s.Config+": "+want.value+"\n")},
				"trust-checkout": {"trust-checkout": "true"},
			} {
				v := resolveIn(t, root, work, flags)
				if len(v.Checkout.Ignored)+len(v.Checkout.Obeyed) > 0 || v.Checkout.File != "" || valueOf(v, s.Name) == valueOf(nothing, s.Name) {
					t.Errorf("%s: %v, %+v", name, valueOf(v, s.Name), v.Checkout)
				}
			}
			// What the job says itself, wins without a word about the other.
			if s.Checkout != settings.AddsUp {
				v := resolveIn(t, root, work, map[string]string{s.Name: jobs(s)})
				if len(v.Checkout.Ignored)+len(v.Checkout.Obeyed) > 0 {
					t.Errorf("against the job's own word: %+v", v.Checkout)
				}
			}
		})
	}
}

// jobs is a value that the job gives.
func jobs(s settings.Setting) string {
	switch {
	case s.Name == "cache":
		return "off"
	case s.Name == "proxy":
		return "https://job.test"
	case s.Default != "":
		return s.Default
	case s.Kind == settings.Choice:
		return s.Choices[0]
	}
	return "x"
}

// valueOf is the job's value of a setting.
func valueOf(v *settings.Values, name string) any {
	return map[string]any{
		"modules": v.Modules, "platforms": v.Platforms, "tags": v.Tags, "modcache": v.ModCache, "verify-present": v.VerifyPresent, "extract": v.Extract, "zips": v.Zips,
		"cache": v.Cache, "scope": v.Scope, "cache-floor": v.CacheFloor, "cache-max-size": v.CacheMaxSize, "cache-max-age": v.CacheMaxAge,
		"proxy": v.Proxy, "mirrors": v.Mirrors, "fallback": v.Fallback, "toolchain": v.Toolchain, "offline": v.Offline, "region": v.Region, "no-probe": v.NoProbe, "probe-timeout": v.ProbeTimeout,
		"ca-file": v.CAFile, "private": v.Private, "noproxy": v.NoProxy, "sumdb": v.SumDB, "sumdbs": v.SumDBs, "nosumdb": v.NoSumDB, "strict": v.Strict,
		"concurrency": v.Concurrency, "retries": v.Retries, "no-hedge": v.NoHedge, "timeout": v.Timeout,
		"connect-timeout": v.ConnectTimeout, "tls-timeout": v.TLSTimeout, "first-byte-timeout": v.FirstByteTimeout,
		"stall-timeout": v.StallTimeout, "request-timeout": v.RequestTimeout, "reports": v.Reports,
	}[name]
}

// checkout makes a repository with a configuration file below a directory.
func checkout(t *testing.T, config string) (root, work string) {
	t.Helper()
	work = t.TempDir()
	root = filepath.Join(work, "repo")
	put(t, filepath.Join(root, ".git", "HEAD"), "ref: refs/heads/main\n")
	put(t, filepath.Join(root, ".modferry.yaml"), config)
	return root, work
}

// outside makes a configuration file that lies in no checkout.
func outside(t *testing.T, config string) string {
	t.Helper()
	return put(t, filepath.Join(t.TempDir(), "modferry.yaml"), config)
}

func put(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func resolveIn(t *testing.T, root, work string, flags map[string]string) *settings.Values {
	t.Helper()
	all := map[string]string{"dir": root}
	for name, value := range flags {
		all[name] = value
	}
	v, err := settings.Resolve(all, variables(nil), settings.Disk{WorkDir: work})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPlacesThatTheCheckoutMayName(t *testing.T) {
	t.Parallel()
	elsewhere := t.TempDir() // absolute on every system
	for _, tt := range []struct {
		config string
		obeyed bool
	}{
		{"reports: out/reports", true},
		{"reports: off", true},
		{"reports: ../www", false},
		{"reports: " + elsewhere, false},
		{"reports: away/reports", false}, // a link
		{"cache: dir:.cache", true},
		{"cache: dir:../cache", false},
		{"cache: dir:away", false},
		{"cache: dir:nowhere/yet", false}, // a link to what is not there yet
		{"cache: gha", true},
		{"cache: gha:v1", true},
		{"cache: off", true},
		{"cache: s3://bucket/x?endpoint=https://127.0.0.1:1", false},
		{"proxy: https://stranger.test,file:///etc", false},
		{"proxy: FILE:///etc", false},
		{"proxy: ['https://stranger.test', 'file:///etc']", false},
		{"fallback: as-written", true},
	} {
		t.Run(tt.config, func(t *testing.T) {
			t.Parallel()
			root, work := checkout(t, tt.config+"\n")
			for name, target := range map[string]string{"away": "..", "nowhere": "../not/there"} {
				if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
					t.Skipf("no symbolic links here: %v", err)
				}
			}
			v := resolveIn(t, root, work, nil)
			if obeyed := len(v.Checkout.Obeyed) == 1; obeyed != tt.obeyed || len(v.Checkout.Ignored) == len(v.Checkout.Obeyed) {
				t.Errorf("%+v", v.Checkout)
			}
		})
	}
}

func TestADirectoryThatTheCheckoutNamesAsAMirrorIsItsOwn(t *testing.T) {
	t.Parallel()
	for name, obeyed := range map[string]bool{"mirror": true, "mirror/../m": true, "../m": false, "mirror/%2e%2e/%2e%2e/m": false, "%6dirror": true, "%": false} {
		root, work := checkout(t, "")
		put(t, filepath.Join(root, ".modferry.yaml"), "proxy: '"+(&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(root), "/")}).String()+"/"+name+"'\n")
		v := resolveIn(t, root, work, nil)
		if got := len(v.Checkout.Obeyed) == 1; got != obeyed {
			t.Errorf("%s: obeyed %v, want %v; %+v", name, got, obeyed, v.Checkout)
		}
	}
}

// Who can write a file decides whose word it is, not how it is named.
func TestWhoseWordAConfigurationFileIs(t *testing.T) {
	t.Parallel()
	const config = "sumdb: off\n"
	for _, tt := range []struct {
		name   string
		make   func(t *testing.T, root, work string) (dir, config string, env map[string]string)
		theirs bool
	}{
		{"found in the repository", func(t *testing.T, root, _ string) (string, string, map[string]string) {
			return root, "", nil
		}, true},
		{"found above the module, in its repository", func(t *testing.T, root, _ string) (string, string, map[string]string) {
			put(t, filepath.Join(root, "sub", "go.mod"), "module x\n")
			return filepath.Join(root, "sub"), "", nil
		}, true},
		{"named, in the repository", func(t *testing.T, root, _ string) (string, string, map[string]string) {
			return root, put(t, filepath.Join(root, "ci", "job.yaml"), config), nil
		}, true},
		{"named, of the repository around a submodule", func(t *testing.T, root, _ string) (string, string, map[string]string) {
			put(t, filepath.Join(root, "sub", ".git"), "gitdir: ../.git/modules/sub\n")
			return filepath.Join(root, "sub"), filepath.Join(root, ".modferry.yaml"), nil
		}, true},
		{"named through a link from outside", func(t *testing.T, root, work string) (string, string, map[string]string) {
			link := filepath.Join(work, "link.yaml")
			if err := os.Symlink(filepath.Join(root, ".modferry.yaml"), link); err != nil {
				t.Skipf("no symbolic links here: %v", err)
			}
			return root, link, nil
		}, true},
		{"anywhere in what the CI system checks out into", func(t *testing.T, root, work string) (string, string, map[string]string) {
			return root, put(t, filepath.Join(work, "ci.yaml"), config), map[string]string{"GITHUB_WORKSPACE": work}
		}, true},
		{"outside", func(t *testing.T, root, work string) (string, string, map[string]string) {
			return root, put(t, filepath.Join(work, "ci.yaml"), config), nil
		}, false},
		{"outside of what the CI system checks out into", func(t *testing.T, root, work string) (string, string, map[string]string) {
			return root, outside(t, config), map[string]string{"CI_PROJECT_DIR": work}
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root, work := checkout(t, config)
			dir, file, env := tt.make(t, root, work)
			flags := map[string]string{"dir": dir}
			if file != "" {
				flags["config"] = file
			}
			v, err := settings.Resolve(flags, variables(env), settings.Disk{WorkDir: work})
			if err != nil {
				t.Fatal(err)
			}
			if theirs := v.SumDB == "" && len(v.Checkout.Ignored) == 1; theirs != tt.theirs {
				t.Errorf("sumdb %q, %+v", v.SumDB, v.Checkout)
			}
		})
	}
}

func TestAConfigurationFileIsNoLinkOutOfTheCheckout(t *testing.T) {
	t.Parallel()
	root, work := checkout(t, "")
	secret := put(t, filepath.Join(work, "secret"), "hunter2: |\n")
	name := filepath.Join(root, ".modferry.yaml")
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, name); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	for _, flags := range []map[string]string{nil, {"config": name}, {"trust-checkout": "true"}} {
		all := map[string]string{"dir": root}
		for k, v := range flags {
			all[k] = v
		}
		_, err := settings.Resolve(all, variables(nil), settings.Disk{WorkDir: work})
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "a link that leads out of the checkout") {
			t.Errorf("%v: %v", flags, err)
		}
	}
}

func TestPatternsOfSeveralPlacesAddUp(t *testing.T) {
	t.Parallel()
	root, work := checkout(t, "private: theirs.test, twice.test\n")
	v, err := settings.Resolve(map[string]string{"dir": root, "private": "flag.test,twice.test"},
		variables(map[string]string{"MODFERRY_PRIVATE": "variable.test"}), settings.Disk{WorkDir: work})
	if err != nil {
		t.Fatal(err)
	}
	if v.Private != "flag.test,twice.test,variable.test" || v.Sources["private"] != "flag --private and variable MODFERRY_PRIVATE" {
		t.Errorf("the job's are %q from %s", v.Private, v.Sources["private"])
	}
	if v.Checkout.Private != "theirs.test, twice.test" {
		t.Errorf("the checkout's are %q", v.Checkout.Private)
	}
}

func TestTheCheckoutNamesNoDevice(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/zero"); err != nil {
		t.Skip(err)
	}
	root, work := checkout(t, "ca-file: /dev/zero\n")
	_, err := settings.Resolve(map[string]string{"dir": root}, variables(nil), settings.Disk{WorkDir: work})
	if err == nil || !strings.Contains(err.Error(), "a device or a pipe") {
		t.Errorf("got %v", err)
	}
}

// Rules and what a mirror shows of the job are no settings of their own, and have a
// voice all the same.
func TestWhatTheCheckoutMaySayOfMirrorsAndRules(t *testing.T) {
	t.Parallel()
	etc := t.TempDir()
	config := `proxy:
  - url: https://stranger.test
    name: theirs
    ca-file: ca.pem
    client-certificate: '` + filepath.Join(etc, "job.pem") + `'
    client-key: '` + filepath.Join(etc, "job.key") + `'
rules:
  - {modules: corp.test, mirrors: theirs}
  - {modules: bad.test, mirrors: none}
`
	root, work := checkout(t, config)
	v := resolveIn(t, root, work, nil)
	if len(v.Rules) > 0 || len(v.ConfiguredMirrors) > 0 || len(v.Checkout.Rules) != 2 || !v.FromCheckout("rules") {
		t.Errorf("the job's became %+v, %+v; the checkout's %+v", v.Rules, v.ConfiguredMirrors, v.Checkout)
	}
	m := v.Checkout.Mirrors[0]
	if m.CAFile+m.ClientCert+m.ClientKey != "" || m.Name != "theirs" {
		t.Errorf("the checkout's mirror is %+v", m)
	}
	var ignored []string
	for _, i := range v.Checkout.Ignored {
		ignored = append(ignored, i.Setting.Config+" "+i.Source)
		if !strings.HasSuffix(i.Why, ".") {
			t.Errorf("why %q", i.Why)
		}
	}
	if !slices.Equal(ignored, []string{"ca-file file .modferry.yaml:2", "client-certificate file .modferry.yaml:2"}) {
		t.Errorf("ignored %q", ignored)
	}
	for name, flags := range map[string]map[string]string{"a file outside": {"config": outside(t, config)}, "trust-checkout": {"trust-checkout": "true"}} {
		v := resolveIn(t, root, work, flags)
		dir := root
		if flags["config"] != "" {
			dir = filepath.Dir(flags["config"])
		}
		if len(v.Checkout.Ignored)+len(v.Checkout.Obeyed)+len(v.Checkout.Rules) > 0 || len(v.Rules) != 2 || v.ConfiguredMirrors[0].CAFile != filepath.Join(dir, "ca.pem") || v.ConfiguredMirrors[0].ClientCert != filepath.Join(etc, "job.pem") {
			t.Errorf("%s: %+v, %+v, %+v", name, v.Rules, v.ConfiguredMirrors, v.Checkout)
		}
	}
}
