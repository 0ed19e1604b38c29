package layer

import (
	"slices"
	"testing"
)

func TestMembersAreInOrderOfPathVersionAndKind(t *testing.T) {
	t.Parallel()
	want := []Member{
		member("example.test/a", "v1.2.0", kindZip),
		member("example.test/a", "v1.10.0", kindInfo),
		member("example.test/a", "v1.10.0", kindMod),
		member("example.test/a", "v1.10.0", kindZip),
		member("example.test/a", "v3.0.0", kindZip),
		member("example.test/a", "v3.0.0+incompatible", kindZip),
		member("example.test/b", "v1.0.0", kindMod),
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Member.compare)
	if !slices.Equal(got, want) {
		t.Errorf("found %v", got)
	}
}
