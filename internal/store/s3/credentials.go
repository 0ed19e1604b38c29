package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/modferry/modferry/internal/secret"
)

// source is one place that may have credentials. What asks there is a provider of
// minio-go.
type source struct {
	credentials.Provider
	name  string        // for people
	limit time.Duration // 0: it asks nobody
	// asked says that somebody named this source: when it fails, none of the
	// others takes its place.
	asked bool
	// ready, when not nil, is called before the provider and refuses what it would
	// do.
	ready func() error
	where string // whose errors are those of STS; a URL
	empty string // what it means that there are no keys; "" for the usual
}

// chain finds the credentials: the first source that has any wins, and without
// one requests go unsigned. It is a credentials.Provider, used under the lock
// of one credentials.Credentials; what it tells about its findings is safe for
// concurrent use.
//
// The providers are minio-go's, the chain is not: credentials.Chain goes on to
// the next provider when one that was named fails, ends with unsigned requests,
// and says nothing of either. Nor are its EnvAWS, EnvMinio and the order within
// its IAM used: they read the environment of the process instead of the run's,
// take half a pair of keys for none, and keep a pasted line break.
type chain struct {
	sources []source
	mask    func(string)
	hidden  *secret.Set

	mu      sync.Mutex
	tried   bool
	current *source  // nil: none has any
	expires bool     // what it gave does
	reasons []string // why the sources that were asked in vain had none
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
		switch {
		case err == nil:
			c.found(s, v)
			return v, nil
		case ctx.Err() != nil:
			return credentials.Value{}, context.Cause(ctx)
		case s.asked:
			return credentials.Value{}, &credentialError{source: s.name, err: err}
		}
		reasons = append(reasons, s.name+": "+err.Error())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current, c.tried, c.reasons = nil, true, reasons
	return credentials.Value{SignerType: credentials.SignatureAnonymous}, nil
}

// ask returns the keys of a source, or why it has none.
func (s *source) ask(ctx context.Context, cc *credentials.CredContext) (credentials.Value, error) {
	if s.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.limit)
		defer cancel()
	}
	if s.ready != nil {
		if err := s.ready(); err != nil {
			return credentials.Value{}, err
		}
	}
	v, err := s.RetrieveWithCredContext(&credentials.CredContext{Client: cc.Client, Endpoint: cc.Endpoint, Context: ctx})
	if r, ok := errors.AsType[credentials.ErrorResponse](err); ok {
		err = fmt.Errorf("%s answered %s: %s", s.where, r.STSError.Code, r.STSError.Message)
	}
	if err == nil && (v.AccessKeyID == "" || v.SecretAccessKey == "") {
		err = errors.New(cmp.Or(s.empty, "the answer holds no keys"))
	}
	return v, err
}

func (c *chain) found(s *source, v credentials.Value) {
	c.mu.Lock()
	c.current, c.tried, c.reasons = s, true, nil
	c.expires = !v.Expiration.IsZero() // of keys that never do, some providers say they have
	c.mu.Unlock()
	for _, secret := range []string{v.SecretAccessKey, v.SessionToken} {
		if secret != "" {
			c.hidden.Add(secret)
			c.mask(secret)
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
	return !c.tried || c.current != nil && c.expires && c.current.IsExpired()
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

type credentialError struct {
	source string
	err    error
}

func (e *credentialError) Error() string { return e.source + ": " + e.err.Error() }
func (e *credentialError) Unwrap() error { return e.err }
