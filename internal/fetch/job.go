package fetch

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/secret"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/worklist"
)

// Options are what a job takes from outside. The zero value works.
type Options struct {
	// Tool names the program in the result, e.g. "modferry 1.2.3".
	Tool string
	// Log receives a line for every noteworthy event; nil means silence.
	Log func(line string)
	// Getenv finds NETRC and the home directory; nil means that no .netrc is
	// read.
	Getenv func(string) string
	// Proxy and Dial replace the forward proxy from the environment and the
	// dialer; nil means the usual ones.
	Proxy func(*http.Request) (*url.URL, error)
	Dial  mirror.DialFunc
	// Backoff is the longest first pause before an attempt is repeated; 0
	// means 200 ms. Pause is how long a mirror that keeps failing is taken out
	// for the first time; 0 means a second. Both double.
	Backoff, Pause time.Duration
	// Hedge is the least wait for a first byte before a second request is
	// made; 0 means 250 ms. Silence is that wait where it is not known how fast
	// the mirror responds, and what a mirror that responds to nothing gets while
	// another one may be asked; 0 means 2 s.
	Hedge, Silence time.Duration
	// Grace is how much longer than a usable mirror the others may take to
	// answer the preflight before nobody waits for them; 0 means 250 ms.
	Grace time.Duration
	// Patience is how long a cache service that is busy, failing or silent is
	// waited for before mirrors do its work; 0 means 8 s.
	Patience time.Duration
	// Mask is told every secret that a cache service hands out, so that the CI
	// system can keep it out of its log; nil means that nobody is.
	Mask func(secret string)
	// Secrets learns the credentials of the run, and hides them in what servers
	// say; nil means one of the job's own.
	Secrets *secret.Set
}

// proxy finds the forward proxy of a request.
func (o Options) proxy() proxyFunc {
	if o.Proxy != nil {
		return o.Proxy
	}
	return http.ProxyFromEnvironment
}

// Job is one run over a checkout, prepared: every setting is checked and the
// work list is read. Use it once.
type Job struct {
	o        Options
	values   *settings.Values
	env      goenv.Env
	about    []finding.Finding // the settings of the chain
	findings []finding.Finding // everything else

	how         Choice
	fallback    Fallback
	configured  goenv.Chain
	chain       chain // all candidates
	access      access
	sumdb       goenv.SumDB
	sumdbOwnURL bool
	list        *worklist.List
	room        room
	samples     []mirror.Sample
	netrc       []mirror.NetrcEntry
	client      *mirror.Client
	contacts    contacts
	cache       *modcache.Cache
	began       time.Time
	progress    atomic.Pointer[run]
	probing     atomic.Pointer[preflight]
	phase       atomic.Value // string
	spec        store.Spec
	unsound     bool   // of a doctor's job: no chain can be made of the settings
	guest       bool   // the chain is the checkout's: without credentials of the job, and for this run alone
	exported    string // the final chain for other go commands, credentials included; "" for none
	total       atomic.Int64
	verified    atomic.Int64 // files dealt with, but those of the run in progress
	fetched     atomic.Int64 // bytes of the files that mirrors brought, but for the run in progress
	restored    atomic.Int64 // bytes of the files that layers brought
	mu          sync.Mutex   // of findings
}

// Prepare reads everything a run needs and refuses what cannot mean what was
// intended. Its error is for the user to act on (exit code 2): it says what
// was found, what was expected and what to do.
func Prepare(v *settings.Values, env goenv.Env, o Options) (*Job, error) {
	j, err := prepare(v, env, o)
	if err != nil {
		return nil, sourced(err, env)
	}
	if err := j.readList(); err != nil {
		return nil, err
	}
	// A newer Go is for later; that there will be none is for now.
	_, toolchains := j.toolchains()
	j.findings = append(j.findings, slices.DeleteFunc(toolchains, func(f finding.Finding) bool { return f.Severity != finding.Error })...)
	if err := j.readSpec(); err != nil {
		return nil, err
	}
	return j, nil
}

// readList reads what the checkout needs.
func (j *Job) readList() error {
	dir, err := filepath.Abs(j.values.Dir)
	if err != nil {
		return fmt.Errorf("find the directory %s: %w", j.values.Dir, err)
	}
	options := worklist.Options{
		Checkout: j.values.Checkout.Root, Modules: j.values.Modules, All: j.values.All, GOFLAGS: j.env.Get("GOFLAGS"), GOWORK: j.env.Get("GOWORK"),
	}
	if j.o.Getenv != nil {
		// A container action has the checkout there, and later steps elsewhere.
		options.Mounted = strings.HasPrefix(j.o.Getenv("GITHUB_WORKSPACE"), "/github/")
		options.GOOS, options.GOARCH = j.o.Getenv("GOOS"), j.o.Getenv("GOARCH")
	}
	list, err := worklist.Load(dir, options)
	if err != nil {
		return err
	}
	j.list = list
	j.findings = append(j.findings, list.Findings...)
	j.samples = samples(list, j.access)
	return nil
}

// readSpec reads which store the cache is in.
func (j *Job) readSpec() error {
	var err error
	if j.spec, err = store.Parse(j.values.Cache); err != nil {
		return fmt.Errorf("%s: %w", j.values.Sources["cache"], err)
	}
	if j.spec.Kind == store.S3 {
		// Opening asks for nothing, and tells what Parse can't.
		var bad *store.SpecError
		if _, err := j.openStore(); errors.As(err, &bad) {
			return fmt.Errorf("%s: %w", j.values.Sources["cache"], bad)
		}
	}
	return nil
}

// Root is the directory that positions in the result are relative to; "" for a
// job without a checkout.
func (j *Job) Root() string {
	if j.list == nil {
		return ""
	}
	return j.list.Root
}

// Transport reaches servers that are no mirrors with the settings of the run:
// authorities, forward proxy, limits of connecting.
func (j *Job) Transport() http.RoundTripper { return j.client.Transport() }

// TransportTrusting is Transport for a server whose authorities may be those in
// a file of PEM blocks, too; "" for none. Mirrors are not reached with them.
// setting is what names the file, for errors.
func (j *Job) TransportTrusting(setting, file string) (http.RoundTripper, error) {
	t := j.client.Transport()
	if file == "" {
		return t, nil
	}
	pool, err := withAuthorities(t.TLSClientConfig.RootCAs, setting, file)
	if err != nil {
		return nil, err
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}

// PrepareProbe prepares a job that only probes: a checkout is used for samples
// where there is one, but need not be there.
func PrepareProbe(v *settings.Values, env goenv.Env, o Options) (*Job, error) {
	j, err := Prepare(v, env, o)
	var input *worklist.InputError
	if !errors.As(err, &input) {
		return j, err
	}
	j, err = prepare(v, env, o)
	if err != nil {
		return nil, sourced(err, env)
	}
	j.list = &worklist.List{}
	return j, nil
}

func prepare(v *settings.Values, env goenv.Env, o Options) (*Job, error) {
	j := newJob(v, env, o)
	if err := j.open(); err != nil {
		return nil, err
	}
	return j, nil
}

func newJob(v *settings.Values, env goenv.Env, o Options) *Job {
	if o.Secrets == nil {
		o.Secrets = &secret.Set{}
	}
	for _, text := range []string{env.Get("GOPROXY"), env.Get("GOSUMDB"), v.Cache} {
		o.Secrets.AddURLs(text)
	}
	j := &Job{o: o, values: v, env: env, how: Choice(v.Mirrors), fallback: Fallback(v.Fallback)}
	j.room = roomFor(openFiles(), v.Concurrency, runtime.GOMAXPROCS(0))
	j.phase.Store("")
	j.hear()
	return j
}

// open reads the settings of the go command and makes the mirrors.
func (j *Job) open() (err error) {
	list, source := j.mirrorList()
	if j.configured, err = goenv.ParseProxy(list); err != nil {
		if j.guest {
			return fmt.Errorf("%w (from: %s)", err, source)
		}
		return err
	}
	if j.sumdb, err = goenv.ParseSumDB(j.env.Get("GOSUMDB")); err != nil {
		return err
	}
	j.sumdbOwnURL = j.sumdb.URL != "https://"+j.sumdb.Name
	if err := j.check(); err != nil {
		return err
	}
	return j.openMirrors()
}

// refused are the settings that must mean what was intended: a chain that the
// go command accepts but cannot use fails every download, and a pattern that
// matches nothing tells private names to strangers.
var refused = []string{"GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB"}

// check collects the findings about the settings and refuses what cannot mean
// what was intended.
func (j *Job) check() error {
	if err := j.checkPatterns(); err != nil {
		return err
	}
	for _, f := range goenv.Check(j.env, nil) {
		// Of the default's comma: the chosen chain has it mended already, and
		// says so.
		if f.Check != "goproxy-separator" || f.Severity != finding.Info {
			j.about = append(j.about, f)
		}
		if f.Severity == finding.Error && slices.Contains(refused, f.Setting) {
			return &goenv.SyntaxError{Check: f.Check, Setting: f.Setting, Found: f.Found, Problem: clause(f.Effect), Instead: f.Instead}
		}
	}
	return nil
}

// clause makes a clause of a sentence.
func clause(sentence string) string {
	r, n := utf8.DecodeRuneInString(sentence)
	return string(unicode.ToLower(r)) + strings.TrimSuffix(sentence[n:], ".")
}

// openMirrors makes the candidates of the chain.
func (j *Job) openMirrors() error {
	v := j.values
	if err := checkCertFile(j.o.Getenv); err != nil {
		return err
	}
	roots, err := rootCAs(v.CAFile)
	if err != nil {
		return err
	}
	if !j.guest {
		if j.netrc, err = readNetrc(j.o.Getenv, j.env.Get("GOAUTH")); err != nil {
			return err
		}
	}
	if !j.sumdb.Off {
		j.contacts.expect(j.sumdb.URL, "the checksum database "+j.sumdb.Name)
	}
	j.client = mirror.NewClient(mirror.Options{
		Limits: mirror.Limits{Connect: v.ConnectTimeout, TLS: v.TLSTimeout, FirstByte: v.FirstByteTimeout,
			Stall: v.StallTimeout, Total: v.RequestTimeout},
		Proxy: j.contacts.watch(j.o.proxy(), ""), Dial: j.o.Dial, RootCAs: roots, Netrc: j.netrc,
		Concurrency: j.room.requests, Pause: j.o.Pause, Trips: v.Retries + 1, UserAgent: UserAgent(j.o.Tool), Secrets: j.o.Secrets,
	})
	catalogue := mirror.PublicCatalogue()
	named := j.configured.Mirrors()
	seen := map[string]bool{}
	for _, e := range candidates(j.how, j.configured, catalogue) {
		if seen[e.URL] {
			continue // the same URL twice brings nothing that a repeated attempt doesn't
		}
		seen[e.URL] = true
		p, public := catalogue.Find(e.URL)
		h := &hop{url: e.URL, written: e.Sep, sep: j.fallback.separator(e.Sep, public), public: public, operator: p.Operator, weight: 1}
		h.added = !slices.ContainsFunc(named, func(n goenv.Entry) bool { return n.URL == e.URL })
		var limits mirror.Limits
		for _, c := range j.mirrorConfigs() {
			if strings.TrimRight(c.URL, "/") == e.URL {
				h.weight, h.last = max(c.Weight, 1), c.FallbackOnly
				limits = mirror.Limits{Connect: c.Timeouts.Connect, TLS: c.Timeouts.TLS, FirstByte: c.Timeouts.FirstByte,
					Stall: c.Timeouts.Stall, Total: c.Timeouts.Request}
			}
		}
		if h.Mirror, err = j.client.Open(e.URL, limits); err != nil {
			return openError(e.URL, err)
		}
		j.contacts.expect(e.URL, "the mirror "+h.Name())
		j.chain.hops = append(j.chain.hops, h)
	}
	if n := len(j.configured); n > 0 {
		j.chain.end = j.configured[n-1].Kind
	}
	return nil
}

func openError(rawURL string, err error) error {
	if failure.Classify(err) != failure.InsecureCredentials {
		return err
	}
	return &goenv.SyntaxError{Setting: "GOPROXY", Found: settings.Redact(rawURL),
		Problem: "a password in an http:// URL would travel readable, and the go command refuses to send it",
		Instead: "https://" + strings.TrimPrefix(settings.Redact(rawURL), "http://")}
}

// rootCAs is the system's authorities and those of the file; nil when no file
// is given.
func rootCAs(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	return withAuthorities(nil, "--ca-file", file)
}

// withAuthorities is the authorities of a pool, nil for the system's, and those
// of the file that a setting names.
func withAuthorities(pool *x509.CertPool, setting, file string) (*x509.CertPool, error) {
	pem, err := diskfile.Read(file, maxCertificates)
	if err != nil {
		return nil, fmt.Errorf("read the authorities of %s: %w", setting, err)
	}
	if pool != nil {
		pool = pool.Clone()
	} else if pool, err = x509.SystemCertPool(); err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s %s: found no certificate, expected PEM blocks that begin with -----BEGIN CERTIFICATE-----", setting, file)
	}
	return pool, nil
}

// readNetrc reads the file that the go command reads
// (cmd/go/internal/auth/netrc.go) unless GOAUTH leaves it out.
func readNetrc(getenv func(string) string, goauth string) ([]mirror.NetrcEntry, error) {
	name := netrcFile(getenv, goauth)
	if name == "" {
		return nil, nil
	}
	data, err := diskfile.Read(name, maxNetrc)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the credentials of %s: %w", name, err)
	}
	return mirror.ParseNetrc(string(data)), nil
}

// netrcFile is the file that the go command reads credentials from, "" for none.
func netrcFile(getenv func(string) string, goauth string) string {
	if getenv == nil || (goauth != "" && !strings.Contains(goauth, "netrc")) {
		return ""
	}
	if name := getenv("NETRC"); name != "" {
		return name
	}
	home := getenv("HOME")
	if home == "" {
		home = getenv("USERPROFILE")
	}
	if home == "" {
		return ""
	}
	if legacy := filepath.Join(home, "_netrc"); filepath.Separator == '\\' {
		if _, err := os.Stat(legacy); err == nil {
			return legacy
		}
	}
	return filepath.Join(home, ".netrc")
}

// effective is the settings of the run for the result.
func (j *Job) effective() report.EffectiveSettings {
	s := report.EffectiveSettings{
		GOPROXY: j.configured.Redacted(), GOSUMDB: settings.Redact(j.env.Get("GOSUMDB")),
		GOPRIVATE: j.access.private, GONOPROXY: j.access.noProxy, GONOSUMDB: j.env.Get("GONOSUMDB"),
		ModCache: j.env.Get("GOMODCACHE"), Sources: map[string]string{}, Checkout: j.voice(),
	}
	for _, name := range []string{"GOPROXY", "GOSUMDB", "GOPRIVATE", "GOMODCACHE"} {
		s.Sources[name] = j.env.Source(name)
	}
	if j.guest {
		_, s.Sources["GOPROXY"] = j.mirrorList()
	}
	if j.values.Checkout.Private != "" {
		s.Sources["GOPRIVATE"] += " and " + j.values.Checkout.Sources["private"]
	}
	return s
}
