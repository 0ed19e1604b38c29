package assign_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/goenv/assign"
)

func TestTokensOfRelaysAreCredentials(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{
		"https://relay.test:1/RelayTok3nXYZ12345,direct":           true,
		"https://a.test/artifactory/api/go/go-virtual-prod,direct": false,
	} {
		for _, f := range assign.Formats() {
			carried, left := f.Carry([]assign.Variable{{Name: "GOPROXY", Value: value}})
			if kept := len(left) == 1; kept != (f.Kept && want) || !kept && carried[0].Secret != want {
				t.Errorf("%s, %s: carried %v, left %v", f.Name, value, carried, left)
			}
		}
	}
}

func TestCredentialsAndPathsStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	vars := []assign.Variable{
		{Name: "GOPROXY", Value: "https://u:s3cr3t@a.example.test,direct"},
		{Name: "GOSUMDB", Value: "sum.golang.org"},
		{Name: "GOMODCACHE", Value: "/go/pkg/mod"},
	}
	all := []assign.Carried{{Variable: vars[0], Secret: true}, {Variable: vars[1]}, {Variable: vars[2]}}
	for _, f := range assign.Formats() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			want := all
			var wantLeft []assign.Left
			if f.Kept {
				want = want[1:]
				wantLeft = append(wantLeft, assign.Left{Name: "GOPROXY", Secret: true, Why: "it holds credentials, and " + f.Name + " output is kept or shared"})
			}
			if f.Foreign {
				want = want[:len(want)-1]
				wantLeft = append(wantLeft, assign.Left{Name: "GOMODCACHE", Why: "it is a path on this machine, and a " + f.Name + " is read elsewhere"})
			}
			carried, left := f.Carry(vars)
			if diff := cmp.Diff(want, carried); diff != "" {
				t.Errorf("carried (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(wantLeft, left); diff != "" {
				t.Errorf("left (-want +got)\n%s", diff)
			}
		})
	}
}
