package s3_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/store/s3"
)

// A web identity token is worth as much as a password: it goes to Amazon's STS
// of the region, or to the service that the environment names.
func TestWhereAWebIdentityTokenGoes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name             string
		endpoint, region string // of the setting
		env              map[string]string
		want             string
	}{
		{"without a region", "", "", nil, "https://sts.us-east-1.amazonaws.com"},
		{"the region of the setting", "", "eu-central-1", map[string]string{"AWS_REGION": "us-west-2"}, "https://sts.eu-central-1.amazonaws.com"},
		{"the region of the environment", "", "", map[string]string{"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "x"}, "https://sts.us-west-2.amazonaws.com"},
		{"a region in China", "", "cn-north-1", nil, "https://sts.cn-north-1.amazonaws.com.cn"},
		{"a region that only mentions China", "", "eu-cn-1", nil, "https://sts.eu-cn-1.amazonaws.com"},
		{"another server's region is not Amazon's", "https://minio.example.test", "home", nil, "https://sts.us-east-1.amazonaws.com"},
		{"another server, and a region of the environment", "https://minio.example.test", "home", map[string]string{"AWS_REGION": "eu-west-3"}, "https://sts.eu-west-3.amazonaws.com"},
		{"another server, and the default region of the environment", "https://minio.example.test", "home", map[string]string{"AWS_DEFAULT_REGION": "eu-west-3"}, "https://sts.eu-west-3.amazonaws.com"},
		{"a host that ends like Amazon's", "https://s3.us-east-1.amazonaws.com.example.test", "home", nil, "https://sts.us-east-1.amazonaws.com"},
		{"the service that is for every region", "", "eu-central-1", map[string]string{"AWS_STS_REGIONAL_ENDPOINTS": "legacy"}, "https://sts.amazonaws.com"},
		{"the service of the environment", "", "eu-central-1", map[string]string{"AWS_ENDPOINT_URL_STS": "https://sts.example.test"}, "https://sts.example.test"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, d := newRoles(t), newDouble(t)
			to := &elsewhere{base: s.Client().Transport, to: strings.TrimPrefix(s.URL, "http://")}
			env := map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": tokenFile(t), "AWS_ROLE_ARN": "arn:x"}
			for name, value := range test.env {
				env[name] = value
			}
			c := d.open(t, func(o *s3.Options) {
				o.Getenv = func(name string) string { return env[name] }
				o.Spec.Endpoint, o.Spec.Region = test.endpoint, test.region
				o.Transport = to
			})
			c.Find(t.Context(), "a")
			if len(to.urls) == 0 || to.urls[0] != "POST "+test.want {
				t.Errorf("requests %q, want the first to be for %s", to.urls, test.want)
			}
		})
	}
}

// The token of a container is sent in the clear only within this machine, and
// to the agents of ECS and EKS.
func TestWhereTheTokenOfAContainerGoes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		uri  string
		sent bool
	}{
		{"http://127.0.0.1:8080/creds", true},
		{"http://127.0.0.2/creds", true},
		{"http://[::1]:8080/creds", true},
		{"http://localhost:8080/creds", true},
		{"http://169.254.170.2/creds", true},
		{"http://169.254.170.23/creds", true},
		{"http://[fd00:ec2::23]/creds", true},
		{"https://agent.example.test/creds", true},
		{"http://agent.example.test/creds", false},
		{"http://192.0.2.1/creds", false},
		{"http://169.254.170.22/creds", false},
		{"http://localhost.example.test/creds", false},
		{"http://127.0.0.1.example.test/creds", false},
		{"http:///creds", false},
		{"/creds", false},
		{"://", false},
	} {
		t.Run(test.uri, func(t *testing.T) {
			t.Parallel()
			s, d := newRoles(t), newDouble(t)
			to := &elsewhere{base: s.Client().Transport, to: strings.TrimPrefix(s.URL, "http://")}
			env := map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": test.uri, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "s3cret"}
			c := d.open(t, func(o *s3.Options) {
				o.Getenv = func(name string) string { return env[name] }
				o.Transport = to
			})
			c.Find(t.Context(), "a")
			if sent := slices.Contains(s.tokens, "s3cret"); sent != test.sent {
				t.Errorf("token sent %v, want %v: %q", sent, test.sent, to.urls)
			}
		})
	}
}
