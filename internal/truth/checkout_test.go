package truth

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/worklist"
)

// verdict is a checkout, what the go command says of it and what modferry does:
// an error where the go command fails and none where it works.
type verdict struct {
	name  string
	files string // txtar; {a1}, {a1.zip}, {a1.mod} stand for lines of go.sum, BOM for a byte order mark
	env   string // GOFLAGS
	args  string // of the go command, "build ./..." if empty
	fails string // what the go command says, "" when it works
	check string // what modferry says, "invalid" for an error that ends the run; a check that is no error has a "?"
}

const (
	goMod  = "-- go.mod --\nmodule m.test\n\ngo 1.21\n\nrequire example.test/a v1.0.0\n"
	goFile = "-- m.go --\npackage m\n\nimport _ \"example.test/a\"\n"
	noFile = "-- m.go --\npackage m\n"
	member = "-- x/go.mod --\nmodule x.test\n\ngo 1.21\n\nrequire example.test/a v1.0.0\n-- x/x.go --\npackage x\n\nimport _ \"example.test/a\"\n"
	twice  = "-- go.mod --\nmodule m.test\n\ngo 1.21\n\nrequire example.test/a v1.0.0\n\nrequire example.test/a v1.1.0\n"
	vendor = "-- vendor/example.test/a/a.go --\npackage a\n-- vendor/modules.txt --\n"
	listed = "# example.test/a v1.0.0\n## explicit; go 1.20\nexample.test/a\n"
	sums   = "-- go.sum --\n{a1}"

	noSum   = "missing go.sum entry"
	updates = "updates to go.mod needed"
	tooOld  = "listed in go.work file requires go >= "
	unfit   = "inconsistent vendoring"
)

// sum is the go.sum of the member x.
const sum = "-- x/go.sum --\n{a1}"

// pair is a workspace of x and y, of which x requires y at a version and
// example.test/a, and imports what it is told.
func pair(version, goLine string, imports ...string) string {
	x := "package x\n"
	for _, i := range imports {
		x += "\nimport _ \"" + i + "\"\n"
	}
	return "-- go.work --\ngo " + goLine + "\n\nuse (\n\t./x\n\t./y\n)\n" +
		"-- x/go.mod --\nmodule x.test\n\ngo " + goLine + "\n\nrequire (\n\texample.test/a v1.0.0\n\ty.test " + version + "\n)\n-- x/x.go --\n" + x +
		"-- y/go.mod --\nmodule y.test\n\ngo " + goLine + "\n-- y/y.go --\npackage y\n"
}

// newer is a main module that requires a version of example.test/a with a go line
// of 1.22.
func newer(goLine string) string {
	return strings.NewReplacer("1.21", goLine, "v1.0.0", "v1.2.0").Replace(goMod) + "-- go.sum --\n{a3}"
}

// inD is the directory in the place of example.test/d.
const inD = "-- d/go.mod --\nmodule example.test/d\n-- d/d.go --\npackage d\n"

// inA is a checkout with a directory in the place of example.test/a: the go lines
// and requirements of both, and what the directory's package imports.
func inA(goLine, require, goLineOfA, requireOfA, importOfA string) string {
	s := "-- go.mod --\nmodule m.test\n\ngo " + goLine + "\n\nrequire example.test/a v1.0.0\n\nreplace example.test/a => ./a\n\nreplace example.test/d => ./d\n"
	if require != "" {
		s += "\nrequire " + require + "\n"
	}
	s += goFile + "-- a/go.mod --\nmodule example.test/a\n\ngo " + goLineOfA + "\n"
	if requireOfA != "" {
		s += "\nrequire " + requireOfA + "\n"
	}
	s += "-- a/a.go --\npackage a\n"
	if importOfA != "" {
		s += "\nimport _ \"" + importOfA + "\"\n"
	}
	return s
}

var verdicts = []verdict{
	{name: "nothing is wrong", files: goMod + goFile + sums},
	{name: "the zip line of an imported module is missing", files: goMod + goFile + "-- go.sum --\n{a1.mod}", fails: noSum, check: "go-sum-missing-line"},
	{name: "the go.mod line of an imported module is missing", files: goMod + goFile + "-- go.sum --\n{a1.zip}", fails: noSum, check: "go-sum-missing-line"},
	{name: "go.sum has an older version only", files: strings.Replace(goMod, "v1.0.0", "v1.1.0", 1) + goFile + sums, fails: noSum, check: "go-sum-missing-line"},
	{name: "the lines of a module that nothing imports are missing", files: goMod + noFile + "-- go.sum --\n{b1}", check: "go-sum-missing-line?"},
	{name: "a test alone imports the module", files: goMod + noFile + "-- m_test.go --\npackage m\n\nimport _ \"example.test/a\"\n-- go.sum --\n{a1.mod}",
		args: "vet ./...", fails: noSum, check: "go-sum-missing-line"},
	{name: "a file that no build has imports the module", files: goMod + noFile + "-- gen.go --\n//go:build ignore\n\npackage main\n\nimport _ \"example.test/a\"\n-- go.sum --\n{a1.mod}", check: "go-sum-missing-line?"},
	{name: "a file of another platform imports the module", files: goMod + noFile + "-- m_plan9.go --\npackage m\n\nimport _ \"example.test/a\"\n-- go.sum --\n{a1.mod}", check: "go-sum-missing-line?"},
	{name: "a file behind a tag of GOFLAGS imports the module", files: goMod + noFile + "-- t.go --\n//go:build special\n\npackage m\n\nimport _ \"example.test/a\"\n-- go.sum --\n{a1.mod}",
		env: "-tags=special", fails: noSum, check: "go-sum-missing-line"},
	{name: "testdata imports the module", files: goMod + noFile + "-- testdata/t.go --\npackage t\n\nimport _ \"example.test/a\"\n-- go.sum --\n{a1.mod}", check: "go-sum-missing-line?"},
	{name: "a module of its own below imports the module", files: goMod + noFile + "-- sub/go.mod --\nmodule s.test\n-- sub/t.go --\npackage t\n\nimport _ \"example.test/a\"\n-- go.sum --\n{a1.mod}", check: "go-sum-missing-line?"},
	{name: "a module whose path begins that of an imported one lacks its line",
		files: "-- go.mod --\nmodule m.test\n\ngo 1.21\n\nrequire (\n\texample.test/a v1.0.0\n\texample.test/a/sub v1.0.0\n)\n-- m.go --\npackage m\n\nimport _ \"example.test/a/sub\"\n-- go.sum --\n{a1.mod}{s1}",
		fails: noSum, check: "go-sum-missing-line"},
	{name: "-mod=mod adds the line", files: goMod + goFile + "-- go.sum --\n{a1.mod}", env: "-mod=mod", check: "go-sum-missing-line?"},
	{name: "before go 1.17 every build reads the go.mod of every required module", files: strings.Replace(goMod, "1.21", "1.16", 1) + noFile + "-- go.sum --\n{a1.zip}", fails: noSum, check: "go-sum-missing-line"},
	{name: "before go 1.17 the zip of a module that nothing imports is not missed", files: strings.Replace(goMod, "1.21", "1.16", 1) + noFile + "-- go.sum --\n{a1.mod}", check: "go-sum-missing-line?"},
	{name: "there is no go.sum", files: goMod + goFile, fails: noSum, check: "invalid"},
	{name: "there is no go.sum and nothing imports anything", files: goMod + noFile, check: "go-sum-missing?"},

	{name: "a byte order mark before go.mod", files: strings.Replace(goMod, "module", "BOMmodule", 1) + goFile + sums, fails: "unexpected input character", check: "invalid"},
	{name: "a byte order mark before the zip line of go.sum", files: goMod + goFile + "-- go.sum --\nBOM{a1}", fails: noSum, check: "byte-order-mark"},
	{name: "a byte order mark before the go.mod line of go.sum", files: goMod + goFile + "-- go.sum --\nBOM{a1.mod}{a1.zip}", fails: noSum, check: "byte-order-mark"},
	{name: "a byte order mark before a line of go.sum that nothing needs", files: goMod + goFile + "-- go.sum --\nBOM{b1}{a1}", check: "byte-order-mark?"},
	{name: "a byte order mark before an empty line of go.sum", files: goMod + goFile + "-- go.sum --\nBOM\n{a1}", fails: "wrong number of fields", check: "invalid"},
	{name: "a byte order mark before go.work", files: "-- go.work --\nBOMgo 1.21\n\nuse ./x\n" + member + "-- x/go.sum --\n{a1}", args: "build ./x", fails: "unexpected input character", check: "invalid"},
	{name: "a byte order mark before go.work.sum", files: "-- go.work --\ngo 1.21\n\nuse ./x\n-- go.work.sum --\nBOM{b1}" + member + "-- x/go.sum --\n{a1}", args: "build ./x", check: "byte-order-mark?"},
	{name: "a byte order mark before vendor/modules.txt", files: goMod + goFile + vendor + "BOM" + listed, fails: unfit, check: "vendor-inconsistent"},

	{name: "two versions of a module", files: twice + goFile + "-- go.sum --\n{a1}{a2}", fails: updates, check: "go-mod-required-twice"},
	{name: "two versions of a module that nothing imports", files: twice + noFile + "-- go.sum --\n{a1}{a2}", fails: updates, check: "go-mod-required-twice"},
	{name: "two versions of a module before go 1.17", files: strings.Replace(twice, "1.21", "1.16", 1) + goFile + "-- go.sum --\n{a1}{a2}", fails: updates, check: "go-mod-required-twice"},
	{name: "two versions of a module and -mod=mod", files: twice + goFile + "-- go.sum --\n{a1}{a2}", env: "-mod=mod"},
	{name: "two versions of a module in vendor", files: twice + goFile + vendor + "# example.test/a v1.0.0\n## explicit; go 1.20\n# example.test/a v1.1.0\n## explicit; go 1.20\nexample.test/a\n", fails: updates, check: "go-mod-required-twice"},
	{name: "one version of a module twice", files: strings.Replace(twice, "v1.1.0", "v1.0.0", 1) + goFile + sums},
	{name: "two versions of a module in a workspace", files: "-- go.work --\ngo 1.21\n\nuse ./x\n" + strings.Replace(member, "\n-- x/x.go", "\nrequire example.test/a v1.1.0\n-- x/x.go", 1) + "-- x/go.sum --\n{a1}{a2}",
		args: "build ./x", check: "go-work-sum-missing?"},
	{name: "a required version is excluded", files: goMod + "\nexclude example.test/a v1.0.0\n" + goFile + sums, fails: updates, check: "go-mod-excluded-require"},
	{name: "a required version of a module that nothing imports is excluded", files: goMod + "\nexclude example.test/a v1.0.0\n" + noFile + sums, fails: updates, check: "go-mod-excluded-require"},

	{name: "go.work is older than a member", files: "-- go.work --\ngo 1.21\n\nuse ./x\n" + strings.Replace(member, "go 1.21", "go 1.22.3", 1) + "-- x/go.sum --\n{a1}", args: "build ./x", fails: tooOld, check: "go-work-too-old"},
	{name: "go.work asks for the language version of a member's release", files: "-- go.work --\ngo 1.22\n\nuse ./x\n" + strings.Replace(member, "go 1.21", "go 1.22.0", 1) + "-- x/go.sum --\n{a1}", args: "build ./x", fails: tooOld, check: "go-work-too-old"},
	{name: "go.work has no go line and a member asks for 1.21", files: "-- go.work --\nuse ./x\n" + member + "-- x/go.sum --\n{a1}", args: "build ./x", fails: tooOld, check: "go-work-too-old"},
	{name: "go.work has no go line and a member asks for 1.20", files: "-- go.work --\nuse ./x\n" + strings.Replace(member, "go 1.21", "go 1.20", 1) + "-- x/go.sum --\n{a1}", args: "build ./x", check: "go-work-sum-missing?"},
	{name: "go.work is older than a member of before 1.21", files: "-- go.work --\ngo 1.18\n\nuse ./x\n" + strings.Replace(member, "go 1.21", "go 1.20", 1) + "-- x/go.sum --\n{a1}", args: "build ./x", check: "go-work-sum-missing?"},
	{name: "go.work uses nothing", files: "-- go.work --\ngo 1.21\n" + member, args: "build ./x", fails: "no modules were found in the current workspace", check: "go-work-empty"},
	{name: "a member is missing", files: "-- go.work --\ngo 1.21\n\nuse (\n\t./x\n\t./y\n)\n" + member + "-- x/go.sum --\n{a1}", args: "build ./x", fails: "cannot load module y", check: "invalid"},
	{name: "a member that nobody published, in builds", files: "-- go.work --\ngo 1.21\n\nuse (\n\t./x\n\t./y\n)\n-- x/go.mod --\nmodule x.test\n\ngo 1.21\n\nrequire y.test v0.0.0\n-- x/x.go --\npackage x\n\nimport _ \"y.test\"\n-- y/go.mod --\nmodule y.test\n\ngo 1.21\n-- y/y.go --\npackage y\n",
		args: "build ./x", check: "go-work-unpublished?"},
	{name: "a member that nobody published beside a module that nothing imports", files: pair("v0.0.0", "1.24", "y.test") + sum, args: "build ./x", check: "go-work-unpublished?"},
	{name: "a member that nobody published beside an imported module", files: pair("v0.0.0", "1.21", "y.test", "example.test/a") + sum, args: "build ./x", fails: "y.test@v0.0.0", check: "go-work-unpublished"},
	{name: "a member that nobody published and nothing imports beside an imported module", files: pair("v0.0.0", "1.24", "example.test/a") + sum, args: "build ./x", fails: "y.test@v0.0.0", check: "go-work-unpublished"},
	{name: "a member at the version that stands beside a replacement", files: pair("v0.0.0-00010101000000-000000000000", "1.24", "example.test/a") + sum, args: "build ./x", fails: "y.test@v0.0.0", check: "go-work-unpublished"},
	{name: "a member that nobody published, which go.work replaces", files: strings.Replace(pair("v0.0.0", "1.24", "example.test/a"), "use (", "replace y.test v0.0.0 => ./y\n\nuse (", 1) + sum, args: "build ./x", check: "go-work-sum-missing?"},
	{name: "a member that nobody published, which the requiring one replaces", files: strings.Replace(pair("v0.0.0", "1.24", "example.test/a"), "\n-- x/x.go", "\nreplace y.test => ../y\n-- x/x.go", 1) + sum, args: "build ./x", check: "go-work-sum-missing?"},
	{name: "a member that a test alone imports beside", files: pair("v0.0.0", "1.24") + "-- x/x_test.go --\npackage x\n\nimport _ \"example.test/a\"\n" + sum, args: "build ./x", check: "go-work-unpublished?"},
	{name: "a member that nobody published, in vendor", files: pair("v0.0.0", "1.24", "example.test/a") + "-- vendor/example.test/a/a.go --\npackage a\n-- vendor/modules.txt --\n## workspace\n" + listed + "# y.test v0.0.0\n## explicit; go 1.24\n", args: "build ./x"},

	{name: "two hashes, the right one first", files: goMod + goFile + sums + "{b1.zip as a1}", check: "go-sum-two-hashes?"},
	{name: "two hashes of the go.mod, the right one first", files: goMod + goFile + sums + "{b1.mod as a1}", check: "go-sum-two-hashes?"},
	{name: "two hashes in a member, the right one first", files: "-- go.work --\ngo 1.21\n\nuse ./x\n" + member + "-- x/go.sum --\n{a1}{b1.zip as a1}", args: "build ./x", fails: "checksum mismatch", check: "invalid"},
	{name: "two hashes in go.work.sum, the right one first", files: "-- go.work --\ngo 1.21\n\nuse ./x\n" + member + "-- go.work.sum --\n{a1}{b1.zip as a1}", args: "build ./x", check: "go-sum-two-hashes?"},

	{name: "vendor fits", files: goMod + goFile + vendor + listed},
	{name: "vendor with line ends of Windows", files: goMod + goFile + vendor + strings.ReplaceAll(listed, "\n", "\r\n")},
	{name: "vendor lacks a requirement", files: strings.Replace(goMod, "v1.0.0", "v1.1.0", 1) + goFile + vendor + listed, fails: unfit, check: "vendor-inconsistent"},
	{name: "vendor has a requirement too many", files: goMod + goFile + vendor + listed + "# example.test/b v1.0.0\n## explicit; go 1.20\nexample.test/b\n", fails: unfit, check: "vendor-inconsistent"},
	{name: "vendor has a requirement too many that provides nothing", files: goMod + goFile + vendor + listed + "# example.test/b v1.0.0\n## explicit; go 1.20\n"},
	{name: "vendor lacks a replacement", files: goMod + "\nreplace example.test/b => ./b\n" + goFile + vendor + listed, fails: unfit, check: "vendor-inconsistent"},
	{name: "vendor has a replacement", files: goMod + "\nreplace example.test/b => ./b\n" + goFile + vendor + listed + "# example.test/b => ./b\n"},
	{name: "vendor has a replacement too many", files: goMod + goFile + vendor + listed + "# example.test/b v1.0.0 => ./b\n", fails: unfit, check: "vendor-inconsistent"},

	{name: "vendor has no modules.txt", files: goMod + goFile + sums + "-- vendor/x/x.go --\npackage x\n", fails: unfit, check: "vendor-incomplete"},
	{name: "vendor has no modules.txt and nothing imports anything", files: goMod + noFile + sums + "-- vendor/x/x.go --\npackage x\n", fails: unfit, check: "vendor-incomplete"},
	{name: "vendor has no modules.txt and nothing is required", files: "-- go.mod --\nmodule m.test\n\ngo 1.21\n" + noFile + "-- vendor/x/x.go --\npackage x\n"},
	{name: "vendor has no modules.txt before go 1.14", files: strings.Replace(goMod, "1.21", "1.13", 1) + goFile + sums + "-- vendor/x/x.go --\npackage x\n"},
	{name: "vendor has no modules.txt in a workspace", files: "-- go.work --\ngo 1.22\n\nuse ./x\n-- vendor/x/x.go --\npackage x\n" + member + sum, args: "build ./x", check: "go-work-sum-missing?"},
	{name: "vendor has no modules.txt and -mod=mod", files: goMod + goFile + sums + "-- vendor/x/x.go --\npackage x\n", env: "-mod=mod"},
	{name: "-mod=vendor without vendor", files: goMod + goFile + sums, env: "-mod=vendor", fails: unfit, check: "vendor-incomplete"},
	{name: "-mod=vendor without vendor where nothing imports anything", files: goMod + noFile + sums, env: "-mod=vendor", fails: unfit, check: "vendor-incomplete"},
	{name: "-mod=vendor without vendor before go 1.14 where nothing imports anything", files: strings.Replace(goMod, "1.21", "1.13", 1) + noFile + sums, env: "-mod=vendor", check: "vendor-incomplete?"},
	{name: "-mod=vendor without vendor in a workspace", files: "-- go.work --\ngo 1.22\n\nuse ./x\n" + member + sum, env: "-mod=vendor", args: "build ./x", fails: unfit, check: "vendor-incomplete"},
	{name: "a package is missing from vendor", files: goMod + goFile + "-- vendor/modules.txt --\n" + listed, fails: "cannot find module providing package", check: "vendor-package-missing"},
	{name: "a package that nothing imports is missing from vendor", files: goMod + noFile + "-- vendor/modules.txt --\n" + listed},

	{name: "there is no module line", files: "-- go.mod --\ngo 1.21\n" + noFile, fails: "missing module declaration", check: "invalid"},
	{name: "the module's path is none", files: "-- go.mod --\nmodule m_test!x\n\ngo 1.21\n" + noFile, fails: "malformed module path", check: "invalid"},
	{name: "the go line is none", files: "-- go.mod --\nmodule m.test\n\ngo v1.21\n" + noFile, fails: "invalid go version", check: "invalid"},
	{name: "the toolchain line is none", files: "-- go.mod --\nmodule m.test\n\ngo 1.21\n\ntoolchain 1.23.0\n" + noFile, fails: "invalid toolchain version", check: "invalid"},
	{name: "a merge left its markers", files: "-- go.mod --\nmodule m.test\n\ngo 1.21\n<<<<<<< HEAD\n" + noFile, fails: "unknown directive", check: "invalid"},
	{name: "go.mod with line ends of Windows", files: strings.ReplaceAll(goMod, "\n", "\r\n") + goFile + sums},
	{name: "a replacement's directory is missing and its module imported", files: goMod + "\nreplace example.test/a => ./none\n" + goFile, fails: "does not exist", check: "replace-directory-missing"},
	{name: "a replacement's directory is missing and nothing imports its module", files: goMod + "\nreplace example.test/a => ./none\n" + noFile, check: "replace-directory-missing?"},
	{name: "a replacement's directory outside the checkout is missing and its module imported", files: goMod + "\nreplace example.test/a => ../none\n" + goFile, fails: "does not exist", check: "replace-directory-missing"},
	{name: "a replacement's directory outside the module is there", files: "-- a/go.mod --\nmodule example.test/a\n-- a/a.go --\npackage a\n" + strings.NewReplacer("-- go", "-- m/go", "-- m.go", "-- m/m.go").Replace(goMod+"\nreplace example.test/a => ../a\n"+goFile), args: "-C m build ./..."},
	{name: "an absolute directory of a replacement is missing and its module imported", files: goMod + "\nreplace example.test/a => /none/of/the/machine\n" + goFile, fails: "does not exist", check: "replace-directory-missing"},
	{name: "a replacement's directory outside the checkout is missing and nothing imports its module", files: goMod + "\nreplace example.test/a => ../none\n" + noFile, check: "replace-directory-missing?"},
	{name: "a replacement's directory outside the checkout is missing and nothing requires its module", files: goMod + "\nreplace example.test/b => ../none\n" + goFile + sums},
	{name: "no required module has an imported package", files: "-- go.mod --\nmodule m.test\n\ngo 1.21\n" + goFile, fails: "no required module provides package", check: "import-not-required"},
	{name: "no required module has a package that a test imports", files: "-- go.mod --\nmodule m.test\n\ngo 1.21\n" + noFile + "-- m_test.go --\npackage m\n\nimport _ \"example.test/a\"\n", args: "vet ./...", fails: "no required module provides package", check: "import-not-required"},
	{name: "a replaced module that nothing requires has an imported package", files: "-- go.mod --\nmodule m.test\n\ngo 1.21\n\nreplace example.test/a => ./a\n" + goFile + "-- a/go.mod --\nmodule example.test/a\n-- a/a.go --\npackage a\n", fails: "replaced but not required", check: "import-not-required"},
	{name: "the module that has an imported package is in the graph only", files: "-- go.mod --\nmodule m.test\n\ngo 1.16\n\nrequire example.test/d v1.0.0\n\nreplace example.test/d => ./d\n" + goFile + "-- d/go.mod --\nmodule example.test/d\n\ngo 1.16\n\nrequire example.test/a v1.0.0\n-- d/d.go --\npackage d\n" + sums, fails: "implicitly required module", check: "import-not-required"},
	{name: "before go 1.17 a replacement's directory imports what go.mod lacks", files: inA("1.16", "", "1.16", "example.test/b v1.0.0", "example.test/b") + "-- go.sum --\n{b1}"},
	{name: "the module that has an imported package is in the graph only, since go 1.17", files: "-- go.mod --\nmodule m.test\n\ngo 1.17\n\nrequire example.test/d v1.0.0\n\nreplace example.test/d => ./d\n" + goFile + "-- d/go.mod --\nmodule example.test/d\n\ngo 1.16\n\nrequire example.test/a v1.0.0\n-- d/d.go --\npackage d\n" + sums, fails: updates, check: "import-not-required"},
	{name: "no required module has a package and -mod=mod", files: "-- go.mod --\nmodule m.test\n\ngo 1.21\n" + goFile, env: "-mod=mod"},
	{name: "a module of its own has an imported package", files: "-- go.mod --\nmodule m.test\n\ngo 1.21\n-- m.go --\npackage m\n\nimport _ \"m.test/sub/x\"\n-- sub/go.mod --\nmodule m.test/sub\n\ngo 1.21\n-- sub/x/x.go --\npackage x\n", fails: "no required module provides package", check: "import-not-required"},
	{name: "packages of the main module and the standard library", files: "-- go.mod --\nmodule m.test\n\ngo 1.21\n-- m.go --\npackage m\n\nimport (\n\t_ \"io\"\n\t_ \"m.test/sub\"\n\t_ \"unicode/utf16\"\n)\n-- sub/x.go --\npackage x\n"},
	{name: "a main module without a dot in its path", files: "-- go.mod --\nmodule m\n\ngo 1.21\n-- m.go --\npackage m\n\nimport _ \"m/sub\"\n-- sub/go.mod --\nmodule m/sub\n\ngo 1.21\n-- sub/x.go --\npackage x\n", fails: "m/sub", check: "import-not-required"},

	{name: "a replacement's directory imports what go.sum lacks", files: inA("1.21", "example.test/b v1.0.0", "1.21", "example.test/b v1.0.0", "example.test/b"), fails: noSum, check: "invalid"},
	{name: "a replacement's directory imports what go.mod lacks", files: inA("1.21", "", "1.21", "example.test/b v1.0.0", "example.test/b") + "-- go.sum --\n{b1}", fails: updates, check: "import-not-required"},
	{name: "a replacement's directory requires what it does not import", files: inA("1.21", "", "1.21", "example.test/b v1.0.0", "")},
	{name: "a replacement's directory asks for a newer Go", files: inA("1.21", "", "1.23", "", ""), fails: updates, check: "go-mod-behind"},
	{name: "a replacement's directory asks for a newer Go and nothing imports it", files: strings.Replace(inA("1.21", "", "1.23", "", ""), goFile, noFile, 1)},
	{name: "a replacement's directory asks for a newer Go and -mod=mod", files: inA("1.21", "", "1.23", "", ""), env: "-mod=mod"},
	{name: "before go 1.17 a replacement's directory that nothing imports asks for a newer Go", files: strings.Replace(inA("1.16", "", "1.21", "", ""), goFile, noFile, 1), fails: updates, check: "go-mod-behind"},
	{name: "a replacement's directory asks for a newer Go of before 1.21", files: inA("1.16", "", "1.20", "", "")},
	{name: "there is no go line and a replacement's directory asks for 1.21", files: strings.Replace(inA("1.21", "", "1.21", "", ""), "go 1.21\n\n", "", 1), fails: updates, check: "go-mod-behind"},
	{name: "a replacement's directory requires a newer version", files: inA("1.21", "example.test/d v1.0.0", "1.21", "example.test/d v1.1.0", "") + inD, fails: updates, check: "go-mod-behind"},
	{name: "a replacement's directory requires an older version", files: inA("1.21", "example.test/d v1.1.0", "1.21", "example.test/d v1.0.0", "") + inD},
	{name: "a replacement's directory that nothing imports requires a newer version", files: strings.Replace(inA("1.21", "example.test/d v1.0.0", "1.21", "example.test/d v1.1.0", ""), goFile, noFile, 1) + inD},

	{name: "a required module asks for a newer Go", files: newer("1.21") + goFile, fails: updates, check: "go-mod-behind"},
	{name: "a required module that nothing imports asks for a newer Go", files: newer("1.21") + noFile},
	{name: "there is no go line and a required module asks for 1.21", files: strings.Replace(newer("1.21"), "go 1.21\n\n", "", 1) + noFile, fails: updates, check: "go-mod-behind"},
	{name: "a required module asks for the Go of go.mod", files: newer("1.22") + goFile},
	{name: "a required module asks for a newer Go and -mod=mod", files: newer("1.21") + goFile, env: "-mod=mod"},

	{name: "tool of no required module, in builds", files: strings.Replace(goMod, "1.21", "1.24", 1) + "\ntool example.test/b\n" + goFile + sums, check: "tool-not-required?"},
	{name: "tool of no required module", files: strings.Replace(goMod, "1.21", "1.24", 1) + "\ntool example.test/b\n" + goFile + sums, args: "tool -n b", fails: "no required module provides package", check: "tool-not-required?"},
	{name: "tool of the main module", files: strings.Replace(goMod, "1.21", "1.24", 1) + "\ntool m.test/x\n" + goFile + sums + "-- x/x.go --\npackage main\n\nfunc main() {}\n", args: "tool -n x"},

	{name: "a required module is none and nothing imports it", files: strings.Replace(goMod, "/a ", "/A! ", 1) + noFile, check: "go-mod-invalid-module?"},
}

// A helper that calls a build broken which works is as bad as one that says ok
// to one that does not.
func TestModferryCallsACheckoutWrongWhereTheGoCommandFails(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs the go command some sixty times")
	}
	needGo(t)
	mod := func(path, version, goLine string) mirrortest.Module {
		return mirrortest.Module{Path: path, Version: version, GoMod: "module " + path + "\n\ngo " + goLine + "\n"}
	}
	f := mirrortest.Build(t, mod("example.test/a", "v1.0.0", "1.20"), mod("example.test/a", "v1.1.0", "1.20"), mod("example.test/a", "v1.2.0", "1.22"), mod("example.test/a/sub", "v1.0.0", "1.20"), mod("example.test/b", "v1.0.0", "1.20"))
	s := serve(t, f)
	pairs := []string{"BOM", "\ufeff"}
	for name, v := range map[string]module.Version{
		"a1": {Path: "example.test/a", Version: "v1.0.0"}, "a2": {Path: "example.test/a", Version: "v1.1.0"}, "a3": {Path: "example.test/a", Version: "v1.2.0"},
		"s1": {Path: "example.test/a/sub", Version: "v1.0.0"}, "b1": {Path: "example.test/b", Version: "v1.0.0"},
	} {
		both := f.Get(v.Path, v.Version).SumLines()
		zip, rest, _ := strings.Cut(both, "\n")
		pairs = append(pairs, "{"+name+"}", both, "{"+name+".zip}", zip+"\n", "{"+name+".mod}", rest)
	}
	for _, kind := range []string{"zip", "mod"} { // the hash of another module
		i := slices.Index(pairs, "{b1."+kind+"}")
		pairs = append(pairs, "{b1."+kind+" as a1}", strings.Replace(pairs[i+1], "test/b", "test/a", 1))
	}
	written := strings.NewReplacer(pairs...)
	for _, v := range verdicts {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			j := emptyJob(t, s.URL).set("GOFLAGS", v.env).unset("GOWORK")
			for _, file := range txtar.Parse([]byte(written.Replace(v.files))).Files {
				j.write(file.Name, string(file.Data))
			}
			dir := j.dir
			if rest, ok := strings.CutPrefix(v.args, "-C "); ok {
				sub, _, _ := strings.Cut(rest, " ")
				dir = filepath.Join(dir, sub)
			}
			list, err := worklist.Load(dir, worklist.Options{GOFLAGS: v.env})
			if err == nil { // as a fetch does that brought them
				list.Findings = append(list.Findings, list.CheckGoMods(func(m module.Version) []byte {
					if served := f.Get(m.Path, m.Version); served != nil {
						return served.Mod
					}
					return nil
				})...)
			}
			if got := said(t, list, err); got != v.check {
				t.Errorf("modferry says %q, want %q: %v", got, v.check, err)
			}
			args := "build ./..."
			if v.args != "" {
				args = v.args
			}
			r := j.run(strings.Fields(args)...)
			seen := r.works()
			if v.fails != "" {
				seen = r.fails(v.fails)
			}
			if seen != "" {
				t.Error(seen)
			}
		})
	}
}

// said is the first error that modferry tells of a checkout, else the first
// other finding with a "?".
func said(t *testing.T, list *worklist.List, err error) string {
	t.Helper()
	var input *worklist.InputError
	switch {
	case errors.As(err, &input):
		return "invalid"
	case err != nil:
		t.Fatal(err)
	case len(list.Findings) == 0:
		return ""
	}
	if i := slices.IndexFunc(list.Findings, func(f finding.Finding) bool { return f.Severity == finding.Error }); i >= 0 {
		return list.Findings[i].Check
	}
	return list.Findings[0].Check + "?"
}
