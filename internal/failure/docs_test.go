package failure_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/failure"
)

// docs/troubleshooting.md:
//
//go:generate go test . -count=1 -run Docs -update

var update = flag.Bool("update", false, "rewrite docs/troubleshooting.md")

const doc = "../../docs/troubleshooting.md"

// chapters are the headings of the page, by the class that each begins with.
var chapters = map[failure.Class]string{
	failure.NameLookup:          "No connection, or no response",
	failure.Unauthorized:        "The response is an error",
	failure.Stall:               "The transfer does not end well",
	failure.WrongContent:        "The content is not what it must be",
	failure.DiskFull:            "This machine",
	failure.InsecureCredentials: "Settings and decisions",
}

func TestTheDocsExplainEveryClass(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Why a download failed, and what to do

<!-- Made by go test ./internal/failure -run Docs -update from internal/failure/kind.go and messages_test.go. -->

Search this page for the message that you see. ` + "`modferry doctor LOG`" + ` does that with a whole log, and names the module, the
mirror and the line. Each failure in a report has one of the names [below](#no-connection-or-no-response), to which
reports, annotations and job summaries link; in the result (` + "`--json`" + `) the name in code is the ` + "`class`" + `. What is wrong
with settings and the checkout is in [the checks](checks.md) (MF codes).
`)
	byMessage(t, &b)
	for _, c := range failure.Classes() {
		if title := chapters[c]; title != "" {
			b.WriteString("\n## " + title + "\n")
		}
		fmt.Fprintf(&b, "\n<a id=\"%s\"></a>\n\n### %s\n\n`%s`: %s\n\n**What to do:** %s\n", c, c.Title(), c, c.Explain(), c.Remedy())
		if c.Temporary() {
			b.WriteString("\nmodferry tries again, at other mirrors first, before it reports this.\n")
		}
	}
	if *update {
		if err := os.WriteFile(doc, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	page, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(page), b.String()); diff != "" {
		t.Errorf("%s differs from the classes; run go test ./internal/failure -run Docs -update (-page +classes):\n%s", doc, diff)
	}
}

func TestOnlyKnownClassesHaveAPage(t *testing.T) {
	t.Parallel()
	if got, want := failure.HashMismatch.Doc(), failure.Reference+"#hash_mismatch"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, c := range []failure.Class{"", "made_up", "](x)"} {
		if got := c.Doc(); got != "" {
			t.Errorf("%q: got %q, want none", c, got)
		}
	}
}
