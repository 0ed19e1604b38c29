package s3_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/s3"
)

// roles is a server that hands out credentials: STS, the agent of a container
// and the metadata of an instance.
type roles struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
	forms    []string
	tokens   []string // Authorization headers
	valid    time.Duration
	refuse   bool
	endless  bool          // the keys say nothing of their end
	hang     chan struct{} // not nil: the metadata service does not answer before
}

func newRoles(t *testing.T) *roles {
	t.Helper()
	s := &roles{valid: time.Hour}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		if s.hang != nil {
			close(s.hang)
		}
		s.Close()
	})
	return s
}

func (s *roles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	s.forms = append(s.forms, string(body))
	s.tokens = append(s.tokens, r.Header.Get("Authorization"))
	s.mu.Unlock()
	if s.hang != nil {
		<-s.hang
	}
	expiry := time.Now().Add(s.valid).UTC().Format(time.RFC3339)
	_, token, _ := strings.Cut(string(body), "WebIdentityToken=")
	switch {
	case s.refuse:
		w.WriteHeader(403)
		io.WriteString(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity with `+token+`</Message></Error></ErrorResponse>`)
	case r.URL.Path == "/latest/api/token":
		io.WriteString(w, "metadata-token")
	case r.URL.Path == "/latest/meta-data/iam/security-credentials/":
		io.WriteString(w, "the-role")
	case r.Method == "POST":
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>`+
			`<AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>the-session</SessionToken><Expiration>%s</Expiration>`+
			`</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, testKey, testSecret, expiry)
	default:
		answer := map[string]string{"Code": "Success", "AccessKeyId": testKey, "SecretAccessKey": testSecret, "Token": "the-session", "Expiration": expiry}
		if s.endless {
			delete(answer, "Expiration")
		}
		json.NewEncoder(w).Encode(answer)
	}
}

func (s *roles) asked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.requests, ", ")
}

// tokenFile writes a token with the line break that shells leave.
func tokenFile(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(name, []byte("the-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestCredentialsComeFromTheFirstSourceThatHasAny(t *testing.T) {
	t.Parallel()
	keys := map[string]string{"AWS_ACCESS_KEY_ID": testKey, "AWS_SECRET_ACCESS_KEY": testSecret}
	for _, tt := range []struct {
		name  string
		env   func(t *testing.T, s *roles) map[string]string
		asked string // of the server that hands out credentials
	}{
		{"AWS keys", func(*testing.T, *roles) map[string]string { return keys }, ""},
		{"AWS keys with the line break of a pasted secret", func(*testing.T, *roles) map[string]string {
			return map[string]string{"AWS_ACCESS_KEY_ID": testKey + "\n", "AWS_SECRET_ACCESS_KEY": testSecret + "\r\n"}
		}, ""},
		{"MinIO's user", func(*testing.T, *roles) map[string]string {
			return map[string]string{"MINIO_ROOT_USER": testKey, "MINIO_ROOT_PASSWORD": testSecret}
		}, ""},
		{"MinIO's keys", func(*testing.T, *roles) map[string]string {
			return map[string]string{"MINIO_ACCESS_KEY": testKey, "MINIO_SECRET_KEY": testSecret}
		}, ""},
		{"keys win over a web identity and metadata", func(t *testing.T, s *roles) map[string]string {
			return map[string]string{"AWS_ACCESS_KEY_ID": testKey, "AWS_SECRET_ACCESS_KEY": testSecret, "AWS_EC2_METADATA_SERVICE_ENDPOINT": s.URL,
				"AWS_WEB_IDENTITY_TOKEN_FILE": tokenFile(t), "AWS_ROLE_ARN": "arn:x", "AWS_ENDPOINT_URL_STS": s.URL}
		}, ""},
		{"a web identity", func(t *testing.T, s *roles) map[string]string {
			return map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": tokenFile(t), "AWS_ROLE_ARN": "arn:x", "AWS_ENDPOINT_URL_STS": s.URL}
		}, "POST /"},
		{"a container's role by a relative URI is refused elsewhere, by a full one on loopback taken", func(t *testing.T, s *roles) map[string]string {
			return map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.URL + "/creds", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": tokenFile(t)}
		}, "GET /creds"},
		{"an instance's role, once, whatever is asked for", func(_ *testing.T, s *roles) map[string]string {
			return map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": s.URL + "/"}
		}, "PUT /latest/api/token, GET /latest/meta-data/iam/security-credentials/, GET /latest/meta-data/iam/security-credentials/the-role"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, s := newDouble(t), newRoles(t)
			d.put("a", "x")
			env := tt.env(t, s)
			c := d.open(t, func(o *s3.Options) { o.Getenv = func(name string) string { return env[name] } })
			for range 3 {
				if _, err := c.Find(t.Context(), "a"); err != nil {
					t.Fatal(err)
				}
			}
			if got := s.asked(); got != tt.asked {
				t.Errorf("asked %q, want %q", got, tt.asked)
			}
		})
	}
}

func TestTheTokensOfRolesAreSent(t *testing.T) {
	t.Parallel()
	d, s := newDouble(t), newRoles(t)
	env := map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": tokenFile(t), "AWS_ROLE_ARN": "arn:x", "AWS_ROLE_SESSION_NAME": "job-7", "AWS_ENDPOINT_URL_STS": s.URL}
	var session string
	d.fault = func(_ string, _ int, _ http.ResponseWriter, r *http.Request) bool {
		session = r.Header.Get("X-Amz-Security-Token")
		return false
	}
	var mu sync.Mutex
	var masked []string
	_, err := d.open(t, func(o *s3.Options) {
		o.Getenv = func(name string) string { return env[name] }
		o.Mask = func(secret string) {
			mu.Lock()
			defer mu.Unlock()
			masked = append(masked, secret)
		}
	}).List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Action=AssumeRoleWithWebIdentity", "RoleArn=arn%3Ax", "RoleSessionName=job-7", "WebIdentityToken=the-token"} {
		if !strings.Contains(s.forms[0], want) {
			t.Errorf("STS was sent %q, want %s", s.forms[0], want)
		}
	}
	if session != "the-session" {
		t.Errorf("the session token sent is %q", session)
	}
	if !slices.Equal(masked, []string{testSecret, "the-session"}) {
		t.Errorf("masked %q", masked)
	}
}

func TestTheTokenOfAContainerIsReadFromItsFile(t *testing.T) {
	t.Parallel()
	d, s := newDouble(t), newRoles(t)
	env := map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": tokenFile(t)}
	if _, err := d.open(t, func(o *s3.Options) { o.Getenv = func(name string) string { return env[name] } }).List(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.tokens, []string{"the-token"}) {
		t.Errorf("sent the tokens %q", s.tokens)
	}
}

func TestExpiredCredentialsAreFetchedAgain(t *testing.T) {
	t.Parallel()
	d, s := newDouble(t), newRoles(t)
	s.valid = -time.Minute
	c := d.open(t, func(o *s3.Options) {
		o.Getenv = func(name string) string {
			return map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.URL}[name]
		}
	})
	for range 2 {
		if _, err := c.List(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(s.asked(), "GET"); n < 2 {
		t.Errorf("asked %d times", n)
	}
	before := len(s.requests)
	s.endless = true
	for range 2 {
		if _, err := c.List(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.requests) - before; n != 1 {
		t.Errorf("keys that name no end were asked for %d times, want once", n)
	}
}

func TestAProfileOfTheAWSFiles(t *testing.T) {
	// Not parallel: the library reads these from the process.
	dir := t.TempDir()
	file := filepath.Join(dir, "credentials")
	text := "[default]\nregion = x\n[ci]\naws_access_key_id = " + testKey + "\naws_secret_access_key = " + testSecret + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "none"))
	d := newDouble(t)
	list := func(env map[string]string) error {
		_, err := d.open(t, func(o *s3.Options) { o.Getenv = func(name string) string { return env[name] } }).List(t.Context(), "")
		return err
	}
	if err := list(map[string]string{"AWS_PROFILE": "ci", "HOME": dir}); err != nil {
		t.Errorf("profile ci: %v", err)
	}
	if err := list(map[string]string{"AWS_PROFILE": "typo"}); failure.As(err).Class != failure.Unauthorized || !strings.Contains(err.Error(), `"typo"`) {
		t.Errorf("a profile that is named and missing: %v", err)
	}
	// A default profile without keys is nobody's mistake: unsigned, and the
	// refusal says where was looked.
	if err := list(map[string]string{"HOME": dir}); !errors.Is(err, store.ErrDenied) || !strings.Contains(err.Error(), `"default"`) {
		t.Errorf("no profile named: %v", err)
	}
}

func TestASourceThatWasNamedAndFailedIsSaid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		env  map[string]string
		want []string
		is   error
	}{
		{"half a pair of keys, as in a job of a fork", map[string]string{"AWS_ACCESS_KEY_ID": testKey},
			[]string{"AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not"}, store.ErrDenied},
		{"the other half", map[string]string{"MINIO_ROOT_PASSWORD": "x"}, []string{"MINIO_ROOT_PASSWORD is set and MINIO_ROOT_USER is not"}, store.ErrDenied},
		{"a token file that is missing", map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": "no-such-file", "AWS_ROLE_ARN": "arn:x"},
			[]string{"AWS_WEB_IDENTITY_TOKEN_FILE", "no-such-file"}, nil},
		{"a web identity without a role", map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": "no-such-file"}, []string{"AWS_ROLE_ARN is not set"}, nil},
		{"a role that is refused", map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": "TOKEN", "AWS_ROLE_ARN": "arn:x", "AWS_ENDPOINT_URL_STS": "ROLES"},
			[]string{"http://127.0.0.1", "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"}, nil},
		{"a container's URI on the network", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://agent.example.test/x"},
			[]string{"agent.example.test", "expected https or this machine"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, s := newDouble(t), newRoles(t)
			s.refuse = true
			file := tokenFile(t)
			_, err := d.open(t, func(o *s3.Options) {
				o.Getenv = func(name string) string {
					return map[string]string{"TOKEN": file, "ROLES": s.URL}[tt.env[name]] + strings.NewReplacer("TOKEN", "", "ROLES", "").Replace(tt.env[name])
				}
			}).Find(t.Context(), "a")
			f, ok := errors.AsType[*failure.Error](err)
			if !ok || f.Class != failure.Unauthorized {
				t.Fatalf("Find: %v, want a failure of class unauthorized", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is not %v", err, tt.is)
			}
			if strings.Contains(err.Error(), "the-token") {
				t.Errorf("%q shows the token that was sent", err)
			}
			if n := len(d.requests); n != 0 {
				t.Errorf("%d requests went out without the credentials", n)
			}
		})
	}
}

func TestWithoutCredentialsPublicEntriesCanBeRead(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.public = true
	d.put("a", "for everybody")
	s := d.open(t, func(o *s3.Options) { o.Getenv = nil })
	e, err := s.Find(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); string(got) != "for everybody" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := s.List(t.Context(), ""); !errors.Is(err, store.ErrDenied) || !strings.Contains(err.Error(), "no credentials were found") {
		t.Errorf("List: %v", err)
	}
}

// elsewhere sends every request to one server and notes where it was meant to go.
type elsewhere struct {
	base http.RoundTripper
	to   string
	mu   sync.Mutex
	urls []string
}

func (e *elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	e.mu.Lock()
	e.urls = append(e.urls, r.Method+" "+r.URL.String())
	e.mu.Unlock()
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "http", e.to
	return e.base.RoundTrip(r)
}

func TestMetadataIsAskedForAmazonOnlyAndNotForLong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		env   map[string]string
		there string // the endpoint
		asked bool
	}{
		{"Amazon", nil, "", true},
		{"another server", nil, "https://minio.example.test", false},
		{"switched off", map[string]string{"AWS_EC2_METADATA_DISABLED": "TRUE"}, "", false},
		{"keys are set", map[string]string{"AWS_ACCESS_KEY_ID": testKey, "AWS_SECRET_ACCESS_KEY": testSecret}, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newRoles(t)
			to := &elsewhere{base: s.Client().Transport, to: strings.TrimPrefix(s.URL, "http://")}
			d := newDouble(t)
			c := d.open(t, func(o *s3.Options) {
				o.Getenv = func(name string) string { return tt.env[name] }
				o.Spec.Endpoint = tt.there
				o.Transport = to
			})
			c.Find(t.Context(), "a")
			got := slices.ContainsFunc(to.urls, func(u string) bool { return strings.Contains(u, "169.254.169.254") })
			if got != tt.asked {
				t.Errorf("asked the instance metadata: %t, want %t: %q", got, tt.asked, to.urls)
			}
		})
	}
}

func TestACallThatIsCancelledDoesNotWaitForCredentials(t *testing.T) {
	t.Parallel()
	d, s := newDouble(t), newRoles(t)
	s.hang = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	_, err := d.open(t, func(o *s3.Options) {
		o.Getenv = func(name string) string {
			return map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.URL}[name]
		}
	}).Find(ctx, "a")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Find: %v, want context.Canceled", err)
	}
}
