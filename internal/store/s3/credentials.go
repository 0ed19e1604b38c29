package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/modferry/modferry/internal/secret"
	"github.com/modferry/modferry/internal/store"
)

// Limits of time for credentials that somebody else hands out. Where there is
// no instance metadata, packets to its address just vanish.
const (
	metadataLimit = 3 * time.Second
	tokenLimit    = 20 * time.Second
)

// Where the credentials of a container may come from without encryption
// (AWS SDK reference, container credential provider), and the host of the
// relative form.
const (
	ecsHost  = "169.254.170.2"
	eksHost4 = "169.254.170.23"
	eksHost6 = "fd00:ec2::23"
)

// source is one place that may have credentials.
type source struct {
	name  string // for people
	get   func(*credentials.CredContext) (credentials.Value, error)
	stale func() bool // what get returned has expired
	limit time.Duration
	// asked says that somebody named this source: when it fails, none of the
	// others takes its place.
	asked bool
}

// chain finds the credentials: the first source that has any wins, and without
// one requests go unsigned. It is a credentials.Provider, used under the lock
// of one credentials.Credentials; what it tells about its findings is safe for
// concurrent use.
//
// It is not credentials.Chain, which is silent about a source that was named
// and failed, and sends requests unsigned instead.
type chain struct {
	sources []source
	mask    func(string)
	hidden  *secret.Set

	mu      sync.Mutex
	current *source // nil: none has any
	tried   bool
	reasons []string // why the sources that were asked in vain had none
}

// newChain lists the sources in the order of the AWS SDKs: what the environment
// names comes before files and metadata, which are just there.
func newChain(o Options, at place) *chain {
	c := &chain{mask: o.Mask, hidden: o.Secrets}
	add := func(s source) { c.sources = append(c.sources, s) }

	for _, pair := range []struct{ id, secret, token string }{
		{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"},
		{"AWS_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN"},
		{"MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", ""},
		{"MINIO_ACCESS_KEY", "MINIO_SECRET_KEY", ""},
	} {
		// A secret that was pasted with its line break makes an invalid header.
		id, secret := strings.TrimSpace(o.Getenv(pair.id)), strings.TrimSpace(o.Getenv(pair.secret))
		var err error
		switch {
		case id == "" && secret == "":
			continue
		case id == "":
			err = fmt.Errorf("%s is set and %s is not: %w", pair.secret, pair.id, store.ErrDenied)
		case secret == "":
			// Normal in a job of a fork, where secrets are empty.
			err = fmt.Errorf("%s is set and %s is not: %w", pair.id, pair.secret, store.ErrDenied)
		}
		v := credentials.Value{AccessKeyID: id, SecretAccessKey: secret, SignerType: credentials.SignatureV4}
		if pair.token != "" {
			v.SessionToken = strings.TrimSpace(o.Getenv(pair.token))
		}
		add(source{name: pair.id, asked: true, get: func(*credentials.CredContext) (credentials.Value, error) { return v, err }})
	}

	if file := o.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE"); file != "" {
		add(webIdentity(file, o, at))
	}
	if s, ok := profile(o.Getenv); ok {
		add(s)
	}
	if s, ok := container(o); ok {
		add(s)
	}
	if s, ok := instance(o, at); ok {
		add(s)
	}
	return c
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
			region = first(getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"), "us-east-1")
		}
		p.Endpoint = "https://sts." + region + "." + amazonDomain(region)
		if getenv("AWS_STS_REGIONAL_ENDPOINTS") == "legacy" {
			p.Endpoint = credentials.DefaultSTSRoleEndpoint
		}
	}
	p.EKSIdentity.TokenFile, p.EKSIdentity.RoleARN = file, role
	p.EKSIdentity.RoleSessionName = first(getenv("AWS_ROLE_SESSION_NAME"), "modferry")
	return source{
		name: "AWS_WEB_IDENTITY_TOKEN_FILE", asked: true, limit: tokenLimit, stale: p.IsExpired,
		get: func(cc *credentials.CredContext) (credentials.Value, error) {
			if u, err := url.Parse(p.Endpoint); err != nil || u.Hostname() == "" || u.User != nil || !private(u) {
				return credentials.Value{}, errors.New("AWS_ENDPOINT_URL_STS is no https:// URL of a host, and the token is worth as much as a password")
			}
			if role == "" && sts == "" {
				return credentials.Value{}, errors.New("AWS_ROLE_ARN is not set, and Amazon hands out nothing without a role")
			}
			if token, err := os.ReadFile(file); err == nil { // the library says why it cannot be read
				o.Secrets.Add(string(token))
			}
			v, err := p.RetrieveWithCredContext(cc)
			if r, ok := errors.AsType[credentials.ErrorResponse](err); ok {
				err = fmt.Errorf("%s answered %s: %s", p.Endpoint, r.STSError.Code, r.STSError.Message)
			}
			return v, err
		},
	}
}

// profile reads the shared files of the AWS tools. The library finds them by
// the environment of the process, so they count only where that of the options
// has a home as well.
func profile(getenv func(string) string) (source, bool) {
	named := first(getenv("AWS_PROFILE"), getenv("AWS_SHARED_CREDENTIALS_FILE"), getenv("AWS_CONFIG_FILE")) != ""
	if !named && first(getenv("HOME"), getenv("USERPROFILE")) == "" {
		return source{}, false
	}
	name := first(getenv("AWS_PROFILE"), "default")
	p := &credentials.FileAWSCredentials{Profile: name}
	keys := false // of the kind that never expires, for which the library has no answer
	return source{
		name: fmt.Sprintf("the profile %q of the AWS files", name), limit: tokenLimit,
		asked: getenv("AWS_PROFILE") != "",
		get: func(cc *credentials.CredContext) (credentials.Value, error) {
			v, err := p.RetrieveWithCredContext(cc)
			keys = v.Expiration.IsZero()
			if err == nil && v.AccessKeyID == "" {
				err = errors.New("has no keys of its own; source_profile and role_arn are not followed")
			}
			return v, err
		},
		stale: func() bool { return !keys && p.IsExpired() },
	}, true
}

// container asks what Amazon's ECS and EKS name in the environment of a
// container.
func container(o Options) (source, bool) {
	uri := o.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if relative := o.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); relative != "" {
		uri = "http://" + ecsHost + relative
	}
	if uri == "" {
		return source{}, false
	}
	p := &credentials.IAM{Endpoint: uri, Client: &http.Client{Transport: direct(o.Transport)}}
	// The library takes a URI of ours only in the place of the relative one,
	// and a token only from there.
	p.Container.CredentialsRelativeURI = "/"
	return source{
		name: "the role of the container", asked: true, limit: metadataLimit, stale: p.IsExpired,
		get: func(cc *credentials.CredContext) (credentials.Value, error) {
			if err := allowedURI(uri); err != nil {
				return credentials.Value{}, err
			}
			p.Container.AuthorizationToken = o.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
			if file := o.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
				token, err := os.ReadFile(file) // again each time: it is replaced before it expires
				if err != nil {
					return credentials.Value{}, err
				}
				p.Container.AuthorizationToken = strings.TrimSpace(string(token))
			}
			o.Secrets.Add(p.Container.AuthorizationToken)
			return p.RetrieveWithCredContext(cc)
		},
	}, true
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
func instance(o Options, at place) (source, bool) {
	endpoint := o.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT")
	if strings.EqualFold(o.Getenv("AWS_EC2_METADATA_DISABLED"), "true") || (endpoint == "" && !at.amazon) {
		return source{}, false
	}
	p := &credentials.IAM{
		Endpoint: strings.TrimSuffix(endpoint, "/"),
		Client:   &http.Client{Transport: direct(o.Transport)},
	}
	return source{name: "the role of the instance", limit: metadataLimit, stale: p.IsExpired, get: p.RetrieveWithCredContext}, true
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

// RetrieveWithCredContext asks the sources in turn.
func (c *chain) RetrieveWithCredContext(cc *credentials.CredContext) (credentials.Value, error) {
	ctx := context.Background()
	if cc.Context != nil {
		// What goes wrong here is not what went wrong with the call.
		ctx = context.WithValue(cc.Context, traceKey{}, nil)
	}
	var reasons []string
	for i := range c.sources {
		s := &c.sources[i]
		v, err := s.ask(ctx, cc)
		if err == nil && v.AccessKeyID != "" && v.SecretAccessKey != "" {
			c.found(s, v)
			return v, nil
		}
		if ctx.Err() != nil {
			return credentials.Value{}, context.Cause(ctx)
		}
		if err == nil {
			err = errors.New("the answer holds no keys")
		}
		if s.asked {
			return credentials.Value{}, &credentialError{source: s.name, err: err}
		}
		reasons = append(reasons, s.name+": "+err.Error())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current, c.tried, c.reasons = nil, true, reasons
	return credentials.Value{SignerType: credentials.SignatureAnonymous}, nil
}

func (s *source) ask(ctx context.Context, cc *credentials.CredContext) (credentials.Value, error) {
	if s.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.limit)
		defer cancel()
	}
	return s.get(&credentials.CredContext{Client: cc.Client, Endpoint: cc.Endpoint, Context: ctx})
}

func (c *chain) found(s *source, v credentials.Value) {
	secrets := []string{v.SecretAccessKey}
	if v.SessionToken != "" {
		secrets = append(secrets, v.SessionToken)
	}
	c.mu.Lock()
	c.current, c.tried, c.reasons = s, true, nil
	c.mu.Unlock()
	c.hidden.Add(secrets...)
	if c.mask != nil {
		for _, s := range secrets {
			c.mask(s)
		}
	}
}

// Retrieve is for users without a context, of which there are none.
func (c *chain) Retrieve() (credentials.Value, error) {
	return c.RetrieveWithCredContext(&credentials.CredContext{Client: http.DefaultClient})
}

// IsExpired reports whether the sources have to be asked (again). That there
// are no credentials stays so for the life of the store.
func (c *chain) IsExpired() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.tried:
		return true
	case c.current == nil || c.current.stale == nil:
		return false
	}
	return c.current.stale()
}

// origin names the source of the credentials in use, "" when there is none, and
// then says why.
func (c *chain) origin() (name string, reasons []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		return "", c.reasons
	}
	return c.current.name, nil
}

// credentialError is a source of credentials that was named and failed.
type credentialError struct {
	source string
	err    error
}

func (e *credentialError) Error() string { return e.source + ": " + e.err.Error() }
func (e *credentialError) Unwrap() error { return e.err }
