package layer

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// benchFiles are the files to measure on: the zips that MODFERRY_BENCH_ZIPS
// names (a list of module zips of any module cache), else as many bytes that do
// not compress.
func benchFiles(b *testing.B) (files []source, total int64) {
	var contents []string
	if list := os.Getenv("MODFERRY_BENCH_ZIPS"); list != "" {
		for _, name := range filepath.SplitList(list) {
			data, err := os.ReadFile(name)
			if err != nil {
				b.Fatal(err)
			}
			contents = append(contents, string(data))
		}
	} else {
		for i := range 100 {
			contents = append(contents, randomText(byte(i), 2<<20))
		}
	}
	for i, text := range contents {
		files = append(files, packable(member("example.test/a", fmt.Sprintf("v1.0.%d", i), kindZip), text))
		total += int64(len(text))
	}
	return files, total
}

// reportBest gives the throughput of the fastest run, since other load on the
// machine only ever takes from it, and how long copying the same bytes in
// memory takes in comparison.
func reportBest(b *testing.B, total int64, files []source, work func()) {
	var best, copied time.Duration
	buf := make([]byte, maxBlock)
	other := make([]byte, maxBlock)
	for b.Loop() {
		start := time.Now()
		work()
		if d := time.Since(start); best == 0 || d < best {
			best = d
		}
		start = time.Now()
		for _, f := range files {
			r, err := f.Open()
			if err != nil {
				b.Fatal(err)
			}
			for {
				n, err := r.Read(buf)
				if err != nil {
					break
				}
				copy(other, buf[:n])
			}
		}
		if d := time.Since(start); copied == 0 || d < copied {
			copied = d
		}
	}
	b.ReportMetric(float64(total)/1e6/best.Seconds(), "MB/s")
	b.ReportMetric(float64(best)/float64(copied), "×copy")
	b.ReportMetric(0, "ns/op") // includes the copying
}

// BenchmarkPack measures pack on files in memory; "stored" is the size of the
// archive in proportion to theirs.
func BenchmarkPack(b *testing.B) {
	files, total := benchFiles(b)
	var n int64
	b.ReportAllocs()
	reportBest(b, total, files, func() {
		var err error
		if n, err = pack(b.Context(), io.Discard, files); err != nil {
			b.Fatal(err)
		}
	})
	b.ReportMetric(float64(n)/float64(total), "stored")
}

// BenchmarkUnpack measures unpack of an archive in memory.
func BenchmarkUnpack(b *testing.B) {
	files, total := benchFiles(b)
	archive := packed(b, files...)
	b.ReportAllocs()
	reportBest(b, total, files, func() {
		var got int64
		err := unpack(b.Context(), bytes.NewReader(archive),
			func(Member) bool { return true },
			func(_ Member, _ int64, body io.Reader) error {
				n, err := io.Copy(io.Discard, body)
				got += n
				return err
			},
			func(x rejection) { b.Errorf("rejected %v", x) })
		if err != nil || got != total {
			b.Fatalf("took %d bytes, error %v", got, err)
		}
	})
}
