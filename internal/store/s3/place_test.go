package s3_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/s3"
)

// refuser notes the first request and refuses it.
type refuser struct {
	once   sync.Once
	url    string
	region string
}

func (r *refuser) RoundTrip(req *http.Request) (*http.Response, error) {
	r.once.Do(func() {
		r.url = req.Method + " " + req.URL.Scheme + "://" + req.URL.Host + req.URL.Path
		if _, scope, ok := strings.Cut(req.Header.Get("Authorization"), "Credential="); ok {
			r.region = strings.Split(scope, "/")[2]
		}
	})
	return nil, errors.New("refused")
}

func TestWhereTheBucketIs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, spec  string
		env         string // NAME=value, separated by blanks
		url, region string
	}{
		{"Amazon in the default region", "s3://go-cache/x", "", "https://go-cache.s3.us-east-1.amazonaws.com/", "us-east-1"},
		{"Amazon in the region of the setting", "s3://go-cache/x?region=eu-central-1", "AWS_REGION=us-west-2", "https://go-cache.s3.eu-central-1.amazonaws.com/", "eu-central-1"},
		{"Amazon in the region of the environment", "s3://go-cache", "AWS_REGION=us-west-2 AWS_DEFAULT_REGION=x", "https://go-cache.s3.us-west-2.amazonaws.com/", "us-west-2"},
		{"Amazon in the default region of the environment", "s3://go-cache", "AWS_DEFAULT_REGION=us-west-2", "https://go-cache.s3.us-west-2.amazonaws.com/", "us-west-2"},
		{"Amazon in China", "s3://go-cache?region=cn-north-1", "", "https://go-cache.s3.cn-north-1.amazonaws.com.cn/", "cn-north-1"},
		{"the endpoint's region wins over the environment's", "s3://go-cache?endpoint=https://s3.eu-west-3.amazonaws.com", "AWS_REGION=us-west-2", "https://go-cache.s3.eu-west-3.amazonaws.com/", "eu-west-3"},
		{"a dotted bucket at Amazon, which no certificate covers", "s3://go.cache", "", "https://s3.us-east-1.amazonaws.com/go.cache/", "us-east-1"},
		{"path style at Amazon when it is asked for", "s3://go-cache?path-style=true", "", "https://s3.us-east-1.amazonaws.com/go-cache/", "us-east-1"},
		{"dual stack when the endpoint says so", "s3://go-cache?endpoint=https://s3.dualstack.eu-west-3.amazonaws.com", "", "https://go-cache.s3.dualstack.eu-west-3.amazonaws.com/", "eu-west-3"},
		{"an address and a port", "s3://go-cache?endpoint=https://192.0.2.7:9000", "", "https://192.0.2.7:9000/go-cache/", "us-east-1"},
		{"a host of one's own", "s3://go-cache?endpoint=https://minio.example.test&region=home", "", "https://minio.example.test/go-cache/", "home"},
		{"a host of one's own with host names for buckets", "s3://go-cache?endpoint=https://minio.example.test&path-style=false", "", "https://go-cache.minio.example.test/", "us-east-1"},
		{"R2, whatever region the environment has", "s3://go-cache?endpoint=https://0123abcd.r2.cloudflarestorage.com", "AWS_REGION=eu-west-1", "https://0123abcd.r2.cloudflarestorage.com/go-cache/", "auto"},
		{"Alibaba, which has no path style", "s3://go-cache?endpoint=https://s3.oss-cn-hangzhou.aliyuncs.com", "", "https://go-cache.s3.oss-cn-hangzhou.aliyuncs.com/", "us-east-1"},
		{"the endpoint of the environment", "s3://go-cache", "AWS_ENDPOINT_URL=https://192.0.2.7:9000", "https://192.0.2.7:9000/go-cache/", "us-east-1"},
		{"the endpoint of the environment for S3", "s3://go-cache", "AWS_ENDPOINT_URL=https://192.0.2.7:9000 AWS_ENDPOINT_URL_S3=https://192.0.2.8", "https://192.0.2.8/go-cache/", "us-east-1"},
		{"the setting wins over the endpoint of the environment", "s3://go-cache?endpoint=https://192.0.2.9", "AWS_ENDPOINT_URL_S3=https://192.0.2.8", "https://192.0.2.9/go-cache/", "us-east-1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spec, err := store.Parse(tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			env := map[string]string{"AWS_ACCESS_KEY_ID": testKey, "AWS_SECRET_ACCESS_KEY": testSecret}
			for _, entry := range strings.Fields(tt.env) {
				name, value, _ := strings.Cut(entry, "=")
				env[name] = value
			}
			seen := new(refuser)
			s, err := s3.Open(s3.Options{Spec: spec, Getenv: func(name string) string { return env[name] }, Transport: seen})
			if err != nil {
				t.Fatal(err)
			}
			s.Find(t.Context(), "a")
			// The first request is the list: nothing was looked up before it.
			if seen.url != "GET "+tt.url || seen.region != tt.region {
				t.Errorf("first request %s, region %s\nwant GET %s, region %s", seen.url, seen.region, tt.url, tt.region)
			}
		})
	}
}

// The region becomes a part of the names of hosts that get credentials.
func TestARegionIsNoPartOfAURL(t *testing.T) {
	t.Parallel()
	for _, region := range []string{"x@127.0.0.1:1/", "x/", "a.b", "a?b", "a#b", "a b", "\u00e4", strings.Repeat("a", 64)} {
		if _, err := store.Parse("s3://cache?region=" + url.QueryEscape(region)); err == nil {
			t.Errorf("%q is accepted in the setting", region)
		}
		for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
			spec := store.Spec{Kind: store.S3, Bucket: "cache"}
			_, err := s3.Open(s3.Options{Spec: spec, Getenv: func(n string) string {
				return map[string]string{name: region}[n]
			}})
			if _, ok := errors.AsType[*store.SpecError](err); !ok {
				t.Errorf("%q is accepted in %s: %v", region, name, err)
			}
		}
	}
}

func TestPlacesThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, spec, env, want string }{
		{"a host in the place of the bucket", "s3://minio.example.test:9000/cache", "", "endpoint=https://minio.example.test:9000"},
		{"a bucket name that is too short", "s3://x", "", "3 to 63"},
		{"an endpoint of the environment with a path", "s3://cache", "https://example.test/minio", "AWS_ENDPOINT_URL_S3"},
		{"an endpoint of the environment without scheme", "s3://cache", "example.test", "AWS_ENDPOINT_URL_S3"},
		{"an endpoint without TLS", "s3://cache?endpoint=http://minio.example.test", "", "has no TLS"},
		{"an endpoint of the environment without TLS", "s3://cache", "http://192.0.2.7:9000", "has no TLS"},
		{"an endpoint of the environment with a user", "s3://cache", "https://user:secret@example.test", "AWS_ENDPOINT_URL_S3"},
		{"an endpoint with an odd host", "s3://cache?endpoint=https://exa$mple.test", "", "endpoint"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spec, err := store.Parse(tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s3.Open(s3.Options{Spec: spec, Getenv: func(name string) string {
				return map[string]string{"AWS_ENDPOINT_URL_S3": tt.env}[name]
			}})
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows a password: %v", err)
			}
			if _, ok := errors.AsType[*store.SpecError](err); !ok || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open: %v; want a *store.SpecError that says %q", err, tt.want)
			}
		})
	}
}
