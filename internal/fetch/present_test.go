package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// never is a channel that releases nothing.
var never = make(chan struct{})

func TestInterruptionLeavesAResultAndACleanCache(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 10, 100<<10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{{Path: "*.zip", Skip: 3, Do: mirrortest.StallAfter(1000, never)}}})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.NoProbe = true
	b.Values.StallTimeout = time.Minute
	j, err := b.Open(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-s.Arrived("*.zip", 10)
		cancel(errors.New("terminated by SIGTERM"))
	}()
	r, _ := fetch.Run(ctx, j, nil)
	fetchtest.WantOutcome(t, r, report.Incomplete)
	if !r.Interrupted || !strings.Contains(r.Message, "SIGTERM") {
		t.Errorf("interrupted %v, message %q", r.Interrupted, r.Message)
	}
	b.Clean()
	// The next run completes it.
	s.Heal()
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	b.Complete()
}

func TestEverythingPresentAsksNobody(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 5, 100)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	s.Forget()
	b.Values.NoProbe = true
	r := b.Run(s.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests for nothing", n)
	}
	if r.Totals.BySource[report.FromPresent] != 10 {
		t.Errorf("%v, want 10 present", r.Totals.BySource)
	}
}

func TestVerifyPresentReplacesWhatDiffers(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 100)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	other := mirrortest.Corrupt(t, mirrortest.Module{Path: f.Versions()[0].Path, Version: f.Versions()[0].Version, Size: 100}, mirrortest.OtherContent)
	poison(t, b, f.Versions()[0], other.Zip)

	r := b.Run(s.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	if r.Totals.BySource[report.FromMirror] != 0 {
		t.Error("a poisoned zip with the right ziphash was noticed without --verify-present: the test is wrong")
	}
	j, err := b.Open(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	v := fetch.Verify(t.Context(), j, nil)
	fetchtest.WantOutcome(t, v, report.Integrity)
	if want := "1 file in the module cache differs from go.sum; run modferry fetch --verify-present"; v.Message != want {
		t.Errorf("message %q, want %q", v.Message, want)
	}
	b.Values.VerifyPresent = true
	r = b.Run(s.URL)
	fetchtest.WantOutcome(t, r, report.OK)
	b.Complete()
	if !strings.Contains(fmt.Sprint(r.Findings), "cache-poisoned") {
		t.Errorf("findings %v, want cache-poisoned", r.Findings)
	}
}

func TestVerifyPresentRemovesATreeThatDiffersWithoutFetching(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 100)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.Extract = "all"
	b.Env["GOFLAGS"] = "-modcacherw"
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	v := f.Versions()[0]
	source := filepath.Join(b.ModCache, filepath.FromSlash(v.Path)+"@"+v.Version, "m.go")
	if err := os.Chmod(source, 0o644); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(source, append(good, "// evil\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	s.Forget()
	b.Values.VerifyPresent, b.Values.NoProbe = true, true
	fetchtest.WantOutcome(t, b.Run(s.URL), report.OK)
	if got, err := os.ReadFile(source); err != nil || string(got) != string(good) {
		t.Errorf("%s: %q, %v; want it as in the zip", source, got, err)
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests, though the zip was good", n)
	}
}

func poison(t *testing.T, b *fetchtest.Bench, v module.Version, zip []byte) {
	t.Helper()
	if err := os.WriteFile(b.File(v, "zip"), zip, 0o644); err != nil {
		t.Fatal(err)
	}
}
