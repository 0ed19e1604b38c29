package mirrortest_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var sample = mirrortest.Module{
	Path: "example.test/Upper/m", Version: "v1.2.3", Size: 3000,
	Files: map[string]string{"sub/sub.go": "package sub\n"},
}

func TestTheSameModulesGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	a := mirrortest.Build(t, sample).All()[0]
	b := mirrortest.Build(t, sample).All()[0]
	if !bytes.Equal(a.Zip, b.Zip) || a.SumLines() != b.SumLines() {
		t.Error("two builds of one module differ")
	}
	other := sample
	other.Version = "v1.2.4"
	if c := mirrortest.Build(t, other).All()[0]; c.ZipSum == a.ZipSum {
		t.Error("two versions have the same content")
	}
}

func TestSumsAreThoseOfTheReferenceImplementation(t *testing.T) {
	t.Parallel()
	a := mirrortest.Build(t, sample).Get(sample.Path, sample.Version)
	if got := zipHash(t, a.Zip); got != a.ZipSum {
		t.Errorf("zip: dirhash says %s, artifact %s", got, a.ZipSum)
	}
	if checkZip(t, a) != nil {
		t.Error("an honest zip breaks the rules")
	}
	if n := len(a.Zip); n < sample.Size || n > sample.Size+2000 {
		t.Errorf("zip with %d incompressible bytes has %d", sample.Size, n)
	}
}

func TestEvilArtifactsAreCaughtByHashOrByTheZipRulesAndByNothingElse(t *testing.T) {
	t.Parallel()
	honest := mirrortest.Build(t, sample).All()[0]
	// byHash are caught by comparing with the honest go.sum; the others carry
	// sums of their own, so that only the rules catch them.
	byHash := map[mirrortest.Evil]bool{mirrortest.OtherContent: true, mirrortest.TruncatedZip: true, mirrortest.OtherMod: true}
	for _, kind := range mirrortest.EvilKinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			evil := mirrortest.Corrupt(t, sample, kind)
			switch {
			case byHash[kind]:
				if evil.SumLines() != honest.SumLines() {
					t.Error("sums differ from the honest ones")
				}
				if bytes.Equal(evil.Zip, honest.Zip) && bytes.Equal(evil.Mod, honest.Mod) {
					t.Error("bytes are the honest ones")
				}
			case kind == mirrortest.LyingBomb:
				// The directory says 100 bytes: CheckZip believes it, only
				// reading the file shows. Its true h1 is that of the bomb.
				if checkZip(t, evil) != nil {
					t.Error("the lie shows in the directory")
				}
				if evil.ZipSum != mirrortest.Corrupt(t, sample, mirrortest.Bomb).ZipSum {
					t.Error("the lying bomb has another hash than the honest one")
				}
				if err := unzip(t, evil); err == nil {
					t.Error("unzip accepts it")
				}
			case kind == mirrortest.Symlink:
				// x/mod/zip writes a link as a plain file with its target as
				// content; whoever unzips otherwise must refuse.
				if got := zipHash(t, evil.Zip); got != evil.ZipSum {
					t.Errorf("zip: dirhash says %s, artifact %s", got, evil.ZipSum)
				}
			default:
				if len(evil.Zip) > 2<<20 {
					t.Errorf("zip has %d bytes, expected a small one", len(evil.Zip))
				}
				if got := zipHash(t, evil.Zip); got != evil.ZipSum {
					t.Errorf("zip: dirhash says %s, artifact %s", got, evil.ZipSum)
				}
				if checkZip(t, evil) == nil {
					t.Error("zip passes the rules")
				}
				if big := len(evil.Mod) > modzip.MaxGoMod; big != (kind == mirrortest.OversizedMod) {
					t.Errorf("go.mod has %d bytes", len(evil.Mod))
				}
			}
		})
	}
}

func TestWithAndWithoutLeaveTheOriginalAlone(t *testing.T) {
	t.Parallel()
	f := mirrortest.Build(t, sample)
	v := f.Versions()[0]
	evil := mirrortest.Corrupt(t, sample, mirrortest.OtherContent)
	if f.With(evil).Get(v.Path, v.Version) != evil {
		t.Error("With did not replace")
	}
	if f.Without(v).Get(v.Path, v.Version) != nil {
		t.Error("Without did not remove")
	}
	if a := f.Get(v.Path, v.Version); a == nil || a == evil {
		t.Error("the original changed")
	}
}

func zipHash(t *testing.T, data []byte) string {
	t.Helper()
	sum, err := dirhash.HashZip(zipFile(t, data), dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func checkZip(t *testing.T, a *mirrortest.Artifact) error {
	t.Helper()
	cf, err := modzip.CheckZip(module.Version{Path: a.Path, Version: a.Version.Version}, zipFile(t, a.Zip))
	if err != nil {
		return err
	}
	return cf.Err()
}

func unzip(t *testing.T, a *mirrortest.Artifact) error {
	t.Helper()
	return modzip.Unzip(filepath.Join(t.TempDir(), "out"), a.Version, zipFile(t, a.Zip))
}

func zipFile(t *testing.T, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "m.zip")
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestCheckoutNamesWhatItNeeds(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 0)
	dir := filepath.Join(t.TempDir(), "new")
	f.WriteCheckout(t, dir, mirrortest.Checkout{ModOnly: f.Versions()[2:]})
	sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(sum), "\n"); n != 5 {
		t.Errorf("go.sum has %d lines, expected two for each of 2 modules and one for the third:\n%s", n, sum)
	}
	if strings.Contains(string(mod), "example.test/m002") {
		t.Errorf("go.mod requires the module that only has a /go.mod line:\n%s", mod)
	}
	if _, err := os.Stat(filepath.Join(dir, "main.go")); errors.Is(err, os.ErrNotExist) {
		t.Error("no main.go")
	}
}
