package s3_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/s3"
)

// Every bucket in the documentation can be opened as it is written there.
func TestTheBucketsOfTheDocumentation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/cache.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`["'](s3://[^"']+)["']`).FindAllStringSubmatch(string(text), -1)
	if len(found) < 5 {
		t.Fatalf("found %d buckets in docs/cache.md", len(found))
	}
	for _, m := range found {
		spec, err := store.Parse(m[1])
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := s3.Open(s3.Options{Spec: spec}); err != nil || spec.Prefix != "go/" {
			t.Errorf("%s: %v, prefix %q", m[1], err, spec.Prefix)
		}
	}
	for _, variable := range regexp.MustCompile(`\b(?:AWS|MINIO)_[A-Z_]*[A-Z]\b`).FindAllString(string(text), -1) {
		if !strings.Contains(sourceOfThePackage(t), `"`+variable) && variable != "AWS_TOKEN" {
			t.Errorf("docs/cache.md names %s, which the store does not read", variable)
		}
	}
}

func sourceOfThePackage(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, name := range []string{"sources.go", "place.go"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	return all.String()
}
