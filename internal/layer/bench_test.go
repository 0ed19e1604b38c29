package layer

import (
	"os"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/modcache"
)

// benchCache is the module cache to measure on, and what there is in it: the
// one that MODFERRY_BENCH_MODCACHE names, else modules that do not compress.
func benchCache(b *testing.B) (*modcache.Cache, Sums) {
	sums := Sums{}
	dir := os.Getenv("MODFERRY_BENCH_MODCACHE")
	if dir == "" {
		p := newPlace(b, mirrortest.Generate(b, 50, 2<<20)).have()
		return p.cache, p.sums
	}
	cache, err := modcache.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cache.Close() })
	zips, err := cache.Zips()
	if err != nil {
		b.Fatal(err)
	}
	for _, z := range zips {
		hash, err := os.ReadFile(strings.TrimSuffix((&place{t: b, cache: cache}).file(z.Module, "zip"), ".zip") + ".ziphash")
		if err != nil {
			continue // upper-case letters
		}
		sums[Member{z.Module, kindZip}] = string(hash)
	}
	return cache, sums
}

// BenchmarkPack measures packing; "stored" is the size of the layer in
// proportion to that of the files.
func BenchmarkPack(b *testing.B) {
	cache, sums := benchCache(b)
	s := &Saver{Cache: cache, Need: sums}
	p := &packer{cache: cache, sums: sums}
	var members []Member
	for m := range sums {
		members = append(members, m)
	}
	var n, total int64
	b.ReportAllocs()
	for b.Loop() {
		sizes, err := s.measure(b.Context(), p, members)
		if err != nil {
			b.Fatal(err)
		}
		total = 0
		for _, size := range sizes {
			total += size
		}
		if n, err = p.pack(b.Context(), discard{}, sizes); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/float64(total), "stored")
	b.ReportMetric(float64(n)/1e6, "MB")
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkRestore measures a restore of a layer in memory.
func BenchmarkRestore(b *testing.B) {
	cache, sums := benchCache(b)
	s := newMemory()
	saver := &Saver{Store: s, Cache: cache, Need: sums}
	if _, err := saver.Save(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	x, err := Lookup(b.Context(), s, Key{})
	if err != nil {
		b.Fatal(err)
	}
	picks := x.Pick(sums.set())
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		p := newPlace(b, mirrortest.Build(b))
		b.StartTimer()
		if r := (&Restorer{Store: s, Cache: p.cache, Sums: sums}).Restore(b.Context(), picks); len(r.Members) != len(sums) {
			b.Fatalf("restored %+v", r)
		}
	}
}
