package store

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/modferry/modferry/internal/settings"
)

// The kinds of stores.
const (
	Off = "off"
	Dir = "dir"
	GHA = "gha"
	S3  = "s3"
)

// Spec is what the setting "cache" says.
type Spec struct {
	Kind string // Off, Dir, GHA or S3

	Path string // of a Dir, as written

	Protocol string // of GHA: "v1", "v2", or "" to find out

	Bucket    string // of S3
	Prefix    string // begins every key; "" or ends in "/"
	Endpoint  string // URL with scheme and host; "" means Amazon's for the region
	Region    string // "" means the environment's, else us-east-1
	PathStyle bool   // the bucket stands in the path instead of the host name
	// PathStyleSet says that PathStyle was written; otherwise the store chooses
	// by the endpoint.
	PathStyleSet bool
}

// Expected is what the setting takes.
const Expected = "off, dir:PATH, gha, or s3://BUCKET/PREFIX?endpoint=https://HOST"

// regionForm is what a region may look like: it becomes a part of host names that
// credentials are sent to.
var regionForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,63}$`)

// ValidRegion reports whether a region, as settings or the environment name it,
// can be one.
func ValidRegion(region string) bool { return regionForm.MatchString(region) }

// SpecError is a setting "cache" that cannot be read.
type SpecError struct{ Found, Problem, Fix string }

func (e *SpecError) Error() string {
	return fmt.Sprintf("found %q, %s; write %s", settings.Redact(e.Found), e.Problem, e.Fix)
}

// Parse reads the setting "cache". Its error is a *SpecError.
func Parse(value string) (Spec, error) {
	fail := func(problem, instead string) (Spec, error) {
		return Spec{}, &SpecError{Found: value, Problem: problem, Fix: instead}
	}
	switch kind, rest, _ := strings.Cut(value, ":"); kind {
	case Off, "":
		if rest != "" || value == "" {
			break
		}
		return Spec{Kind: Off}, nil
	case Dir:
		if rest == "" {
			return fail("which names no directory", "dir:PATH, e.g. dir:.modferry/cache")
		}
		return Spec{Kind: Dir, Path: rest}, nil
	case GHA:
		if !slices.Contains([]string{"", "v1", "v2"}, rest) || value == GHA+":" {
			return fail("which is no version of the cache service", "gha, gha:v1 or gha:v2")
		}
		return Spec{Kind: GHA, Protocol: rest}, nil
	case S3:
		return parseS3(value, fail)
	}
	return fail("which is no store", Expected)
}

func parseS3(value string, fail func(problem, instead string) (Spec, error)) (Spec, error) {
	const example = "s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION"
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Opaque != "" || u.Fragment != "" {
		return fail("which is no URL of a bucket", example)
	}
	if u.User != nil {
		return fail("which holds credentials, and a setting is no place for them",
			"the URL without them, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	s := Spec{Kind: S3, Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	if s.Prefix != "" {
		s.Prefix += "/"
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return fail("whose part after the question mark cannot be read", example)
	}
	for name, values := range query {
		v := values[len(values)-1]
		switch name {
		case "endpoint":
			e, err := url.Parse(v)
			if err != nil || e.Host == "" || (e.Scheme != "https" && e.Scheme != "http") || strings.Trim(e.Path, "/") != "" || e.RawQuery != "" || e.User != nil {
				return fail(fmt.Sprintf("whose endpoint %q is no URL of a host", settings.Redact(v)), "endpoint=https://HOST")
			}
			s.Endpoint = e.Scheme + "://" + e.Host
		case "region":
			if !ValidRegion(v) {
				return fail(fmt.Sprintf("whose region %q is no region", settings.Redact(v)), "region=REGION, of letters, digits and hyphens")
			}
			s.Region = v
		case "path-style":
			if s.PathStyle, err = strconv.ParseBool(v); err != nil {
				return fail(fmt.Sprintf("whose path-style is %q", v), "path-style=true or path-style=false")
			}
			s.PathStyleSet = true
		default:
			return fail(fmt.Sprintf("whose option %q is unknown", name), "endpoint, region or path-style")
		}
	}
	return s, nil
}

// String is the specification as it may be shown; there are no secrets in it.
func (s Spec) String() string {
	switch s.Kind {
	case Dir:
		return "dir:" + s.Path
	case S3:
		return "s3://" + s.Bucket + "/" + s.Prefix
	case GHA:
		if s.Protocol != "" {
			return "gha:" + s.Protocol
		}
	}
	return s.Kind
}
