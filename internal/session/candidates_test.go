package session

import (
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
)

func TestCandidatesOfAutoAndCN(t *testing.T) {
	t.Parallel()
	catalogue := mirror.Catalogue{
		{URL: "https://world.example.test", Region: "global"},
		{URL: "https://cn.example.test", Region: "cn"},
	}
	for _, test := range []struct {
		name string
		how  Choice
		list string
		want string
	}{
		{"configured adds nobody", Configured, "https://world.example.test,direct", "https://world.example.test"},
		{"auto adds the rest of the catalogue beside the public mirror", Auto, "https://world.example.test,https://own.example.test,direct",
			"https://world.example.test https://cn.example.test https://own.example.test"},
		{"cn adds the region's mirrors", CN, "https://world.example.test,direct", "https://world.example.test https://cn.example.test"},
		{"behind a gatekeeper they come last", CN, "https://own.example.test,direct", "https://own.example.test https://cn.example.test"},
		{"nothing is added before off", Auto, "https://own.example.test,off", "https://own.example.test"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			list, err := goenv.ParseProxy(test.list)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range candidates(test.how, list, catalogue) {
				got = append(got, e.URL)
			}
			if s := strings.Join(got, " "); s != test.want {
				t.Errorf("candidates %s, want %s", s, test.want)
			}
		})
	}
}
