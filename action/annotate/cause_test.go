package annotate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// lacks is n modules, a line each from the given one on, that failed with a
// class at a mirror; "" for no attempt.
func lacks(n, line int, class failure.Class, mirror string) []report.Module {
	var all []report.Module
	for i := range n {
		m := missing(fmt.Sprintf("example.test/%s%02d", class, i), line+i, class)
		if mirror != "" {
			m.Attempts = []report.Attempt{{Mirror: mirror, Class: class}, {Mirror: mirror, Class: class}}
		}
		all = append(all, m)
	}
	return all
}

func TestOneCauseMakesOneAnnotation(t *testing.T) {
	t.Parallel()
	mirrors := func(files ...int) []report.Mirror {
		all := []report.Mirror{{URL: mirrorA, Chosen: true}, {URL: mirrorB, Chosen: true}}
		for i, n := range files {
			all[i].Files = n
		}
		return all[:len(files)]
	}
	join := func(all ...[]report.Module) (out []report.Module) {
		for _, m := range all {
			out = append(out, m...)
		}
		return out
	}
	downA := "error :0 " + mirrorA + ": connection refused"
	tests := []struct {
		name    string
		mirrors []report.Mirror
		modules []report.Module
		source  string // of GOPROXY
		want    []string
	}{
		{"a mirror is down", mirrors(0), lacks(60, 3, failure.Refused, mirrorA), "environment", []string{downA}},
		{"a mirror is down, and one module lacks because of it", mirrors(0), lacks(1, 3, failure.Refused, mirrorA), "", []string{downA}},
		{"a mirror is down that a file names", mirrors(0), lacks(60, 3, failure.Refused, mirrorA), "file .modferry.yaml:4",
			[]string{"error sub/.modferry.yaml:4 " + mirrorA + ": connection refused"}},
		{"a mirror is down that a file elsewhere names", mirrors(0), lacks(60, 3, failure.Refused, mirrorA), "file /etc/modferry.yaml:4", []string{downA}},
		{"a mirror was not asked any more", mirrors(0), join(lacks(8, 3, failure.Refused, mirrorA), lacks(50, 11, failure.CircuitOpen, "")), "", []string{downA}},
		{"a mirror was not asked any more, of two", mirrors(0, 9), join(lacks(8, 3, failure.Refused, mirrorA), lacks(50, 11, failure.Refused, "")), "", []string{downA}},
		{"two mirrors fail in their ways", mirrors(0, 5), join(lacks(20, 3, failure.Refused, mirrorA), lacks(20, 30, failure.ServerError, mirrorB)), "",
			[]string{downA, "error :0 " + mirrorB + ": server error"}},
		{"a mirror is down, and versions do not exist", mirrors(0, 50),
			join(lacks(20, 3, failure.Refused, mirrorA), lacks(1, 30, failure.NotFound, mirrorB), lacks(1, 40, failure.HashMismatch, mirrorB)), "",
			[]string{"error sub/go.mod:40 example.test/hash_mismatch00 v1.2.3: wrong hash", downA, "error sub/go.mod:30 example.test/not_found00 v1.2.3: not found"}},
		{"versions do not exist", mirrors(50), lacks(5, 3, failure.NotFound, mirrorA), "",
			[]string{"error sub/go.mod:3 example.test/not_found00 v1.2.3: not found", "error sub/go.mod:4 example.test/not_found01 v1.2.3: not found",
				"error sub/go.mod:5 example.test/not_found02 v1.2.3: not found", "error sub/go.mod:6 example.test/not_found03 v1.2.3: not found",
				"error sub/go.mod:7 example.test/not_found04 v1.2.3: not found"}},
		{"a mirror has nothing at all", mirrors(0), lacks(60, 3, failure.NotFound, mirrorA), "", []string{"error :0 " + mirrorA + ": not found"}},
		{"a mirror refuses everything", mirrors(0), lacks(60, 3, failure.Forbidden, mirrorA), "", []string{"error :0 " + mirrorA + ": forbidden"}},
		{"a mirror wants credentials", mirrors(3), lacks(2, 3, failure.Unauthorized, mirrorA), "", []string{"error :0 " + mirrorA + ": " + failure.Unauthorized.Title()}},
		{"a mirror sends wrong bytes only", mirrors(0), lacks(60, 3, failure.HashMismatch, mirrorA), "", []string{"error :0 " + mirrorA + ": wrong hash"}},
		{"the disk is full", mirrors(3), lacks(30, 3, failure.DiskFull, ""), "", []string{"error :0 disk full"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &report.Result{Outcome: report.Incomplete, Mirrors: tt.mirrors, Modules: tt.modules,
				Settings: report.EffectiveSettings{Sources: map[string]string{"GOPROXY": tt.source}}}
			got := Of(r, "sub")
			if diff := cmp.Diff(tt.want, where(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			named := 0
			for _, m := range tt.modules {
				for _, a := range got {
					if strings.Contains(a.Title+a.Message, m.Path) {
						named++
						break
					}
				}
			}
			if named < min(len(tt.modules), 5) {
				t.Errorf("%d of %d modules are named: %v", named, len(tt.modules), got)
			}
		})
	}
}

// A mirror that offered wrong bytes is at fault once, whatever number of lines
// name what it offered them for.
func TestAMirrorThatOffersWrongBytesIsOneWarning(t *testing.T) {
	t.Parallel()
	r := &report.Result{Outcome: report.OK}
	for i := range 20 {
		r.Modules = append(r.Modules, report.Module{Path: fmt.Sprintf("example.test/m%d", i), Version: "v1.0.0", Kind: report.KindZip, Source: report.FromMirror,
			Mirror: mirrorB, File: "go.mod", Line: 3 + i, Attempts: []report.Attempt{{Mirror: mirrorA, Class: failure.HashMismatch}, {Mirror: mirrorB}}})
	}
	got := Of(r, "")
	if diff := cmp.Diff([]string{"warning :0 " + mirrorA + ": wrong hash refused"}, where(got)); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if !strings.Contains(got[0].Message, "example.test/m0 v1.0.0, and invalid content for 19 more;") {
		t.Errorf("message %q", got[0].Message)
	}
}
