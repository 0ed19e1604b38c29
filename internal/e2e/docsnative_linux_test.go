package e2e

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/modferry/modferry/docs/docstest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// The workflows of the documents that use the native entry.
func TestExamplesOfTheNativeEntry(t *testing.T) {
	t.Parallel()
	type step struct{ Uses, Run string }
	for _, id := range []string{"README.md#modferry yaml 2", "docs/github.md#the-native-entry yaml", "docs/relay.md#in-ci yaml 3"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			text := docstest.Text(t, id)
			var steps []step
			if _, rest, ok := strings.Cut(text, "    steps:\n"); ok {
				text = rest
			}
			if err := yaml.Unmarshal([]byte(text), &steps); err != nil {
				t.Fatal(err)
			}
			f := mirrortest.Generate(t, 3, 5000)
			tool := mirrortest.Module{Path: "example.com/tool", Version: "v1.4.0", Files: map[string]string{"m.go": "package main\n\nfunc main() {}\n"}}
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f.With(mirrortest.Build(t, tool).All()...)})
			j := newNativeJob(t, f, s)
			j.env["GOBIN"] = j.dir("bin")
			u := j.use(nil)
			used, ran := 0, 0
			for _, step := range steps {
				switch name, _, _ := strings.Cut(step.Uses, "@"); name {
				case "":
					ran++
					j.good("bash", "-ec", step.Run)
				case "modferry/modferry/action/native":
					used++
					if st := j.main(u); st.code != 0 {
						t.Fatalf("main: exit code %d", st.code)
					}
				case "actions/checkout", "actions/setup-go": // nothing of ours
				default:
					t.Errorf("nothing here plays %s", step.Uses)
				}
			}
			if st := j.post(u); st.code != 0 || used != 1 || ran == 0 {
				t.Errorf("%d uses, %d commands, post: exit code %d", used, ran, st.code)
			}
		})
	}
}
