package s3

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/store"
)

type place struct {
	host      string // of the endpoint, with its port
	secure    bool
	region    string // never empty
	lookup    minio.BucketLookupType
	amazon    bool // the endpoint is one of Amazon's
	dualstack bool // Amazon's hosts that also have IPv6 addresses
	// unconditional says that the server is known not to take
	// "If-None-Match: *".
	unconditional bool

	bucket, prefix string
}

// locate decides everything that can be decided without asking anybody. What
// the setting says wins over what the endpoint tells, and that over the
// environment, which was mostly made for other programs.
func locate(spec store.Spec, getenv func(string) string) (place, error) {
	fail := func(problem, instead string) (place, error) {
		return place{}, &store.SpecError{Found: spec.String(), Problem: problem, Fix: instead}
	}
	p := place{bucket: spec.Bucket, prefix: spec.Prefix}
	if strings.Contains(spec.Bucket, ":") {
		return fail(fmt.Sprintf("whose bucket %q looks like a host", spec.Bucket), "s3://BUCKET/PREFIX?endpoint=https://"+spec.Bucket)
	}
	if err := s3utils.CheckValidBucketName(spec.Bucket); err != nil {
		return fail(fmt.Sprintf("whose bucket %q cannot be one", spec.Bucket), "a bucket name of 3 to 63 lower-case letters, digits, '-' and '.'")
	}

	endpoint := cmp.Or(spec.Endpoint, getenv("AWS_ENDPOINT_URL_S3"), getenv("AWS_ENDPOINT_URL"))
	region := cmp.Or(spec.Region, getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"), "us-east-1")
	if !store.ValidRegion(region) {
		return fail(fmt.Sprintf("whose region %q, from the environment, is no region", settings.Redact(region)),
			"region=REGION into the setting, or correct AWS_REGION and AWS_DEFAULT_REGION")
	}
	if endpoint == "" {
		endpoint = "https://s3." + region + "." + amazonDomain(region)
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || strings.Trim(u.Path, "/") != "" {
		return fail(fmt.Sprintf("whose endpoint %q, from the environment, is no URL of a host", settings.Redact(endpoint)),
			"endpoint=https://HOST into the setting, or correct AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL")
	}
	if !private(u) {
		return fail(fmt.Sprintf("whose endpoint %q has no TLS, so that credentials and modules would travel readable", settings.Redact(endpoint)),
			"an https:// endpoint; http:// is for this machine's own addresses only")
	}
	p.host, p.secure = u.Host, u.Scheme == "https"
	p.region = cmp.Or(spec.Region, regionOf(*u), region)
	p.amazon = s3utils.IsAmazonEndpoint(*u) || isAmazonHost(u.Hostname())
	p.dualstack = strings.Contains(u.Hostname(), ".dualstack.") || getenv("AWS_USE_DUALSTACK_ENDPOINT") == "true"
	// OSS answers a conditional write with 501, after it took the whole body.
	p.unconditional = s3utils.IsAliyunOSSEndpoint(*u)
	switch {
	case !spec.PathStyleSet:
		// Virtual host style for Amazon, Google and Alibaba, which demands it,
		// except for bucket names with dots over TLS, which no certificate
		// covers; path style for all others.
		p.lookup = minio.BucketLookupAuto
	case spec.PathStyle:
		p.lookup = minio.BucketLookupPath
	default:
		p.lookup = minio.BucketLookupDNS
	}
	return p, nil
}

// private reports whether nobody on the way reads what is sent to a URL: it has
// TLS, or its host is this machine.
func private(u *url.URL) bool {
	if u.Scheme == "https" {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || (err == nil && ip.IsLoopback())
}

// regionOf is the region that an endpoint belongs to, "" when its name does not
// tell.
func regionOf(u url.URL) string {
	if strings.HasSuffix(u.Hostname(), ".r2.cloudflarestorage.com") {
		return "auto" // R2 refuses the names of Amazon's regions, save us-east-1
	}
	return s3utils.GetRegionFromURL(u)
}

// isAmazonHost reports whether a host is Amazon's, private links included.
func isAmazonHost(host string) bool {
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
}

func amazonDomain(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// endpoint is the URL of the endpoint, for people.
func (p place) endpoint() string {
	if p.secure {
		return "https://" + p.host
	}
	return "http://" + p.host
}

// url names an entry, or with "" what is below the prefix, for people; the
// request may put the bucket into the host name.
func (p place) url(name string) string {
	return p.endpoint() + "/" + p.bucket + "/" + p.prefix + name
}
