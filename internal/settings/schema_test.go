package settings_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/modferry/modferry/internal/settings"
)

var update = flag.Bool("update", false, "rewrite docs/modferry.schema.json")

func TestTheSchemaIsTheOneOfTheDocs(t *testing.T) {
	t.Parallel()
	const file = "../../docs/modferry.schema.json"
	if *update {
		if err := os.WriteFile(file, settings.Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, settings.Schema()) {
		t.Errorf("%s is not made from the table of settings; run go test ./internal/settings -update", file)
	}
}
