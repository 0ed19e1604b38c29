package e2e

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/modferry/modferry/docs/docstest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// TestExamplesOfPolicies gives a user no more than a policy of the documents, as the
// policy of the bucket, and lets that user restore and save.
func TestExamplesOfPolicies(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("versitygw")
	need(t, err == nil, "versitygw is not on the search path; .ci/tools says where it comes from")
	_, minioPolicy, _ := strings.Cut(docstest.Text(t, "docs/cache.md#minio sh"), "<<'JSON'\n")
	minioPolicy, _, _ = strings.Cut(minioPolicy, "\nJSON\n")
	for name, policy := range map[string]string{
		"AWS": docstest.Text(t, "docs/cache.md#aws json"), "MinIO": minioPolicy,
		"OSS": strings.NewReplacer(`"Version": "1"`, `"Version": "2012-10-17"`, `"oss:ListObjects`, `"s3:ListBucket`, `"oss:`, `"s3:`, "acs:oss:*:*:", "arn:aws:s3:::").Replace(docstest.Text(t, "docs/cache.md#alibaba-cloud-oss json")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket := regexp.MustCompile(`arn:aws:s3:::([a-z-]+)"`).FindStringSubmatch(policy)[1]
			v, front := versityWithUsers(t, bucket)
			u, err := url.Parse(front.URL)
			if err != nil {
				t.Fatal(err)
			}
			root, err := minio.New(u.Host, &minio.Options{Creds: credentials.NewStaticV4(v.id, v.secret, ""), Region: "us-east-1"})
			if err != nil {
				t.Fatal(err)
			}
			if err := root.SetBucketPolicy(t.Context(), bucket, ofBucket(t, policy, "runner")); err != nil {
				t.Fatal(err)
			}

			_, s, dir := modules(t)
			m := newReader(t, dir, "GOPROXY="+s.URL, "AWS_ACCESS_KEY_ID=runner", "AWS_SECRET_ACCESS_KEY=hunter2-of-the-bucket",
				"MODFERRY_CACHE=s3://"+bucket+"/go?endpoint="+front.URL)
			if out := m.bash("modferry fetch && modferry cache save"); !strings.Contains(out, "saved to the cache") {
				t.Errorf("nothing is saved:\n%s", out)
			}
			s.Close()
			m.fresh().bash("modferry fetch && go build ./...")
			if out := m.with("MODFERRY_CACHE=s3://" + bucket + "/other?endpoint=" + front.URL).bash("modferry cache save || true"); !strings.Contains(out, "lack a permission") {
				t.Errorf("it saves below another prefix:\n%s", out)
			}
		})
	}
}

// versityWithUsers is an S3 server with a bucket, and with a user "runner" who may do
// nothing yet.
func versityWithUsers(t *testing.T, bucket string) (*versity, *mirrortest.Server) {
	t.Helper()
	dir, err := os.MkdirTemp("", "modferry-s3-") // short, for the socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Mkdir(filepath.Join(dir, "iam"), 0o777); err != nil {
		t.Fatal(err)
	}
	v, err := launchVersity(dir, "--iam-dir", filepath.Join(dir, "iam"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.kill)
	if err := os.Mkdir(filepath.Join(v.data, bucket), 0o777); err != nil {
		t.Fatal(err)
	}
	front := v.front(t)
	add := exec.Command("versitygw", "admin", "--access", v.id, "--secret", v.secret, "--endpoint-url", front.URL,
		"create-user", "--access", "runner", "--secret", "hunter2-of-the-bucket", "--role", "user")
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return v, front
}

// ofBucket makes the policy of a user that of a bucket. Conditions, which this server
// does not know, are left out.
func ofBucket(t *testing.T, policy, user string) string {
	t.Helper()
	var doc struct {
		Version   string
		Statement []map[string]any
	}
	if err := json.Unmarshal([]byte(policy), &doc); err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Statement {
		s["Principal"] = map[string]any{"AWS": []string{user}}
		delete(s, "Condition")
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
