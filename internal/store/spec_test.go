package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/store"
)

func TestWhatTheSettingCacheMeans(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value string
		want  store.Spec
		shown string
	}{
		{"off", store.Spec{Kind: store.Off}, "off"},
		{"dir:/var/cache/x", store.Spec{Kind: store.Dir, Path: "/var/cache/x"}, "dir:/var/cache/x"},
		{"dir:C:/cache", store.Spec{Kind: store.Dir, Path: "C:/cache"}, "dir:C:/cache"},
		{"gha", store.Spec{Kind: store.GHA}, "gha"},
		{"gha:v1", store.Spec{Kind: store.GHA, Protocol: "v1"}, "gha:v1"},
		{"gha:v2", store.Spec{Kind: store.GHA, Protocol: "v2"}, "gha:v2"},
		{"s3://cache", store.Spec{Kind: store.S3, Bucket: "cache"}, "s3://cache/"},
		{"s3://cache/", store.Spec{Kind: store.S3, Bucket: "cache"}, "s3://cache/"},
		{"s3://cache/a/b/", store.Spec{Kind: store.S3, Bucket: "cache", Prefix: "a/b/"}, "s3://cache/a/b/"},
		{"s3://cache/a?endpoint=https://minio.example.test:9000/&region=home",
			store.Spec{Kind: store.S3, Bucket: "cache", Prefix: "a/", Endpoint: "https://minio.example.test:9000", Region: "home"}, "s3://cache/a/"},
		{"s3://cache?path-style=true", store.Spec{Kind: store.S3, Bucket: "cache", PathStyle: true, PathStyleSet: true}, "s3://cache/"},
		{"s3://cache?path-style=false", store.Spec{Kind: store.S3, Bucket: "cache", PathStyleSet: true}, "s3://cache/"},
	} {
		t.Run(test.value, func(t *testing.T) {
			t.Parallel()
			got, err := store.Parse(test.value)
			if err != nil || got != test.want || got.String() != test.shown {
				t.Errorf("Parse = %+v (%s), %v; want %+v (%s)", got, got, err, test.want, test.shown)
			}
		})
	}
}

func TestSettingsOfTheCacheThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, value, says string }{
		{"nothing", "", "no store"},
		{"an unknown store", "redis://host", "no store"},
		{"off with something behind", "off:x", "no store"},
		{"a directory without a name", "dir:", "dir:PATH"},
		{"an unknown version of the service", "gha:v3", "gha:v1 or gha:v2"},
		{"an empty version of the service", "gha:", "gha:v1 or gha:v2"},
		{"no bucket", "s3:///prefix", "s3://BUCKET"},
		{"a bucket without slashes", "s3:bucket", "s3://BUCKET"},
		{"a fragment", "s3://bucket#x", "s3://BUCKET"},
		{"no URL", "s3://%zz", "s3://BUCKET"},
		{"credentials in the URL", "s3://AKIA:s3cret@bucket", "AWS_ACCESS_KEY_ID"},
		{"a user in the URL", "s3://s3cret@bucket", "AWS_ACCESS_KEY_ID"},
		{"a query that cannot be read", "s3://bucket?region=%zz", "question mark"},
		{"an option that is unknown", "s3://bucket?acl=public", "acl"},
		{"a path style that is neither", "s3://bucket?path-style=maybe", "path-style=true"},
		{"credentials in the endpoint", "s3://bucket?endpoint=https://ann:s3cret@minio.example.test", "endpoint=https://HOST"},
		{"a user in the endpoint", "s3://bucket?endpoint=https://s3cret@minio.example.test", "endpoint=https://HOST"},
		{"an endpoint without a scheme", "s3://bucket?endpoint=minio.example.test", "endpoint=https://HOST"},
		{"an endpoint of another scheme", "s3://bucket?endpoint=ftp://minio.example.test", "endpoint=https://HOST"},
		{"an endpoint without a host", "s3://bucket?endpoint=https:///x", "endpoint=https://HOST"},
		{"an endpoint with a path", "s3://bucket?endpoint=https://minio.example.test/x", "endpoint=https://HOST"},
		{"an endpoint with a query", "s3://bucket?endpoint=https://minio.example.test?x=y", "endpoint=https://HOST"},
		{"an endpoint that is no URL", "s3://bucket?endpoint=https://%25zz", "endpoint=https://HOST"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := store.Parse(test.value)
			if _, ok := errors.AsType[*store.SpecError](err); !ok || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("Parse(%q) = %+v, %v; want a *SpecError that says %q", test.value, got, err, test.says)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}
