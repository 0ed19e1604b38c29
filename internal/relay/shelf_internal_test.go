package relay

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay/keep"
	"github.com/modferry/modferry/internal/report"
)

// What a full disk refuses is answered while somebody asks for it, if it has its hash
// and as long as it does.
func TestCorner25WhatHasNoRoomIsSpare(t *testing.T) {
	t.Parallel()
	a := mirrortest.Build(t, mirrortest.Module{Path: "example.test/m", Version: "v1.0.0", Size: 2000}).Get("example.test/m", "v1.0.0")
	for _, test := range []struct {
		name, kind, h1 string
		body           []byte
		asked          bool
		err            error
		spare          bool
	}{
		{"a zip", report.KindZip, a.ZipSum, a.Zip, true, noRoom(), true},
		{"a go.mod", report.KindMod, a.ModSum, a.Mod, true, noRoom(), true},
		{"without a known hash", report.KindZip, "", a.Zip, true, noRoom(), true},
		{"another zip", report.KindZip, a.ModSum, a.Zip, true, noRoom(), false},
		{"another go.mod", report.KindMod, a.ModSum, []byte("module example.test/other\n"), true, noRoom(), false},
		{"no zip", report.KindZip, a.ZipSum, a.Zip[:1000], true, noRoom(), false},
		{"for nobody", report.KindZip, a.ZipSum, a.Zip, false, noRoom(), false},
		{"refused for another reason", report.KindZip, a.ZipSum, a.Zip, true, failure.New(failure.HashMismatch, "put", "", nil), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			k, err := keep.Open(filepath.Join(t.TempDir(), "keep"), keep.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			d := &deliveries{underway: map[file]*delivery{}, gone: map[file]bool{}}
			s, of := shelf{k, d}, file{module.Version{Path: "example.test/m", Version: "v1.0.0"}, test.kind}
			if test.asked {
				d.begin(of)
			}
			tmp, err := k.Temp()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tmp.Write(test.body); err != nil {
				t.Fatal(err)
			}
			err = s.put(t.Context(), of, test.h1, tmp, func() error {
				return errors.Join(test.err, tmp.Close(), os.Remove(tmp.Name()))
			})
			if (err == nil) != test.spare {
				t.Errorf("%v, want a spare: %t", err, test.spare)
			}
			for range 2 { // each for itself
				f, err := s.open(of, test.h1)
				if (err == nil) != test.spare {
					t.Fatalf("%v, want a spare: %t", err, test.spare)
				}
				if err != nil {
					continue
				}
				if body, err := io.ReadAll(f); err != nil || string(body) != string(test.body) {
					t.Errorf("%d bytes, %v", len(body), err)
				}
			}
			if !test.asked {
				return
			}
			d.end(of, true, nil)
			d.begin(of)
			if _, err := s.open(of, test.h1); err == nil {
				t.Error("it is there though nobody asks any more")
			}
			d.end(of, true, nil)
		})
	}
}

func noRoom() error { return failure.New(failure.DiskFull, "put", "", nil) }
