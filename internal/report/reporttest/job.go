package reporttest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// jobModules are the modules of a job as there are many.
var jobModules = []string{
	"cloud.example.test/go/storage", "cloud.example.test/go/compute", "aws.example.test/sdk", "azure.example.test/core", "github.com/spf13/cobra", "github.com/spf13/pflag",
	"github.com/spf13/viper", "golang.org/x/net", "golang.org/x/text", "golang.org/x/sys", "golang.org/x/crypto", "golang.org/x/sync", "golang.org/x/tools", "golang.org/x/mod",
	"google.golang.org/grpc", "google.golang.org/protobuf", "google.golang.org/genproto", "github.com/prometheus/client_golang", "github.com/prometheus/common",
	"github.com/stretchr/testify", "github.com/davecgh/go-spew", "github.com/pmezard/go-difflib", "gopkg.in/yaml.v3", "github.com/google/uuid", "github.com/google/go-cmp",
	"github.com/gorilla/mux", "github.com/gorilla/websocket", "github.com/hashicorp/hcl/v2", "github.com/zclconf/go-cty", "github.com/mattn/go-isatty", "github.com/fatih/color",
	"github.com/pelletier/go-toml/v2", "github.com/fsnotify/fsnotify", "github.com/klauspost/compress", "github.com/golang/snappy", "github.com/jackc/pgx/v5", "github.com/lib/pq",
	"go.uber.org/zap", "go.uber.org/multierr", "go.opentelemetry.io/otel", "go.opentelemetry.io/otel/trace", "github.com/go-logr/logr", "github.com/cenkalti/backoff/v4",
	"k8s.example.test/api", "k8s.example.test/apimachinery", "k8s.example.test/client-go", "sigs.example.test/yaml", "github.com/json-iterator/go", "github.com/modern-go/reflect2",
}

// job is a job whose downloads are played with so many workers.
type job struct {
	r      *report.Result
	random *rand.Rand
	free   []float64 // when each worker is free, in milliseconds
	fresh  int       // connections that are still to be made
}

func newJob() *job {
	r := Start(report.OK)
	r.Project = &report.Project{Module: "example.test/shop", Repository: "acme/shop", Commit: "4f9d2c81b0e7a6350912cc04d7fe8a1b2c3d4e5f", Job: "test",
		URL: "https://ci.example.test/acme/shop/actions/runs/8241"}
	r.Mirrors[1] = report.Mirror{URL: Company, State: report.Healthy, DNSMS: F(0.4), ConnectMS: F(1.2), TLSMS: F(6), FirstByteMS: F(88), HTTP: "HTTP/1.1", SumDB: b(false), Chosen: true, Rank: 2}
	return &job{r: r, random: rand.New(rand.NewPCG(1, 2)), free: slices.Repeat([]float64{310}, 8), fresh: 8}
}

// file is one file of the job's work list.
func (j *job) file(i int, kind string) report.Module {
	m := report.Module{Path: jobModules[i%len(jobModules)], Version: fmt.Sprintf("v1.%d.%d", i%23, i/len(jobModules)), Kind: kind, File: "go.mod", Line: 6 + i}
	digest := sha256.Sum256([]byte(m.Name()))
	m.Sum = "h1:" + base64.StdEncoding.EncodeToString(digest[:])
	return m
}

// attempt plays one request that brings so many bytes, from a point in time on.
func (j *job) attempt(mirror string, at float64, bytes int64) report.Attempt {
	a := report.Attempt{Mirror: mirror, Status: 200, Bytes: bytes, StartMS: at, FirstByteMS: j.some(24, 40)}
	a.BodyMS, a.VerifyMS = F(whole(float64(bytes)/6000)), F(whole(2+float64(bytes)/60_000))
	a.MS = *a.FirstByteMS + *a.BodyMS + *a.VerifyMS + 1
	if j.fresh > 0 {
		j.fresh--
		a.DNSMS, a.ConnectMS, a.TLSMS = j.some(3, 2), j.some(14, 4), j.some(27, 9)
		a.MS += *a.DNSMS + *a.ConnectMS + *a.TLSMS
	}
	return a
}

// download has the next free worker bring a file, after the given failed attempts.
func (j *job) download(m report.Module, bytes int64, mirror string, failed ...report.Attempt) {
	w := 0
	for i, at := range j.free {
		if at < j.free[w] {
			w = i
		}
	}
	m.StartMS = j.free[w]
	at := m.StartMS + 1
	for _, a := range failed {
		a.StartMS = at
		m.Attempts = append(m.Attempts, a)
		at += a.MS + 120
	}
	if mirror != "" {
		a := j.attempt(mirror, at, bytes)
		m.Attempts = append(m.Attempts, a)
		m.Source, m.Mirror, m.Bytes = report.FromMirror, mirror, bytes
		at += a.MS
	} else {
		m.Source, m.Sum = report.FromFailed, ""
	}
	m.MS = at - m.StartMS
	j.free[w] = at
	j.r.Modules = append(j.r.Modules, m)
}

// some is at least so many milliseconds, and at most more of them above that.
func (j *job) some(least, more float64) *float64 { return F(whole(least + more*j.random.Float64())) }

// whole leaves no digits that one kind of processor has and another has not.
func whole(ms float64) float64 { return math.Round(ms) }

// zipBytes is the size of the zip of the i-th module: few are large.
func (j *job) zipBytes(i int) int64 {
	size := int64(9000 + math.Round(180*math.Exp(1.1*j.random.NormFloat64()))*1000)
	switch i {
	case 0:
		size += 7_400_000
	case 2, 45:
		size += 4_100_000
	}
	return size
}

func (j *job) finish() *report.Result {
	report.Aggregate(j.r)
	for i := range j.r.Mirrors {
		m := &j.r.Mirrors[i]
		for _, f := range j.r.Modules {
			for _, a := range f.Attempts {
				if a.Mirror != m.URL {
					continue
				}
				m.Bytes += a.Bytes
				if a.Class != "" {
					m.Failures++
				}
			}
			if f.Source == report.FromMirror && f.Mirror == m.URL {
				m.Files++
			}
		}
	}
	if f := j.r.Mirrors[0].Files; f > 0 {
		j.r.Mirrors[0].ThroughputBPS = F(38_600_000)
	}
	report.Settle(j.r)
	j.r.Totals.MS = slices.Max(j.free) + 41
	j.r.Contact("goproxy.example.test", "the mirror "+Goproxy)
	j.r.Contact("results.example.test", "the cache gha")
	return j.r
}

// Cold is a job that nothing was cached for.
func Cold() *report.Result {
	j := newJob()
	j.r.Cache = report.Cache{Store: "gha", Hit: "miss", MS: 212}
	for i := range jobModules {
		var failed []report.Attempt
		mirror := Goproxy
		switch i {
		case 12:
			failed = []report.Attempt{{Mirror: Goproxy, Status: 503, Class: failure.ServerError, MS: 61, FirstByteMS: F(60), Detail: "upstream timed out"}}
		case 33:
			failed = []report.Attempt{{Mirror: Goproxy, Status: 200, Class: failure.Stall, MS: 900, Bytes: 81_000, FirstByteMS: F(31)}}
			mirror = Company
		}
		j.download(j.file(i, report.KindZip), j.zipBytes(i), mirror, failed...)
	}
	for i := range jobModules {
		j.download(j.file(i, report.KindMod), int64(400+j.random.IntN(4000)), Goproxy)
	}
	return j.finish()
}

// Warm is the same job when all but five modules are in the cache.
func Warm() *report.Result {
	j := newJob()
	j.r.Cache = report.Cache{Store: "gha", Key: "modferry-linux-7d1f", Hit: "partial", Layers: 2, MS: 640}
	for i := range jobModules {
		for _, kind := range []string{report.KindZip, report.KindMod} {
			m, bytes := j.file(i, kind), int64(900)
			if kind == report.KindZip {
				bytes = j.zipBytes(i)
			}
			if i%10 == 7 {
				j.download(m, bytes, Goproxy)
				continue
			}
			m.Source, m.Bytes, m.StartMS, m.MS = report.FromCache, bytes, 260, 120+float64(i)*10
			j.r.Modules = append(j.r.Modules, m)
			j.r.Cache.Files++
			j.r.Cache.Bytes += bytes
		}
	}
	j.free[0] = max(j.free[0], 905)
	return j.finish()
}

// ManyFailures is a job whose only mirror is down: three hundred modules lack.
func ManyFailures() *report.Result {
	j := newJob()
	j.r.Outcome, j.r.Message = report.Incomplete, "600 files could not be obtained"
	j.r.Mirrors = []report.Mirror{{URL: Dead, State: report.Failing, Class: failure.Refused, Reason: "dial tcp 192.0.2.7:443: connect: connection refused", Chosen: true, Rank: 1}}
	j.r.SumDB = nil
	j.r.Choice = report.Choice{Configured: Dead, Chain: Dead}
	j.r.Settings.GOPROXY = Dead
	for i := range 300 {
		for _, kind := range []string{report.KindZip, report.KindMod} {
			m := j.file(i, kind)
			m.Class, m.Message = failure.Refused, fmt.Sprintf("get %s/%s/@v/%s.%s: dial tcp 192.0.2.7:443: connect: connection refused", Dead, m.Path, m.Version, kind)
			if i >= 12 {
				m.Class = failure.CircuitOpen
				m.Source, m.Sum = report.FromFailed, ""
				j.r.Modules = append(j.r.Modules, m)
				continue
			}
			j.download(m, 0, "", slices.Repeat([]report.Attempt{{Mirror: Dead, Class: failure.Refused, MS: 1.4}}, 3)...)
		}
	}
	return j.finish()
}
