package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

const planted = "PL4NTED.9Q:w/rd"

// echoes are the ways in which a server repeats what it was sent.
func echoes() map[string]string {
	const login = "u:" + planted
	quoted, _ := json.Marshal(planted)
	return map[string]string{
		"the password": planted, "the userinfo": login, "upper case": strings.ToUpper(planted),
		"in a query": url.QueryEscape(planted), "in a path": url.PathEscape(planted),
		"percent, lower": strings.ToLower(url.QueryEscape(planted)),
		"basic":          base64.StdEncoding.EncodeToString([]byte(login)), "basic, unpadded": base64.RawStdEncoding.EncodeToString([]byte(login)),
		"basic, URL":    base64.URLEncoding.EncodeToString([]byte(login)),
		"within base64": base64.StdEncoding.EncodeToString([]byte(`{"auth":"` + login + `"}`)),
		"in HTML":       html.EscapeString(planted), "in JSON": string(quoted), "hexadecimal": hex.EncodeToString([]byte(planted)),
		"parted":             strings.Join(strings.Split(planted, ""), "\u200b"),
		"where texts end":    strings.Repeat("x", 480) + " " + planted + strings.Repeat(" y", 400),
		"where reading ends": strings.Repeat("x", 1015) + " " + planted,
	}
}

// leaks says where a text shows what was planted, "" for nowhere.
func leaks(text, echoed string) string {
	flat := strings.NewReplacer("\u200b", "", "\n", "", " ", "").Replace(text)
	for _, part := range []string{"PL4NTED", "NTED.9Q", "pl4nted", hex.EncodeToString([]byte("NTED.9")), strings.TrimSpace(echoed)} {
		if i := strings.Index(flat, part); part != "" && i >= 0 {
			return flat[max(i-60, 0):min(i+len(part)+20, len(flat))]
		}
	}
	for _, run := range strings.FieldsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+/-_", r))
	}) {
		for skip := range min(4, len(run)) {
			group := strings.NewReplacer("-", "+", "_", "/").Replace(run[skip:])
			decoded, _ := base64.RawStdEncoding.DecodeString(group[:len(group)/4*4])
			if bytes.Contains(decoded, []byte("4NTED")) {
				return run
			}
		}
	}
	return ""
}

func TestNoServerGetsACredentialShown(t *testing.T) {
	t.Parallel()
	authority := mirrortest.NewAuthority(t)
	faults := map[string]func(echoed string) mirrortest.Fault{
		"error text": func(echoed string) mirrortest.Fault {
			return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
				w.Header().Set("Content-Type", "text/plain")
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprintln(w, "denied for "+echoed)
			}
		},
		"redirect": func(echoed string) mirrortest.Fault {
			return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
				w.Header()["Location"] = []string{"http://elsewhere.example.test/" + strings.ReplaceAll(echoed, "\u200b", "")}
				w.WriteHeader(http.StatusFound)
			}
		},
		"unreadable header": func(echoed string) mirrortest.Fault {
			return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
				hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: "+echoed+"\r\n\r\n")
			}
		},
		"unreadable status": func(echoed string) mirrortest.Fault {
			return func(w http.ResponseWriter, r *http.Request, _ http.Handler) { hijack(w, echoed+"\r\n\r\n") }
		},
		"name of a version": func(echoed string) mirrortest.Fault {
			text, _ := json.Marshal(map[string]string{"Version": echoed})
			return mirrortest.Body("application/json", text)
		},
	}
	f := mirrortest.Generate(t, 1, 1<<10)
	for kind, fault := range faults {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for name, echoed := range echoes() {
				s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP1TLS, Authority: authority})
				s.Fault(mirrortest.Always("*", fault(echoed)))
				b := newBench(t, f)
				withLogin := strings.Replace(s.URL, "https://", "https://u:"+url.QueryEscape(planted)+"@", 1)
				b.more = []string{"GITLAB_CI=true", "CI_PROJECT_DIR=" + b.dir, "GITHUB_ACTIONS=true"}
				reports := filepath.Join(b.dir, "reports")
				commands := [][]string{{"fetch", "--no-probe", "--retries", "0", "--verbose", "--reports", reports, "--json", filepath.Join(b.dir, "fetch.json")}}
				if name == "the password" { // what the others print comes from the same places
					commands = append(commands, []string{"fetch", "--no-probe", "--retries", "0", "--json", "-"},
						[]string{"probe", "--verbose"}, []string{"env", "--verbose", "--format", "dotenv"}, []string{"doctor"})
				}
				for _, command := range commands {
					line := append(command, "-C", b.dir, "--proxy", withLogin, "--ca-file", authority.CAFile())
					b.run(t.Context(), line...)
					texts := map[string]string{"standard output": b.stdout.String(), "standard error": b.stderr.String()}
					files, err := filepath.Glob(filepath.Join(b.dir, "*.json"))
					if err != nil {
						t.Fatal(err)
					}
					more, err := filepath.Glob(filepath.Join(reports, "*"))
					if err != nil {
						t.Fatal(err)
					}
					for _, file := range append(files, more...) {
						data, err := os.ReadFile(file)
						if err != nil {
							t.Fatal(err)
						}
						texts[filepath.Base(file)] = string(data)
					}
					for where, text := range texts {
						if leak := leaks(text, strings.TrimRight(echoed, " y")); leak != "" {
							t.Errorf("%s, %s: %s shows %q", name, command[0], where, leak)
						}
					}
					if command[0] == "fetch" && len(texts["result.json"]) == 0 {
						t.Errorf("%s: no reports are there", name)
					}
				}
			}
		})
	}
}

func hijack(w http.ResponseWriter, text string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	fmt.Fprint(conn, text)
}

func TestARefusalShowsNoCredential(t *testing.T) {
	t.Parallel()
	b := newBench(t, mirrortest.Generate(t, 1, 1<<10))
	b.more = []string{"GITHUB_TOKEN=" + planted}
	for _, line := range [][]string{{"fetch", "--timeout", planted, "--json", "-"}, {"env", "--format", planted}, {planted}} {
		if code := b.run(t.Context(), line...); code != 2 {
			t.Errorf("%q: exit code %d, want 2", line, code)
		}
		if leak := leaks(b.stdout.String()+b.stderr.String(), planted); leak != "" {
			t.Errorf("%q shows %q", line, leak)
		}
	}
}
