package worklist

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/finding"
)

// Submodules that nobody checked out are directories without anything in them,
// or none at all.
func TestAMissingSubmoduleIsToldAsThat(t *testing.T) {
	t.Parallel()
	const modules = `-- .gitmodules --
[submodule "lib"]
	path = lib
	url = https://example.test/lib.git
[submodule "api"]
	url = https://example.test/api.git
	path = "third party/api"
[submodule "outside"]
	path = ../outside
-- go.mod --
module example.test/main

go 1.21
`
	work := func(use string) string {
		return modules + "-- go.work --\ngo 1.21\n\nuse (\n\t.\n\t" + use + "\n)\n"
	}
	tests := []struct {
		name, archive, dir, modules string
		empty                       []string // directories to be made
		submodule                   string   // that is told, "" when it is none
	}{
		{name: "used by go.work", archive: work("./lib"), empty: []string{"lib"}, submodule: "lib"},
		{name: "used by go.work and not there", archive: work("./lib"), submodule: "lib"},
		{name: "a directory of it", archive: work(`"./third party/api/v2"`), empty: []string{"third party/api"}, submodule: "third party/api"},
		{name: "checked out without a go.mod", archive: work("./lib") + "-- lib/README --\nx\n"},
		{name: "another directory", archive: work("./tools"), empty: []string{"tools", "lib"}},
		{name: "one beside it", archive: work("./library"), empty: []string{"library", "lib"}},
		{name: "the directory of the run", archive: modules, dir: "lib", empty: []string{"lib"}, submodule: "lib"},
		{name: "a named main module", archive: modules, modules: "lib", empty: []string{"lib"}, submodule: "lib"},
		{name: "of a submodule", archive: work("./outer/inner") + "-- outer/.gitmodules --\n[submodule \"inner\"]\n\tpath = inner\n",
			empty: []string{"outer/inner"}, submodule: "inner"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := checkout(t, tt.archive)
			for _, name := range tt.empty {
				if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(name)), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Load(filepath.Join(dir, tt.dir), Options{Modules: tt.modules})
			var input *InputError
			if !errors.As(err, &input) {
				t.Fatalf("error %v, want one about the checkout", err)
			}
			if told := strings.Contains(input.Remedy, "submodule"); told != (tt.submodule != "") {
				t.Errorf("told of a submodule: %t\n%v", told, err)
			}
			if tt.submodule != "" && !strings.Contains(input.Remedy, `the submodule "`+tt.submodule+`" (see `) {
				t.Errorf("the remedy is %q", input.Remedy)
			}
		})
	}
}

func TestAReplacementInAMissingSubmoduleIsToldAsThat(t *testing.T) {
	t.Parallel()
	dir := checkout(t, `-- .gitmodules --
[submodule "lib"]
	path = third_party/lib
-- go.mod --
module example.test/main

go 1.21

require example.test/lib v1.0.0

replace example.test/lib => ./third_party/lib
`)
	list, err := Load(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list.Findings {
		if f.Check == "replace-directory-missing" && strings.Contains(f.Fix, `submodule "third_party/lib"`) {
			return
		}
	}
	t.Errorf("findings %v", list.Findings)
}

// A container sees the checkout and nothing beside it.
func TestADirectoryThatCannotBeSeenIsNoError(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]finding.Severity{"../outside": finding.Warning, "./inside": finding.Error} {
		dir := checkout(t, "-- go.mod --\nmodule m.test\n\ngo 1.16\n\nrequire example.test/a v1.0.0\n\nreplace example.test/a => "+to+"\n")
		list, err := Load(dir, Options{Mounted: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Findings) != 1 || list.Findings[0].Check != "replace-directory-missing" || list.Findings[0].Severity != want {
			t.Errorf("%s: findings %+v, want that the directory is missing, as %s", to, list.Findings, want)
		}
	}
}
