package layer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/store"
)

func TestIndexesAreReadAsWritten(t *testing.T) {
	t.Parallel()
	x := &Index{Layers: []Layer{
		{Name: LayerPrefix + "0a", Bytes: 10, Members: map[Member]int64{{version("a1"), kindZip}: 5, {version("a1"), kindMod}: 2, {version("b1"), kindInfo}: 1}},
		{Name: LayerPrefix + "0b", Bytes: 0, Members: map[Member]int64{}},
	}}
	data, err := x.encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(x, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for name, text := range map[string]string{
		"no JSON":           `<html>`,
		"another format":    `{"schema":"modferry.index/9"}`,
		"a layer elsewhere": `{"schema":"modferry.index/2","layers":[{"name":"../../etc/passwd"}]}`,
		"another kind":      `{"schema":"modferry.index/2","layers":[{"name":"modferry-i2-aa"}]}`,
		"a negative size":   `{"schema":"modferry.index/2","layers":[{"name":"modferry-l2-a","files":[{"module":"a.test/b@v1.0.0","zip":-1}]}]}`,
		"no module":         `{"schema":"modferry.index/2","layers":[{"name":"modferry-l2-a","files":[{"module":"../x@v1"}]}]}`,
		"a command":         `{"schema":"modferry.index/2","layers":[{"name":"modferry-l2-a","files":[{"module":"::set-output"}]}]}`,
	} {
		if x, err := decode(strings.NewReader(text)); err == nil {
			t.Errorf("%s: read as %+v", name, x)
		} else if strings.Contains(err.Error(), "::") {
			t.Errorf("%s: the error repeats a command: %v", name, err)
		}
	}
}

func FuzzDecodeIndex(f *testing.F) {
	f.Add(`{"schema":"modferry.index/2","layers":[{"name":"modferry-l2-a","bytes":1,"files":[{"module":"a.test/b@v1.0.0","zip":1}]}]}`)
	f.Add(`{"schema":"modferry.index/2","layers":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		x, err := decode(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, l := range x.Layers {
			if store.CheckName(l.Name) != nil {
				t.Errorf("layer %q", l.Name)
			}
		}
		data, err := x.encode()
		if err != nil {
			t.Fatal(err)
		}
		y, err := decode(strings.NewReader(string(data)))
		if err != nil || !x.same(y) {
			t.Errorf("written and read again: %v, %+v instead of %+v", err, y, x)
		}
	})
}
