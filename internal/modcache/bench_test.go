package modcache

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"
)

// benchZips are the zips to measure on: those that MODFERRY_BENCH_ZIPS names
// (a list of module zips of any module cache), else one made up of text that
// compresses like source code.
func benchZips(b *testing.B) []string {
	if list := os.Getenv("MODFERRY_BENCH_ZIPS"); list != "" {
		return filepath.SplitList(list)
	}
	m := module.Version{Path: "example.test/bench", Version: "v1.0.0"}
	words := strings.Fields("func return if err != nil { } package import string int var for range := = ( ) context error struct type")
	random := rand.New(rand.NewPCG(1, 2))
	files := map[string]string{"go.mod": "module example.test/bench\n"}
	for i := range 1500 {
		var text strings.Builder
		for range 200 + random.IntN(3000) {
			fmt.Fprintf(&text, "%s %x ", words[random.IntN(len(words))], random.IntN(1<<10))
		}
		files[fmt.Sprintf("dir%d/sub%d/file%d.go", i%10, i%70, i)] = text.String()
	}
	name := filepath.Join(b.TempDir(), "bench.zip")
	if err := os.WriteFile(name, zipOf(b, m, files), 0o666); err != nil {
		b.Fatal(err)
	}
	return []string{name}
}

// moduleOf reads the module of a zip from its first name.
func moduleOf(b *testing.B, name string) module.Version {
	r, err := zip.OpenReader(name)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	first := r.File[0].Name
	at := strings.LastIndex(first[:strings.Index(first, "@")+1], "@")
	slash := at + strings.Index(first[at:], "/")
	return module.Version{Path: first[:at], Version: first[at+1 : slash]}
}

func benchName(m module.Version) string { return strings.ReplaceAll(m.String(), "/", "_") }

// A ratio compares the go command's code with ours on one goroutine and on
// all processors, by the best time of each: other load on the machine only
// ever adds to a time.
type ratio struct{ theirs, one, all best }

type best time.Duration

func (t *best) add(d time.Duration) {
	if *t == 0 || d < time.Duration(*t) {
		*t = best(d)
	}
}

func (r ratio) report(b *testing.B) {
	b.ReportMetric(float64(r.theirs)/float64(r.one), "×1")
	b.ReportMetric(float64(r.theirs)/float64(r.all), "×P")
	b.ReportMetric(time.Duration(r.theirs).Seconds()*1000, "theirs-ms")
	b.ReportMetric(0, "ns/op") // the three together: no use
}

// BenchmarkHash compares the hashing of a zip with dirhash.HashZip, the go
// command's: metric ×1 with one goroutine, ×P with one per processor.
func BenchmarkHash(b *testing.B) {
	for _, name := range benchZips(b) {
		m := moduleOf(b, name)
		b.Run(benchName(m), func(b *testing.B) {
			crew := newCrew()
			hash := func(parallel int) string {
				f, err := os.Open(name)
				if err != nil {
					b.Fatal(err)
				}
				defer f.Close()
				a, err := openArchive(m, f, crew)
				if err != nil {
					b.Fatal(err)
				}
				files, err := a.read(b.Context(), parallel, nil)
				if err != nil {
					b.Fatal(err)
				}
				h1, err := files.h1()
				if err != nil {
					b.Fatal(err)
				}
				return h1
			}
			var r ratio
			for b.Loop() {
				start := time.Now()
				want, err := dirhash.HashZip(name, dirhash.Hash1)
				if err != nil {
					b.Fatal(err)
				}
				r.theirs.add(time.Since(start))
				start = time.Now()
				got := hash(1)
				r.one.add(time.Since(start))
				start = time.Now()
				hash(runtime.GOMAXPROCS(0))
				r.all.add(time.Since(start))
				if got != want {
					b.Fatalf("hash %s, dirhash says %s", got, want)
				}
			}
			r.report(b)
		})
	}
}

// BenchmarkPutZip compares verifying, placing and extracting a zip in one
// pass with what the go command does: dirhash.HashZip, then x/mod/zip.Unzip.
func BenchmarkPutZip(b *testing.B) {
	for _, name := range benchZips(b) {
		m := moduleOf(b, name)
		b.Run(benchName(m), func(b *testing.B) {
			data, err := os.ReadFile(name)
			if err != nil {
				b.Fatal(err)
			}
			h1, err := dirhash.HashZip(name, dirhash.Hash1)
			if err != nil {
				b.Fatal(err)
			}
			put := func(parallel int) time.Duration {
				dir := filepath.Join(b.TempDir(), "mod")
				c, err := Open(dir)
				if err != nil {
					b.Fatal(err)
				}
				defer removeTree(dir)
				defer c.Close()
				tmp, err := c.Temp()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := tmp.ReadFrom(bytes.NewReader(data)); err != nil {
					b.Fatal(err)
				}
				start := time.Now()
				if err := c.PutZip(b.Context(), m, h1, tmp, PutOptions{Extract: true, Parallel: parallel}); err != nil {
					b.Fatal(err)
				}
				return time.Since(start)
			}
			var r ratio
			for b.Loop() {
				dir := filepath.Join(b.TempDir(), "tree")
				start := time.Now()
				if _, err := dirhash.HashZip(name, dirhash.Hash1); err != nil {
					b.Fatal(err)
				}
				if err := modzip.Unzip(dir, m, name); err != nil {
					b.Fatal(err)
				}
				r.theirs.add(time.Since(start))
				removeTree(dir)
				r.one.add(put(1))
				r.all.add(put(runtime.GOMAXPROCS(0)))
			}
			r.report(b)
		})
	}
}
