package github

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// use is one use of the action in the runner's job.
func (r *runner) use(inputs map[string]string) *runner {
	u := &runner{t: r.t, root: r.root, env: maps.Clone(r.env)}
	for name, value := range inputs {
		u.env[variable(name)] = value
	}
	for _, name := range []string{"OUTPUT", "STATE"} {
		f, err := os.CreateTemp(filepath.Dir(r.env["GITHUB_ENV"]), name)
		if err != nil {
			r.t.Fatal(err)
		}
		f.Close()
		u.env["GITHUB_"+name] = f.Name()
	}
	return u
}

// main runs the stage main.
func (r *runner) main() {
	r.t.Helper()
	if code := Main(r.t.Context(), r.process()); code != 0 {
		r.t.Fatalf("exit code %d\n%s", code, r.log.String())
	}
}

// post runs the stage post in another environment.
func (r *runner) post(env map[string]string) {
	r.t.Helper()
	p := r.process()
	env = maps.Clone(env)
	for _, name := range []string{stateResult, stateGiven} {
		env["STATE_"+name] = r.value("STATE", name)
	}
	p.Getenv = func(name string) string { return env[name] }
	if code := Post(r.t.Context(), p); code != 0 {
		r.t.Fatalf("exit code %d\n%s", code, r.log.String())
	}
}

// In the post stage of an action within a composite one, inputs come out empty;
// steps in between, another use of the action among them, have set variables.
func TestPostWorksWithWhatMainWasGiven(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 4, 2000)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	service := ghatest.Start(t, ghatest.Options{})
	fresh := func() *runner {
		r := newRunner(t, f, nil)
		f.WriteCheckout(t, r.dir("work/app/app/one"), mirrortest.Checkout{})
		f.WriteCheckout(t, r.dir("work/app/app/two"), mirrortest.Checkout{Require: f.Versions()[:2]})
		for k, v := range service.Env() {
			r.env[k] = v
		}
		r.env["GITHUB_ACTION"] = "__octo_modferry" // of both: composite actions do that
		return r
	}
	inputs := []map[string]string{
		{"proxy": mirror.URL, "working-directory": "one"},
		{"proxy": mirror.URL, "working-directory": "two", "modcache": "mod-of-two", "summary": "false"},
	}
	job := fresh()
	one, two := job.use(inputs[0]), job.use(inputs[1])
	one.main()
	two.main()
	if a, b := one.value("STATE", stateResult), two.value("STATE", stateResult); a == b {
		t.Errorf("both results are in %s", a)
	}
	elsewhere := t.TempDir()
	later := maps.Clone(job.env)
	later["GOMODCACHE"] = filepath.Join(job.env["GITHUB_WORKSPACE"], "mod-of-two")
	later["MODFERRY_CACHE"] = "dir:" + elsewhere
	later["MODFERRY_MODULES"] = "./..."
	two.post(later)
	one.post(later)
	if entries, err := os.ReadDir(elsewhere); err != nil || len(entries) > 0 {
		t.Errorf("saved where a later step wanted it: %v, %v", entries, err)
	}
	for _, in := range inputs {
		next := fresh().use(in)
		next.main()
		if got, fetched := next.value("OUTPUT", "cache-hit"), next.value("OUTPUT", "fetched"); got != "exact" || fetched != "0" {
			t.Errorf("%s: the next job has cache-hit %s and fetches %s files, want exact and 0\n%s\n%s",
				in["working-directory"], got, fetched, one.log.String(), two.log.String())
		}
	}
}

func TestTheStateHasNoCredentials(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10)
	secrets := map[string]string{
		"netrc": "machine m.example.test login me password net-s3cret", "token": "ghs_t0ken",
		"proxy": "https://me:pr0xy-s3cret@" + mirrortest.Refused(t), "retries": "0", "no-probe": "true",
	}
	r := newRunner(t, f, secrets)
	r.env["MODFERRY_CACHE"], r.env["MODFERRY_PROXY"] = "off", secrets["proxy"]
	Main(t.Context(), r.process())
	for _, secret := range []string{"net-s3cret", "ghs_t0ken", "pr0xy-s3cret"} {
		if strings.Contains(r.file("STATE"), secret) {
			t.Errorf("the state tells %s", secret)
		}
	}
	if given := r.value("STATE", stateGiven); !strings.Contains(given, `"MODFERRY_CACHE":"off"`) {
		t.Errorf("the state is %q", given)
	}
}

func TestAStateThatIsNoneIsTold(t *testing.T) {
	t.Parallel()
	r := newRunner(t, mirrortest.Generate(t, 1, 10), nil)
	r.env["STATE_"+stateResult], r.env["STATE_"+stateGiven] = "/r", "x"
	if code := Post(t.Context(), r.process()); code != 0 || !strings.Contains(r.log.String(), "nothing saved: read what the main stage was given") {
		t.Errorf("exit code %d, log %s", code, r.log.String())
	}
}
