package session

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/secret"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/worklist"
)

// Options are what a session takes from outside. The zero value works.
type Options struct {
	// Tool names the program in the result, e.g. "modferry 1.2.3".
	Tool string
	// Via is a header of requests to mirrors, by which a server knows its own; "" for
	// none.
	Via string
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
	// Stays says that the session is for a program that stays: a mirror that was down is
	// asked again however long that was.
	Stays bool
	// Brought is told of every file and page that mirrors were asked for, with its
	// attempts, as soon as its fate is known, from any goroutine; nil means that nobody
	// is.
	Brought func(report.Module)
	// Mask is told every secret that a cache service hands out, so that the CI
	// system can keep it out of its log; nil means that nobody is.
	Mask func(secret string)
	// Secrets learns the credentials of the run, and hides them in what servers
	// say; nil means a set of the session's own.
	Secrets *secret.Set
}

// patience is the default of Options.Patience: by then mirrors would have
// brought a good part of the work list.
const patience = 8 * time.Second

// getenv is Options.Getenv, whose absence is an empty environment.
func (s *Session) getenv(name string) string {
	if s.Options.Getenv == nil {
		return ""
	}
	return s.Options.Getenv(name)
}

// proxy finds the forward proxy of a request.
func (o Options) proxy() proxyFunc {
	if o.Proxy != nil {
		return o.Proxy
	}
	return http.ProxyFromEnvironment
}

// Session is what a run knows before it begins: every setting is checked, the
// mirrors are opened and the work list is read. Its fields are for reading, and
// stay as they are. Any number of runs may share one, also at the same time; what
// they share beside it is what requests tell of the mirrors (mirror.Health,
// mirror.Limiter) and the hosts that were asked.
type Session struct {
	Options Options
	Values  *settings.Values
	Env     goenv.Env // what the job says, without the checkout's part in it
	// About are the findings about the chain's settings, Findings all others.
	About, Findings []finding.Finding

	Choice     Choice
	Configured goenv.Chain // as written
	Chain      Chain       // all candidates
	Access     Access
	SumDB      goenv.SumDB
	List       *worklist.List
	Room       Room
	Client     *mirror.Client
	Store      store.Spec
	// Unsound says that the settings name no mirror that could be asked; OpenForDoctor
	// alone returns such a session.
	Unsound bool
	// nameless says that no mirror is told a name of the work list, because the setting
	// that would keep it from them may be the one that is wrong.
	nameless bool

	sumDBs   []goenv.AddedSumDB
	fallback Fallback
	guest    bool                // the chain is the checkout's: without credentials of the job, and for this run alone
	netrc    []mirror.NetrcEntry // of the file of passwords; none for a guest
	contacts contacts
}

// Open reads everything a run needs and refuses what cannot mean what was
// intended. Its error is for the user to act on (exit code 2): it says what
// was found, what was expected and what to do.
func Open(v *settings.Values, env goenv.Env, o Options) (*Session, error) {
	s, err := withoutList(v, env, o)
	if err != nil {
		return nil, err
	}
	if err := s.readList(); err != nil {
		return nil, err
	}
	// A newer Go is for later; that there will be none is for now.
	_, toolchains := s.Toolchains()
	s.Findings = append(s.Findings, slices.DeleteFunc(toolchains, func(f finding.Finding) bool { return f.Severity != finding.Error })...)
	if err := s.readSpec(); err != nil {
		return nil, err
	}
	return s, nil
}

// OpenProbe opens a session for probing alone: a checkout is used for samples
// where there is one, but need not be there.
func OpenProbe(v *settings.Values, env goenv.Env, o Options) (*Session, error) {
	s, err := Open(v, env, o)
	var input *worklist.InputError
	if !errors.As(err, &input) {
		return s, err
	}
	return withoutList(v, env, o)
}

// OpenJob opens a session whose mirrors are the job's alone: what they say decides what
// @latest is, which is not the checkout's to decide. A checkout that there is none of,
// or that cannot be read, is none.
func OpenJob(v *settings.Values, env goenv.Env, o Options) (*Session, error) {
	own := *v
	own.Checkout.Proxy, own.Checkout.Mirrors = "", nil
	if v.FromCheckout("mirrors") {
		own.Mirrors = string(Configured)
	}
	return OpenProbe(&own, env, o)
}

// OpenCache opens a session that only lists or prunes the cache; it needs no
// checkout.
func OpenCache(v *settings.Values, env goenv.Env, o Options) (*Session, error) {
	s, err := withoutList(v, env, o)
	if err != nil {
		return nil, err
	}
	if err := s.readSpec(); err != nil {
		return nil, err
	}
	if s.Store.Kind == store.Off {
		return nil, errors.New("there is no cache; name one with --cache dir:PATH or --cache s3://BUCKET/PREFIX?endpoint=https://HOST")
	}
	return s, nil
}

// OpenServer opens a session without a checkout, for a program that stays.
func OpenServer(v *settings.Values, env goenv.Env, o Options) (*Session, error) {
	o.Stays = true
	if v.Offline {
		var err error
		if v, env, err = Offline(v, env, OwnModCache(env)...); err != nil {
			return nil, err
		}
	}
	return withoutList(v, env, o)
}

// withoutList is a session with an empty work list.
func withoutList(v *settings.Values, env goenv.Env, o Options) (*Session, error) {
	s := newSession(v, env, o)
	if err := s.open(); err != nil {
		return nil, s.sourced(err)
	}
	return s, nil
}

// readList reads what the checkout needs.
func (s *Session) readList() error {
	dir, err := filepath.Abs(s.Values.Dir)
	if err != nil {
		return fmt.Errorf("find the directory %s: %w", s.Values.Dir, err)
	}
	options := worklist.Options{
		Checkout: s.Values.Checkout.Root, Modules: s.Values.Modules, All: s.Values.Scope == "all", GOFLAGS: s.Env.Get("GOFLAGS"), GOWORK: s.Env.Get("GOWORK"),
	}
	// A container action has the checkout there, and later steps elsewhere.
	options.Mounted = strings.HasPrefix(s.getenv("GITHUB_WORKSPACE"), "/github/")
	options.GOOS, options.GOARCH = s.getenv("GOOS"), s.getenv("GOARCH")
	if s.Values.Scope == "imports" {
		if options.Contexts, err = s.contexts(); err != nil {
			return err
		}
	}
	list, err := worklist.Load(dir, options)
	if err != nil {
		return err
	}
	s.List = list
	s.Findings = append(s.Findings, list.Findings...)
	return nil
}

// readSpec reads which store the cache is in.
func (s *Session) readSpec() error {
	var err error
	if s.Store, err = store.Parse(s.Values.Cache); err != nil {
		return fmt.Errorf("%s: %w", s.Values.Sources["cache"], err)
	}
	if s.Store.Kind == store.S3 {
		// Opening asks for nothing, and tells what Parse can't.
		var bad *store.SpecError
		if _, err := s.OpenStore(); errors.As(err, &bad) {
			return fmt.Errorf("%s: %w", s.Values.Sources["cache"], bad)
		}
	}
	return nil
}

// Root is the directory that positions in the result are relative to; "" for a
// session without a checkout.
func (s *Session) Root() string { return s.List.Root }

// Position is the line of the checkout that stands for a module: of this version
// or, when version is "" or not in the work list, of any. file is "" when there is
// none.
func (s *Session) Position(path, version string) (file string, line int) {
	for _, m := range s.List.Modules {
		if m.Path != path {
			continue
		}
		if p := m.Position(); file == "" || m.Version == version {
			file, line = p.File, p.Line
		}
	}
	return file, line
}

func newSession(v *settings.Values, env goenv.Env, o Options) *Session {
	if o.Secrets == nil {
		o.Secrets = &secret.Set{}
	}
	o.Patience = cmp.Or(o.Patience, patience)
	for _, text := range []string{env.Get("GOPROXY"), env.Get("GOSUMDB"), v.SumDBs, v.Cache} {
		o.Secrets.AddURLs(text)
	}
	s := &Session{Options: o, Values: v, Env: env, Choice: Choice(v.Mirrors), fallback: Fallback(v.Fallback), List: &worklist.List{}}
	s.Room = roomFor(openFiles(), v.Concurrency, runtime.GOMAXPROCS(0))
	s.hear()
	return s
}

// open reads the settings of the go command and makes the mirrors.
func (s *Session) open() (err error) {
	if err := goenv.ReadForward(s.getenv).Err(); err != nil {
		return err
	}
	list, _ := s.mirrorList()
	if s.Configured, err = goenv.ParseProxy(list); err != nil {
		return err
	}
	if s.SumDB, err = goenv.ParseSumDB(s.Env.Get("GOSUMDB")); err != nil {
		return err
	}
	if err := s.readSumDBs(); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	return s.openMirrors()
}

// Effective is the settings of the run for the result.
func (s *Session) Effective() report.EffectiveSettings {
	e := report.EffectiveSettings{
		Scope: s.Values.Scope, GOPROXY: s.Configured.Redacted(), GOSUMDB: settings.Redact(s.Env.Get("GOSUMDB")),
		GOPRIVATE: s.Access.Private, GONOPROXY: s.Access.NoProxy, GONOSUMDB: s.Env.Get("GONOSUMDB"),
		ModCache: s.Env.Get("GOMODCACHE"), Sources: map[string]string{}, Checkout: s.voice(),
	}
	for _, name := range []string{"GOPROXY", "GOSUMDB", "GOPRIVATE", "GOMODCACHE"} {
		e.Sources[name] = s.Env.Source(name)
	}
	if s.guest {
		_, e.Sources["GOPROXY"] = s.mirrorList()
	}
	if s.Values.Checkout.Private != "" {
		e.Sources["GOPRIVATE"] += " and " + s.Values.Checkout.Sources["private"]
	}
	return e
}
