package truth

import (
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// withSum runs a download and a listing of packages with another go.sum, made
// of the complete one.
func withSum(t *testing.T, edit func(sum string) string) (download, list result, s *mirrortest.Server) {
	t.Helper()
	f := one(t)
	s = serve(t, f)
	j := newJob(t, f, s.URL)
	j.write("go.sum", edit(j.read("go.sum")))
	list = j.run("list", "-deps", "./...")
	if !list.ok {
		return result{}, list, s
	}
	return j.run("mod", "download"), list, s
}

// accepted is a go.sum that is as good as the complete one.
func accepted(id, says string, edit func(sum string) string) claim {
	return claim{id, says, "internal/worklist/gosum.go", func(t *testing.T) string {
		download, list, _ := withSum(t, edit)
		return all(download.works(), list.works())
	}}
}

// rejected is a go.sum with which packages cannot be loaded.
func rejected(id, says, message string, zips int, edit func(sum string) string) claim {
	return claim{id, says, "internal/worklist/gosum.go, internal/failure/gologblock.go", func(t *testing.T) string {
		_, list, s := withSum(t, edit)
		return all(list.fails(message), asked(s, "*.zip", zips))
	}}
}

const otherHash = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

// goSumClaims say how go.sum and replace are read.
func goSumClaims() []claim {
	return []claim{
		accepted("crlf", "line ends of Windows in go.sum are fine", func(sum string) string { return strings.ReplaceAll(sum, "\n", "\r\n") }),
		accepted("right-duplicate-first", "of two lines of a module the right one may be followed by a wrong one", func(sum string) string {
			return sum + m.Path + " " + m.Version + " " + otherHash + "\n"
		}),
		rejected("wrong-duplicate-first", "of two lines of a module a wrong one before the right one is fatal", "checksum mismatch", 1, func(sum string) string {
			return m.Path + " " + m.Version + " " + otherHash + "\n" + sum
		}),
		accepted("unknown-algorithm-beside", "a line with an unknown algorithm does not disturb the one with h1", func(sum string) string {
			return m.Path + " " + m.Version + " h9:xyz\n" + sum
		}),
		rejected("merge-marker", "a line with another number of fields than three is fatal", "wrong number of fields", 0, func(sum string) string {
			return "<<<<<<< HEAD and more\n" + sum
		}),
		rejected("zip-line-missing", "a module whose zip line is missing is not even asked for", "missing go.sum entry for module providing package", 0, func(sum string) string {
			_, mod, _ := strings.Cut(sum, "\n")
			return mod
		}),
		rejected("go-mod-line-missing", "loading a package needs the /go.mod line of its module, too", "missing go.sum entry", 1, func(sum string) string {
			zip, _, _ := strings.Cut(sum, "\n")
			return zip + "\n"
		}),
		{"mod-download-adds-no-zip-lines", "go mod download without arguments downloads a module whose zip line is missing and does not add the line", "internal/worklist, internal/fetch (findings about go.sum)", func(t *testing.T) string {
			f := one(t)
			j := newJob(t, f, f.WriteProxy(t, t.TempDir()))
			_, mod, _ := strings.Cut(j.read("go.sum"), "\n")
			j.write("go.sum", mod)
			r := j.run("mod", "download")
			return all(r.works(), equal("go.sum", j.read("go.sum"), mod))
		}},
		{"mod-mod-adds-lines", "-mod=mod adds the lines that go.sum lacks", "internal/failure/kind.go (missing_sum)", func(t *testing.T) string {
			f := one(t)
			j := newJob(t, f, f.WriteProxy(t, t.TempDir()))
			want := j.read("go.sum")
			j.write("go.sum", "")
			r := j.set("GOFLAGS", "-mod=mod").run("list", "-deps", "./...")
			return all(r.works(), equal("go.sum", j.read("go.sum"), want))
		}},
		{"replace-by-url", "a URL as replacement is refused", "internal/worklist/replace.go", func(t *testing.T) string {
			j := newJobWith(t, one(t), "off", mirrortest.Checkout{ExtraGoMod: "\nreplace " + m.Path + " => https://git.example.test/m.git\n"})
			return j.run("list", "-m", "all").fails("replacement")
		}},
		{"replace-by-name-without-version", "a replacement without version must be a directory that starts with ./ or ../ or is absolute", "internal/worklist/replace.go", func(t *testing.T) string {
			j := newJobWith(t, one(t), "off", mirrortest.Checkout{ExtraGoMod: "\nreplace " + m.Path + " => vendored/m\n"})
			return j.run("list", "-m", "all").fails("replacement module without version must be directory path")
		}},
		{"replace-by-directory-needs-no-line", "a module that a directory replaces needs no line in go.sum and no request", "internal/worklist/replace.go", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			j := newJobWith(t, f, s.URL, mirrortest.Checkout{ExtraGoMod: "\nreplace " + m.Path + " => ./m\n"})
			j.write("go.sum", "")
			j.write("m/go.mod", "module "+m.Path+"\n")
			j.write("m/m.go", "package m\n")
			return all(j.run("build", "./...").works(), asked(s, "*", 0))
		}},
		{"go-sum-is-compared-with-replacement", "of a replaced module the lines of the replacement count", "internal/worklist/replace.go", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			j := newJobWith(t, f, s.URL, mirrortest.Checkout{Require: []module.Version{m}})
			sum := j.read("go.sum")
			j.write("go.mod", "module example.test/main\n\ngo 1.21\n\nrequire other.test/x v1.5.0\n\nreplace other.test/x => "+m.Path+" "+m.Version+"\n")
			j.write("main.go", "package lib\n\nimport _ \"other.test/x\"\n")
			return all(j.run("list", "-deps", "./...").works(), equal("go.sum", j.read("go.sum"), sum), asked(s, "/other.test/*", 0))
		}},
	}
}
