package gha_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/store/gha"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// tell answers with all the secrets that the request has, in the manner of the
// service it stands for.
func tell(status int) ghatest.Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		io.Copy(io.Discard, r.Body)
		sig := r.URL.Query().Get("sig")
		text := fmt.Sprintf("no: %s, url http://%s%s, sig %s or %s", r.Header.Get("Authorization"), r.Host, r.URL.RequestURI(), sig, url.QueryEscape(sig))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"code":"internal","msg":%q}`, text)
	}
}

// say answers ok:false with a message that holds the token.
func say(prefix string) ghatest.Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		ghatest.NotOK(prefix+" "+r.Header.Get("Authorization"))(w, r, next)
	}
}

func TestNoErrorAndNoLogLineHoldsASecret(t *testing.T) {
	t.Parallel()
	faults := map[string]ghatest.Fault{
		"400": tell(400), "401": tell(401), "403": tell(403), "404": tell(404), "409": tell(409), "418": tell(418),
		"429": tell(429), "500": tell(500), "501": tell(501),
		"reset": ghatest.Reset(), "cut": ghatest.CutAfter(5), "denied": say("cache write denied:"), "quota": say("insufficient usage"),
		"not ok": say(""), "expired": ghatest.Expired(),
		"redirect": func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			http.Redirect(w, r, "ftp://"+r.Host+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		},
		"loop": func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			http.Redirect(w, r, r.URL.RequestURI(), http.StatusTemporaryRedirect)
		},
	}
	for _, o := range []ghatest.Options{{Protocol: "v2"}, {Protocol: "v1"}, {Protocol: "v1", Like: ghatest.Act}} {
		for _, op := range []ghatest.Op{ghatest.Lookup, ghatest.Reserve, ghatest.Whole, ghatest.Part, ghatest.BlockList, ghatest.Commit, ghatest.Read} {
			for name, fault := range faults {
				t.Run(fmt.Sprintf("%s like %d, %s ends with %s", o.Protocol, o.Like, op, name), func(t *testing.T) {
					t.Parallel()
					s := ghatest.Start(t, o)
					var masked, shown lines
					st := open(t, s, func(o *gha.Options) { o.Mask, o.Log = masked.add, shown.add })
					s.Put("a", version, some(200_000))
					e := find(t, st, "a")
					s.Fault(ghatest.Always(op, fault))
					show := func(err error) {
						if err != nil {
							shown.add(err.Error())
							shown.add(fmt.Sprintf("%+v", err))
						}
					}
					_, err := st.Find(t.Context(), "a")
					show(err)
					_, err = readEntry(t.Context(), st, e)
					show(err)
					show(st.Create(t.Context(), "small", write(some(1000))))
					show(st.Create(t.Context(), "large", write(some(200_000))))
					shown.add(st.String())

					for _, secret := range s.Secrets() {
						for _, line := range shown.all() {
							if strings.Contains(line, secret) {
								t.Errorf("%q holds %q", line, secret)
							}
						}
					}
				})
			}
		}
	}
}

func TestSecretsAreMaskedAsSoonAsTheyAreSeen(t *testing.T) {
	t.Parallel()
	for _, o := range []ghatest.Options{{Protocol: "v2"}, {Protocol: "v1"}, {Protocol: "v1", Like: ghatest.Act}} {
		t.Run(fmt.Sprintf("%s like %d", o.Protocol, o.Like), func(t *testing.T) {
			t.Parallel()
			s := ghatest.Start(t, o)
			s.Put("a", version, some(600_000))
			var masked lines
			st := open(t, s, func(o *gha.Options) { o.Mask = masked.add })
			if !slices.Contains(masked.all(), s.Token()) {
				t.Error("the token was not masked at once")
			}
			e := find(t, st, "a")
			if !slices.Contains(masked.all(), e.Location) {
				t.Error("the URL of the entry was not masked")
			}
			s.Fault(ghatest.Nth(2, ghatest.Read, ghatest.Call(s.Expire)))
			if _, err := readEntry(t.Context(), st, e); err != nil {
				t.Fatal(err)
			}
			if err := st.Create(t.Context(), "b", write([]byte("x"))); err != nil {
				t.Fatal(err)
			}
			got := masked.all()
			for _, secret := range s.Secrets() {
				if !slices.Contains(got, secret) {
					t.Errorf("%q was not masked", secret)
				}
			}
			slices.Sort(got)
			if n := len(slices.Compact(slices.Clone(got))); n != len(got) {
				t.Errorf("%d secrets were masked more than once", len(got)-n)
			}
			for _, secret := range got {
				if len(secret) < 6 {
					t.Errorf("%q was masked, which stands in ordinary texts", secret)
				}
			}
		})
	}
}

func TestSignaturesOfOtherStoragesAreSecrets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url  string
		want []string
	}{
		{"https://x.blob.example.test/c/b?sv=2025&sig=AbC%2Fde%2Bf%3D&se=2026", []string{"AbC%2Fde%2Bf%3D", "AbC/de+f="}},
		{"https://s3.example.test/b?X-Amz-Signature=0123456789abcdef&X-Amz-Security-Token=FwoGZXIvYXdz", []string{"0123456789abcdef", "FwoGZXIvYXdz"}},
		{"https://storage.example.test/b?GoogleAccessId=a%40b&Signature=qwertyuiop", []string{"qwertyuiop"}},
		{"https://gitea.example.test/artifacts/1?expires=1&sign=zyxwvuts", []string{"zyxwvuts"}},
	} {
		var masked lines
		s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{ghatest.Always(ghatest.Lookup,
			ghatest.Answer(200, "application/json", fmt.Sprintf(`{"ok":true,"matched_key":"a","signed_download_url":%q}`, tt.url)))}})
		find(t, open(t, s, func(o *gha.Options) { o.Mask = masked.add }), "a")
		for _, secret := range append(tt.want, tt.url) {
			if !slices.Contains(masked.all(), secret) {
				t.Errorf("of %s, %q was not masked", tt.url, secret)
			}
		}
	}
}
