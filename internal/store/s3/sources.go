package s3

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/store"
)

// Limits of time for credentials that somebody else hands out. Where there is
// no instance metadata, packets to its address just vanish.
const (
	metadataLimit = 3 * time.Second
	tokenLimit    = 20 * time.Second
)

// maxToken bounds the file of a token, in bytes: those of Kubernetes have two
// thousand.
const maxToken = 64 << 10

// Where the credentials of a container may come from without encryption
// (AWS SDK reference, container credential provider), and the host of the
// relative form.
const (
	ecsHost  = "169.254.170.2"
	eksHost4 = "169.254.170.23"
	eksHost6 = "fd00:ec2::23"
)

// newChain lists the sources in the order of the AWS SDKs: what the environment
// names comes before files and metadata, which are just there.
func newChain(o Options, at place) *chain {
	c := &chain{mask: o.Mask, hidden: o.Secrets, sources: keys(o.Getenv)}
	if file := o.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE"); file != "" {
		c.sources = append(c.sources, webIdentity(file, o, at))
	}
	for _, s := range []*source{profile(o.Getenv), container(o), instance(o, at)} {
		if s != nil {
			c.sources = append(c.sources, *s)
		}
	}
	return c
}

// keys are the pairs of keys that the environment holds.
func keys(getenv func(string) string) []source {
	var all []source
	for _, pair := range []struct{ id, secret, token string }{
		{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"},
		{"AWS_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN"},
		{"MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", ""},
		{"MINIO_ACCESS_KEY", "MINIO_SECRET_KEY", ""},
	} {
		// A secret that was pasted with its line break makes an invalid header.
		get := func(name string) string { return strings.TrimSpace(getenv(name)) }
		v := credentials.Value{AccessKeyID: get(pair.id), SecretAccessKey: get(pair.secret), SignerType: credentials.SignatureV4}
		if pair.token != "" {
			v.SessionToken = get(pair.token)
		}
		var half error
		switch {
		case v.AccessKeyID == "" && v.SecretAccessKey == "":
			continue
		case v.AccessKeyID == "":
			half = fmt.Errorf("%s is set and %s is not: %w", pair.secret, pair.id, store.ErrDenied)
		case v.SecretAccessKey == "":
			// Normal in a job of a fork, where secrets are empty.
			half = fmt.Errorf("%s is set and %s is not: %w", pair.id, pair.secret, store.ErrDenied)
		}
		all = append(all, source{name: pair.id, asked: true, Provider: &credentials.Static{Value: v}, ready: func() error { return half }})
	}
	return all
}

// webIdentity exchanges a token for credentials (AssumeRoleWithWebIdentity).
// The token goes to Amazon's STS, or to the one that the environment names, and
// to no other host: it is worth as much as a password.
func webIdentity(file string, o Options, at place) source {
	getenv := o.Getenv
	role, sts := getenv("AWS_ROLE_ARN"), getenv("AWS_ENDPOINT_URL_STS")
	p := &credentials.IAM{Region: at.region, Endpoint: sts}
	if p.Endpoint == "" {
		region := at.region
		if !at.amazon {
			region = cmp.Or(getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"), "us-east-1")
		}
		p.Endpoint = "https://sts." + region + "." + amazonDomain(region)
		if getenv("AWS_STS_REGIONAL_ENDPOINTS") == "legacy" {
			p.Endpoint = credentials.DefaultSTSRoleEndpoint
		}
	}
	p.EKSIdentity.TokenFile, p.EKSIdentity.RoleARN = file, role
	p.EKSIdentity.RoleSessionName = cmp.Or(getenv("AWS_ROLE_SESSION_NAME"), "modferry")
	ready := func() error {
		if u, err := url.Parse(p.Endpoint); err != nil || u.Hostname() == "" || u.User != nil || !private(u) {
			return errors.New("AWS_ENDPOINT_URL_STS is no https:// URL of a host, and the token is worth as much as a password")
		}
		if role == "" && sts == "" {
			return errors.New("AWS_ROLE_ARN is not set, and Amazon hands out nothing without a role")
		}
		token, err := diskfile.Read(file, maxToken) // the library itself reads whatever it is
		o.Secrets.Add(string(token))
		return err
	}
	return source{Provider: p, name: "AWS_WEB_IDENTITY_TOKEN_FILE", asked: true, limit: tokenLimit, ready: ready, where: p.Endpoint}
}

// profile reads the shared files of the AWS tools. The library finds them by
// the environment of the process, so they count only where that of the options
// has a home as well.
func profile(getenv func(string) string) *source {
	named := cmp.Or(getenv("AWS_PROFILE"), getenv("AWS_SHARED_CREDENTIALS_FILE"), getenv("AWS_CONFIG_FILE")) != ""
	if !named && cmp.Or(getenv("HOME"), getenv("USERPROFILE")) == "" {
		return nil
	}
	name := cmp.Or(getenv("AWS_PROFILE"), "default")
	return &source{
		Provider: &credentials.FileAWSCredentials{Profile: name},
		name:     fmt.Sprintf("the profile %q of the AWS files", name), asked: getenv("AWS_PROFILE") != "", limit: tokenLimit,
		empty: "has no keys of its own; source_profile and role_arn are not followed",
	}
}

// container asks what Amazon's ECS and EKS name in the environment of a
// container.
func container(o Options) *source {
	uri := o.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if relative := o.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); relative != "" {
		uri = "http://" + ecsHost + relative
	}
	if uri == "" {
		return nil
	}
	p := &credentials.IAM{Endpoint: uri, Client: &http.Client{Transport: direct(o.Transport)}}
	// The library takes a URI of ours only in the place of the relative one,
	// and a token only from there.
	p.Container.CredentialsRelativeURI = "/"
	ready := func() error {
		if err := allowedURI(uri); err != nil {
			return err
		}
		p.Container.AuthorizationToken = o.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
		if file := o.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
			token, err := diskfile.Read(file, maxToken) // again each time: it is replaced before it expires
			if err != nil {
				return err
			}
			p.Container.AuthorizationToken = strings.TrimSpace(string(token))
		}
		o.Secrets.Add(p.Container.AuthorizationToken)
		return nil
	}
	return &source{Provider: p, name: "the role of the container", asked: true, limit: metadataLimit, ready: ready}
}

// allowedURI keeps the container's token from being sent in the clear to
// anybody but this machine and the agents of ECS and EKS.
func allowedURI(uri string) error {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" {
		return errors.New("AWS_CONTAINER_CREDENTIALS_FULL_URI is no URL")
	}
	if host := u.Hostname(); private(u) || host == ecsHost || host == eksHost4 || host == eksHost6 {
		return nil
	}
	return fmt.Errorf("AWS_CONTAINER_CREDENTIALS_FULL_URI names %s, expected https or this machine", u.Hostname())
}

// instance asks the metadata service of an EC2 instance for the instance's
// role: only for Amazon's own endpoints, since no other server knows such
// credentials, unless somebody names the service.
func instance(o Options, at place) *source {
	endpoint := o.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT")
	if strings.EqualFold(o.Getenv("AWS_EC2_METADATA_DISABLED"), "true") || (endpoint == "" && !at.amazon) {
		return nil
	}
	p := &credentials.IAM{
		Endpoint: strings.TrimSuffix(endpoint, "/"),
		Client:   &http.Client{Transport: direct(o.Transport)},
	}
	return &source{Provider: p, name: "the role of the instance", limit: metadataLimit}
}

// direct is a transport without a forward proxy, which has metadata of its own
// or none.
func direct(base http.RoundTripper) http.RoundTripper {
	t, ok := base.(*http.Transport)
	if !ok {
		return base
	}
	t = t.Clone()
	t.Proxy = nil
	t.DisableKeepAlives = true // a handful of requests, and nobody to close them
	t.DialContext = (&net.Dialer{Timeout: metadataLimit}).DialContext
	return t
}
