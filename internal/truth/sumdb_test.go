package truth

import (
	"net/http"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// sumDBWorld is a checksum database that knows the module of one: with a server
// of its own, https://sum.example.test behind a forward proxy, and through a
// mirror.
type sumDBWorld struct {
	t      *testing.T
	f      *mirrortest.Fixtures
	db     *mirrortest.SumDB
	ca     *mirrortest.Authority
	itself *mirrortest.Server
	mirror *mirrortest.Server
}

func newSumDBWorld(t *testing.T, faults ...mirrortest.Rule) *sumDBWorld {
	t.Helper()
	mirrortest.NeedSSLCertFile(t)
	w := &sumDBWorld{t: t, f: one(t), ca: mirrortest.NewAuthority(t)}
	w.db = mirrortest.NewSumDB(t, w.f)
	w.itself, _ = serveTLS(t, mirrortest.Options{Handler: w.db, Authority: w.ca})
	w.mirror = w.another(faults...)
	return w
}

// another is a further mirror that serves the module and the database.
func (w *sumDBWorld) another(faults ...mirrortest.Rule) *mirrortest.Server {
	w.t.Helper()
	return mirrortest.Start(w.t, mirrortest.Options{Fixtures: w.f, SumDB: w.db, Faults: faults})
}

// fresh is a job without go.sum that uses the database.
func (w *sumDBWorld) fresh(proxy string) *job {
	w.t.Helper()
	j := emptyJob(w.t, proxy).trust(w.ca).set("GOSUMDB", w.db.Key)
	j.write("go.mod", "module example.test/main\n\ngo 1.21\n")
	j.through(map[string]string{w.db.Name: w.itself.Addr})
	return j
}

// complete is a job with a complete go.sum that uses the database.
func (w *sumDBWorld) complete(proxy string) *job {
	w.t.Helper()
	j := newJob(w.t, w.f, proxy).trust(w.ca).set("GOSUMDB", w.db.Key)
	j.through(map[string]string{w.db.Name: w.itself.Addr})
	return j
}

// lookups is how often a hash was looked up, wherever.
func (w *sumDBWorld) lookups() int {
	return w.itself.Count("/lookup/*") + w.mirror.Count("/sumdb/*/lookup/*")
}

// badSumDB is a GOSUMDB value that ends every lookup.
func badSumDB(id, says, value, message string) claim {
	return claim{id, says, "internal/goenv/sumdb.go, internal/failure/gologblock.go", func(t *testing.T) string {
		w := newSumDBWorld(t)
		value := strings.ReplaceAll(value, "KEY", w.db.Key)
		return all(w.fresh(w.mirror.URL).set("GOSUMDB", value).run("mod", "download", mAt).fails(message), equal("lookups", w.lookups(), 0))
	}}
}

// sumDBClaims say when the checksum database is asked, and what is verified.
func sumDBClaims() []claim {
	const leans = "internal/goenv/sumdb.go, internal/goenv/check_sumdb.go, internal/doctor/doctor.go (sumdb-unreachable)"
	const noVerifier = "invalid GOSUMDB: malformed verifier id"
	return []claim{
		{"asked-for-what-go-sum-lacks", "the database is asked for hashes that go.sum lacks, once for a module", leans, func(t *testing.T) string {
			w := newSumDBWorld(t)
			return all(w.fresh(w.mirror.URL).run("mod", "download", mAt).works(), equal("lookups", w.lookups(), 1))
		}},
		{"not-asked-with-a-complete-go-sum", "with a complete go.sum the database is not asked", leans, func(t *testing.T) string {
			w := newSumDBWorld(t)
			j := w.complete(w.mirror.URL)
			return all(j.run("mod", "download").works(), j.run("build", "./...").works(), equal("lookups", w.lookups(), 0), asked(w.mirror, "/sumdb/*", 0))
		}},
		{"invalid-gosumdb-goes-unnoticed", "with a complete go.sum an invalid GOSUMDB goes unnoticed", leans, func(t *testing.T) string {
			w := newSumDBWorld(t)
			return w.complete(w.mirror.URL).set("GOSUMDB", "db.test").run("mod", "download").works()
		}},
		badSumDB("bare-host", "the name of a database that is not built in does not do", "my-sumdb.test", noVerifier),
		badSumDB("bare-url", "a URL alone does not do", "https://my-sumdb.test", noVerifier),
		badSumDB("upper-case-off", "off is in lower case", "OFF", noVerifier),
		badSumDB("blank-before-off", "a blank before off spoils it", " off", noVerifier),
		badSumDB("local-suffix", "a name with a word in place of the key does not do", "my-sumdb.test+local", noVerifier),
		badSumDB("blank", "a blank is no database", " ", "missing GOSUMDB"),
		badSumDB("three-fields", "a key and two further words are too many", "KEY a b", "invalid GOSUMDB: too many fields"),
		{"gosumdb-off-still-compares-go-sum", "GOSUMDB=off leaves the comparison with go.sum on", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.Always("*.zip", evil(mirrortest.OtherContent)(t)))
			return newJob(t, f, s.URL).set("GOSUMDB", "off").run("mod", "download").fails("checksum mismatch", "go.sum:")
		}},
		{"gosumdb-off-accepts-what-go-sum-lacks", "with GOSUMDB=off a module without a go.sum line is accepted unverified", leans, func(t *testing.T) string {
			w := newSumDBWorld(t, mirrortest.Always("*.zip", evil(mirrortest.OtherContent)(t)))
			return all(w.fresh(w.mirror.URL).set("GOSUMDB", "off").run("mod", "download", mAt).works(), equal("lookups", w.lookups(), 0))
		}},
		{"gonosumdb-skips-the-database", "a module that GONOSUMDB matches is not looked up", leans + ", internal/goenv/check_pattern.go", func(t *testing.T) string {
			w := newSumDBWorld(t)
			return all(w.fresh(w.mirror.URL).set("GONOSUMDB", "*").run("mod", "download", mAt).works(), equal("lookups", w.lookups(), 0))
		}},
		{"gonosumdb-still-compares-go-sum", "GONOSUMDB=* leaves the comparison with go.sum on", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.Always("*.zip", evil(mirrortest.OtherContent)(t)))
			return newJob(t, f, s.URL).set("GONOSUMDB", "*").run("mod", "download").fails("checksum mismatch", "go.sum:")
		}},
		{"gonosumcheck-is-no-variable", "GONOSUMCHECK is ignored", leans, func(t *testing.T) string {
			w := newSumDBWorld(t)
			return all(w.fresh(w.mirror.URL).set("GONOSUMCHECK", "1").run("mod", "download", mAt).works(), equal("lookups", w.lookups(), 1))
		}},
		{"zip-is-verified", "a zip whose hash is not the database's ends the command, even before a pipe", leans, func(t *testing.T) string {
			w := newSumDBWorld(t, mirrortest.Always("*.zip", evil(mirrortest.OtherContent)(t)))
			second := w.another()
			return all(w.fresh(w.mirror.URL+"|"+second.URL).run("mod", "download", mAt).fails("checksum mismatch", w.db.Name, "SECURITY ERROR"), asked(second, "*.zip", 0))
		}},
		{"go-mod-is-verified", "a go.mod whose hash is not the database's ends the command", leans, func(t *testing.T) string {
			w := newSumDBWorld(t, mirrortest.Always("*.mod", evil(mirrortest.OtherMod)(t)))
			return w.fresh(w.mirror.URL).run("mod", "download", mAt).fails("checksum mismatch", "SECURITY ERROR")
		}},
		{"info-is-not-verified", "an .info file is never verified", leans + ", internal/modcache/info.go", func(t *testing.T) string {
			w := newSumDBWorld(t, mirrortest.Always("*.info", mirrortest.Body("application/json", []byte(`{"Version":"v1.0.0","Time":"1999-01-01T00:00:00Z"}`))))
			return w.fresh(w.mirror.URL).run("list", "-m", "-json", mAt).works(`"1999-01-01T00:00:00Z"`)
		}},
		{"unknown-module", "a module that the database does not know fails", leans, func(t *testing.T) string {
			w := newSumDBWorld(t)
			w.mirror = mirrortest.Start(t, mirrortest.Options{Fixtures: mirrortest.Generate(t, 2, 0), SumDB: w.db})
			return w.fresh(w.mirror.URL).run("mod", "download", "example.test/m001@v1.0.1").fails("verifying go.mod", "unknown revision")
		}},
		{"replacement-is-verified-as-itself", "of a replaced module the replacing path and version is verified", leans + ", internal/worklist/replace.go", func(t *testing.T) string {
			w := newSumDBWorld(t)
			j := w.fresh(w.mirror.URL).set("GOFLAGS", "-mod=mod")
			j.write("go.mod", "module example.test/main\n\ngo 1.21\n\nrequire other.test/x v1.5.0\n\nreplace other.test/x => "+m.Path+" "+m.Version+"\n")
			r := j.run("mod", "download")
			return all(r.works(), asked(w.mirror, "/sumdb/*/lookup/"+mAt, 1), equal("lookups", w.lookups(), 1), asked(w.mirror, "/other.test/*", 0))
		}},
		{"off-still-asks-the-database", "GOPROXY=off does not keep the database from being asked", leans + ", internal/goenv/check_proxy.go (goproxy-not-offline)", func(t *testing.T) string {
			w := newSumDBWorld(t)
			j := w.complete(w.mirror.URL)
			j.must("mod", "download")
			remove(t, j.dir+"/go.sum")
			r := j.set("GOPROXY", "off").run("mod", "download", mAt)
			return all(r.works(), asked(w.itself, "/lookup/*", 1))
		}},
		{"file-mirror-still-asks-the-database", "a file:// mirror does not keep the database from being asked", leans, func(t *testing.T) string {
			w := newSumDBWorld(t)
			return all(w.fresh(w.f.WriteProxy(t, t.TempDir())).run("mod", "download", mAt).works(), asked(w.itself, "/lookup/*", 1))
		}},
		{"goinsecure-does-not-skip-the-database", "GOINSECURE does not keep the database from being asked", leans, func(t *testing.T) string {
			w := newSumDBWorld(t)
			return all(w.fresh(w.mirror.URL).set("GOINSECURE", "*").run("mod", "download", mAt).works(), equal("lookups", w.lookups(), 1))
		}},
		{"pkg-at-version-ignores-go-sum", "go install pkg@version asks the database, go.sum or not", leans, func(t *testing.T) string {
			w := newSumDBWorld(t)
			r := w.complete(w.mirror.URL).run("install", mAt)
			return all(r.fails("is not a main package"), equal("lookups", w.lookups(), 1))
		}},
		{"mod-mod-asks-the-database", "with -mod=mod and no go.sum, what is downloaded is verified by the database, and go.sum written", leans + ", internal/worklist (go-sum-missing)", func(t *testing.T) string {
			w := newSumDBWorld(t)
			j := w.complete(w.mirror.URL).set("GOFLAGS", "-mod=mod")
			want := j.read("go.sum")
			remove(t, j.dir+"/go.sum")
			return all(j.run("list", "-deps", "./...").works(), equal("lookups", w.lookups(), 1), equal("go.sum", j.read("go.sum"), want))
		}},
		{"head-is-kept-outside-the-module-cache", "the database's head is kept in GOPATH/pkg/sumdb, answers in the module cache", leans, func(t *testing.T) string {
			w := newSumDBWorld(t)
			j := w.fresh(w.mirror.URL)
			r := j.run("mod", "download", mAt)
			return all(r.works(), unless(exists(j.env["GOPATH"]+"/pkg/sumdb/"+w.db.Name+"/latest"), "no head there"),
				unless(exists(j.modcache("cache", "download", "sumdb", w.db.Name, "lookup", mAt)), "no answer there"))
		}},
	}
}

// sumDBRouteClaims say where the database is asked.
func sumDBRouteClaims() []claim {
	const leans = "internal/goenv/check_sumdb.go, internal/mirror/probe.go, internal/doctor/doctor.go (sumdb-unreachable)"
	supported := func(f mirrortest.Fault) mirrortest.Rule { return mirrortest.Always("/sumdb/*/supported", f) }
	// route runs a download through a first mirror with the fault for the
	// question whether it supports the database, and a second that does.
	route := func(id, says, sep string, fault mirrortest.Fault, first, second, itself int, ok bool) claim {
		return claim{id, says, leans, func(t *testing.T) string {
			var rules []mirrortest.Rule
			if fault != nil {
				rules = append(rules, supported(fault))
			}
			w := newSumDBWorld(t, rules...)
			proxy, other := w.mirror.URL, w.another()
			if sep != "" {
				proxy += sep + other.URL
			}
			r := w.fresh(proxy).run("mod", "download", mAt)
			return all(equal("success", r.ok, ok), asked(w.mirror, "/sumdb/*/supported", 1), asked(w.mirror, "/sumdb/*/lookup/*", first),
				asked(other, "/sumdb/*/lookup/*", second), asked(w.itself, "/lookup/*", itself))
		}}
	}
	return []claim{
		route("supported-by-the-first-mirror", "a mirror that answers 200 for supported is used for the database", ",", nil, 1, 0, 0, true),
		route("404-passes-on-before-a-comma", "a 404 for supported passes on to the next mirror", ",", mirrortest.Status(404), 0, 1, 0, true),
		route("404-of-all-leads-to-the-database", "where no mirror supports the database, it is asked itself", "", mirrortest.Status(404), 0, 0, 1, true),
		route("500-is-final-before-a-comma", "a 500 for supported before a comma makes the database unavailable, and the download fails", ",", mirrortest.Status(500), 0, 0, 0, false),
		route("500-passes-on-before-a-pipe", "a 500 for supported before a pipe passes on to the next mirror", "|", mirrortest.Status(500), 0, 1, 0, true),
		{"direct-leads-to-the-database", "where mirrors do not support it and direct follows, the database is asked itself", leans, func(t *testing.T) string {
			w := newSumDBWorld(t, supported(mirrortest.Status(404)))
			return all(w.fresh(w.mirror.URL+",direct").run("mod", "download", mAt).works(), asked(w.itself, "/lookup/*", 1))
		}},
		{"any-200-is-support", "any body will do for supported", leans, func(t *testing.T) string {
			w := newSumDBWorld(t, supported(mirrortest.HTML()))
			return all(w.fresh(w.mirror.URL).run("mod", "download", mAt).works(), asked(w.mirror, "/sumdb/*/lookup/*", 1))
		}},
		{"lookup-does-not-fall-back", "once a mirror supports the database, a lookup that fails there is asked nowhere else", leans, func(t *testing.T) string {
			w := newSumDBWorld(t, mirrortest.Always("/sumdb/*/lookup/*", mirrortest.Status(500)))
			other := w.another()
			r := w.fresh(w.mirror.URL+"|"+other.URL).run("mod", "download", mAt)
			return all(r.fails("500 Internal Server Error"), asked(other, "/sumdb/*", 0), asked(w.itself, "*", 0))
		}},
		{"url-bypasses-mirrors", "a URL in GOSUMDB bypasses the mirrors", leans + " (gosumdb-bypasses-mirrors)", func(t *testing.T) string {
			w := newSumDBWorld(t)
			r := w.fresh(w.mirror.URL).set("GOSUMDB", w.db.Key+" https://sum.example.test").run("mod", "download", mAt)
			return all(r.works(), asked(w.mirror, "/sumdb/*", 0), asked(w.itself, "/lookup/*", 1))
		}},
		{"url-scheme-is-added", "the URL in GOSUMDB needs no scheme", leans, func(t *testing.T) string {
			w := newSumDBWorld(t)
			return all(w.fresh(w.mirror.URL).set("GOSUMDB", w.db.Key+" sum.example.test").run("mod", "download", mAt).works(), asked(w.itself, "/lookup/*", 1))
		}},
		{"proxied-paths", "the database's paths below a mirror are /sumdb/NAME/ and supported, lookup/MODULE@VERSION and tile", leans, func(t *testing.T) string {
			w := newSumDBWorld(t)
			seen := []string{w.fresh(w.mirror.URL).run("mod", "download", mAt).works()}
			for _, r := range w.mirror.Matching("/sumdb/*") {
				rest, ok := strings.CutPrefix(r.Path, "/sumdb/"+w.db.Name+"/")
				known := rest == "supported" || rest == "lookup/"+mAt || strings.HasPrefix(rest, "tile/")
				seen = append(seen, unless(ok && known, "%s is asked", r.Path))
			}
			return all(append(seen, wasAsked(w.mirror, "/sumdb/*/tile/*"))...)
		}},
		{"database-through-a-forward-proxy", "the database is asked through HTTPS_PROXY", leans + ", internal/mirror/client.go", func(t *testing.T) string {
			w := newSumDBWorld(t, supported(mirrortest.Status(404)))
			j := w.fresh(w.mirror.URL)
			p := j.through(map[string]string{w.db.Name: w.itself.Addr})
			seen := []string{j.run("mod", "download", mAt).works()}
			for _, r := range p.Requests() {
				seen = append(seen, equal("the forward proxy's request", r.Method+" "+r.Host, http.MethodConnect+" sum.example.test:443"))
			}
			return all(append(seen, unless(len(p.Requests()) > 0, "the forward proxy is not asked"))...)
		}},
		{"wrong-key", "answers that are not signed with the key are refused", leans + ", internal/failure/gologblock.go", func(t *testing.T) string {
			w := newSumDBWorld(t)
			other := mirrortest.NewSumDB(t, w.f)
			return w.fresh(w.mirror.URL).set("GOSUMDB", other.Key).run("mod", "download", mAt).fails("note has no verifiable signatures")
		}},
		{"goprivate-keeps-names-from-the-database", "what GOPRIVATE matches is not looked up", leans + ", internal/goenv/check_pattern.go (gonosumdb-narrower)", func(t *testing.T) string {
			w := newSumDBWorld(t)
			r := w.fresh(w.mirror.URL).set("GOPRIVATE", "example.test", "GONOPROXY", "none").run("mod", "download", mAt)
			return all(r.works(), equal("lookups", w.lookups(), 0))
		}},
		{"gonosumdb-replaces-goprivate", "a GONOSUMDB of its own replaces GOPRIVATE: the names go to the database", leans + ", internal/goenv/check_pattern.go (gonosumdb-narrower)", func(t *testing.T) string {
			w := newSumDBWorld(t)
			r := w.fresh(w.mirror.URL).set("GOPRIVATE", "example.test", "GONOPROXY", "none", "GONOSUMDB", "other.test").run("mod", "download", mAt)
			return all(r.works(), equal("lookups", w.lookups(), 1))
		}},
	}
}
