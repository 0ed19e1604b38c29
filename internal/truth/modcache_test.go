package truth

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// poisoned is a job whose module cache holds m, with a go.sum of the honest m
// and GOPROXY=off, and the files of an m that an attacker made.
func poisoned(t *testing.T) (j *job, honest, evil *mirrortest.Artifact) {
	t.Helper()
	f := one(t)
	j = newJob(t, f, f.WriteProxy(t, t.TempDir()))
	j.must("mod", "download")
	evilSet := mirrortest.Build(t, mirrortest.Module{Path: m.Path, Version: m.Version, Files: map[string]string{"evil.go": "package m\n"}})
	j.set("GOPROXY", "off")
	return j, f.Get(m.Path, m.Version), evilSet.Get(m.Path, m.Version)
}

// dropTree removes the extracted tree.
func (j *job) dropTree() {
	j.t.Helper()
	writable(j.tree(m))
	if err := os.RemoveAll(j.tree(m)); err != nil {
		j.t.Fatal(err)
	}
}

// poisonTree adds a file to the extracted tree.
func (j *job) poisonTree() {
	j.t.Helper()
	writable(j.tree(m))
	writeFile(j.t, filepath.Join(j.tree(m), "evil.go"), "package m\n")
}

// buildsEvil is "" when a build succeeds with evil.go in it.
func (j *job) buildsEvil() string { return j.builds("[evil.go m.go]") }

// buildsHonest is "" when a build succeeds without evil.go.
func (j *job) buildsHonest() string { return j.builds("[m.go]") }

func (j *job) builds(files string) string {
	j.t.Helper()
	return all(j.run("build", "./...").works(), j.run("list", "-f", "{{.GoFiles}}", m.Path).works(files))
}

// modCacheClaims say what the go command believes of its module cache.
func modCacheClaims() []claim {
	const leans = "internal/modcache/present.go, internal/modcache/verify.go, docs/mirrors.md (a poisoned zip or tree in the cache)"
	return []claim{
		{"poisoned-zip-with-the-right-ziphash-builds", "a zip with other content is built where .ziphash holds the hash of go.sum", leans, func(t *testing.T) string {
			j, _, evil := poisoned(t)
			j.dropTree()
			writeFile(t, j.cached(m, ".zip"), string(evil.Zip))
			return j.buildsEvil()
		}},
		{"poisoned-tree-builds", "a tree with other content is built where zip and .ziphash are good", leans, func(t *testing.T) string {
			j, _, _ := poisoned(t)
			j.poisonTree()
			return j.buildsEvil()
		}},
		{"poisoned-tree-without-ziphash-builds", "a tree with other content is built where .ziphash is missing and the zip is good", leans, func(t *testing.T) string {
			j, _, _ := poisoned(t)
			j.poisonTree()
			remove(t, j.cached(m, ".ziphash"))
			return j.buildsEvil()
		}},
		{"poisoned-zip-without-ziphash-is-caught", "a zip with other content is caught where .ziphash is missing", leans, func(t *testing.T) string {
			j, _, evil := poisoned(t)
			j.dropTree()
			writeFile(t, j.cached(m, ".zip"), string(evil.Zip))
			remove(t, j.cached(m, ".ziphash"))
			return j.run("build", "./...").fails("checksum mismatch")
		}},
		{"poisoned-ziphash-is-caught", "a .ziphash with another hash than go.sum's is caught", leans, func(t *testing.T) string {
			j, _, evil := poisoned(t)
			writeFile(t, j.cached(m, ".ziphash"), evil.ZipSum)
			return j.run("build", "./...").fails("checksum mismatch")
		}},
		{"poisoned-go-mod-is-caught", "a .mod with other content is caught at every read", leans, func(t *testing.T) string {
			j, honest, _ := poisoned(t)
			writeFile(t, j.cached(m, ".mod"), string(honest.Mod)+"\n// evil\n")
			return j.run("build", "./...").fails("checksum mismatch")
		}},
		{"partial-tree-is-extracted-again", "a tree with a .partial beside it is extracted again", leans, func(t *testing.T) string {
			j, _, _ := poisoned(t)
			j.poisonTree()
			writeFile(t, j.cached(m, ".partial"), "")
			return j.buildsHonest()
		}},
		{"missing-tree-is-extracted", "a missing tree is extracted from the zip", leans, func(t *testing.T) string {
			j, _, _ := poisoned(t)
			j.dropTree()
			return j.buildsHonest()
		}},
		{"missing-ziphash-is-made-again", "a missing or empty .ziphash is made again", leans + ", internal/modcache/put.go", func(t *testing.T) string {
			j, honest, _ := poisoned(t)
			writeFile(t, j.cached(m, ".ziphash"), "")
			seen := j.buildsHonest()
			got, err := os.ReadFile(j.cached(m, ".ziphash"))
			return all(seen, unless(err == nil && string(got) == honest.ZipSum, "the .ziphash is %q", got))
		}},
		{"mod-verify-finds-a-poisoned-zip", "go mod verify finds a zip that differs from .ziphash", leans + ", internal/failure/gologblock.go", func(t *testing.T) string {
			j, _, evil := poisoned(t)
			writeFile(t, j.cached(m, ".zip"), string(evil.Zip))
			return j.run("mod", "verify").fails("example.test/m000 v1.0.0: zip has been modified")
		}},
		{"mod-verify-finds-a-poisoned-tree", "go mod verify finds a tree that differs from .ziphash", leans + ", internal/failure/gologblock.go", func(t *testing.T) string {
			j, _, _ := poisoned(t)
			j.poisonTree()
			return j.run("mod", "verify").fails("example.test/m000 v1.0.0: dir has been modified")
		}},
		{"mod-verify-does-not-read-go-sum", "go mod verify does not compare with go.sum: where zip, .ziphash and tree agree, it passes", leans, func(t *testing.T) string {
			j, _, evil := poisoned(t)
			j.poisonTree()
			writeFile(t, j.cached(m, ".zip"), string(evil.Zip))
			writeFile(t, j.cached(m, ".ziphash"), evil.ZipSum)
			// The tree is the evil zip's, file for file.
			writable(j.tree(m))
			remove(t, filepath.Join(j.tree(m), "data.bin"))
			writeFile(t, filepath.Join(j.tree(m), "evil.go"), "package m\n")
			return all(j.run("mod", "verify").works("all modules verified"), j.run("build", "./...").fails("checksum mismatch"))
		}},
		{"mod-verify-skips-vendor", "go mod verify does not look at vendor/, and a build from vendor/ verifies nothing", leans + ", internal/worklist/vendor.go", func(t *testing.T) string {
			j, _, _ := poisoned(t)
			j.must("mod", "vendor")
			j.write("vendor/"+m.Path+"/evil.go", "package m\n")
			return all(j.buildsEvil(), j.run("mod", "verify").works("all modules verified"))
		}},
		{"mod-verify-skips-what-is-not-there", "go mod verify passes where nothing is downloaded", leans, func(t *testing.T) string {
			f := one(t)
			return newJob(t, f, f.WriteProxy(t, t.TempDir())).run("mod", "verify").works("all modules verified")
		}},
		{"corrupt-zip-is-never-healed", "a corrupt zip with the right .ziphash is not downloaded again", leans + ", internal/failure/gologblock.go", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			j := newJob(t, f, s.URL)
			j.must("mod", "download")
			j.dropTree()
			writeFile(t, j.cached(m, ".zip"), "no zip")
			s.Forget()
			return all(j.run("build", "./...").fails("zip: not a valid zip file"), asked(s, "*.zip", 0))
		}},
		{"cache-download-is-a-file-mirror", "GOMODCACHE/cache/download serves as a file:// mirror", leans + ", internal/mirror/file.go", func(t *testing.T) string {
			f := one(t)
			j := newJob(t, f, f.WriteProxy(t, t.TempDir()))
			j.must("mod", "download")
			return newJob(t, f, mirrortest.FileURL(j.modcache("cache", "download"))).run("mod", "download").works()
		}},
		{"downloads-are-in-gomodcache", "downloads are kept in GOMODCACHE/cache/download, extracted to GOMODCACHE/path@version", leans, func(t *testing.T) string {
			j, honest, _ := poisoned(t)
			var seen []string
			for ext, want := range map[string]string{".zip": string(honest.Zip), ".mod": string(honest.Mod), ".ziphash": honest.ZipSum} {
				got, err := os.ReadFile(j.cached(m, ext))
				seen = append(seen, unless(err == nil && string(got) == want, "%s is not as served: %v", ext, err))
			}
			return all(append(seen, unless(exists(filepath.Join(j.tree(m), "m.go")), "no tree"))...)
		}},
		{"other-info-is-rewritten", "of an .info only Version matters", leans + ", internal/modcache/info.go", func(t *testing.T) string {
			j, _, _ := poisoned(t)
			writeFile(t, j.cached(m, ".info"), "{}")
			return all(j.run("mod", "download").works(), j.buildsHonest())
		}},
		{"module-cache-must-be-absolute", "a relative GOMODCACHE is refused", "internal/goenv/env.go, internal/failure/gologblock.go", func(t *testing.T) string {
			f := one(t)
			return newJob(t, f, f.WriteProxy(t, t.TempDir())).set("GOMODCACHE", "relative").run("mod", "download").fails("GOMODCACHE entry is relative; must be absolute path")
		}},
	}
}
