package e2e

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// pageProblems is a script that looks over a page and returns what is wrong.
//
//go:embed browser.js
var pageProblems string

// startBrowser starts a Chromium that asks no host for anything of its own; it
// ends with the test.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	need(t, err == nil, "chromium is not on the search path")
	// It leaves a directory with a socket, whose path must be short.
	temp, err := os.MkdirTemp("", "modferry-browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temp) })
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Env("TMPDIR=" + temp),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck}
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, end := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(end)
	ctx, end = chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// tab is one page of a browser and what it complained of or asked for.
type tab struct {
	ctx context.Context
	url string

	mu    sync.Mutex
	found []string
}

// openTab opens the page of a golden result in a tab of its own.
func openTab(t *testing.T, browser context.Context, file string) *tab {
	t.Helper()
	return newTab(t, browser, rendering(t, "html", file))
}

// newTab is a tab for a page, which show loads.
func newTab(t *testing.T, browser context.Context, page []byte) *tab {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, page, 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, end := chromedp.NewContext(browser)
	t.Cleanup(end)
	p := &tab{ctx: ctx, url: "file://" + filepath.ToSlash(file)}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *log.EventEntryAdded: // a policy that forbids, a file that is missing
			p.complain("%s: %s", e.Entry.Level, e.Entry.Text)
		case *runtime.EventConsoleAPICalled:
			p.complain("the script prints: %s", e.Type)
		case *runtime.EventExceptionThrown:
			p.complain("the script fails: %s", e.ExceptionDetails.Text)
		case *network.EventRequestWillBeSent:
			if e.Request.URL != p.url {
				p.complain("asks for %s", e.Request.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	command(t, p, log.Enable, cdp.Empty{})
	command(t, p, runtime.Enable, cdp.Empty{})
	command(t, p, network.Enable, network.EnableParams{})
	return p
}

func (p *tab) complain(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found = append(p.found, fmt.Sprintf(format, args...))
}

// complaints returns what was complained of since the last call.
func (p *tab) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.found = nil }()
	return p.found
}

// look is a way to look at a page.
type look struct {
	width  int64
	scheme string // light or dark
	script bool
}

func (l look) String() string {
	script := "script"
	if !l.script {
		script = "no-script"
	}
	return fmt.Sprintf("%d-%s-%s", l.width, l.scheme, script)
}

// command runs a command of the DevTools protocol in a tab.
func command[P, R any](t *testing.T, p *tab, c cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(p.ctx, c, params); err != nil {
		t.Fatalf("%s: %v", c.Method, err)
	}
}

// eval returns what a script says of a page.
func eval[T any](t *testing.T, p *tab, script string) T {
	t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatalf("%v, of the script %.100s", err, script)
	}
	return value
}

// do changes a page by a script that returns nothing.
func (p *tab) do(t *testing.T, script string) {
	t.Helper()
	eval[bool](t, p, script+"; true")
}

// press presses keys one after the other.
func (p *tab) press(t *testing.T, keys string) {
	t.Helper()
	if err := chromedp.Do(p.ctx, chromedp.KeyEvent(keys)); err != nil {
		t.Fatal(err)
	}
}

// show loads the page as l says.
func (p *tab) show(t *testing.T, l look) {
	t.Helper()
	command(t, p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: l.width, Height: 900, DeviceScaleFactor: 1, Mobile: l.width < 500})
	command(t, p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}})
	command(t, p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !l.script})
	if err := chromedp.Do(p.ctx, chromedp.Navigate(p.url)); err != nil {
		t.Fatal(err)
	}
}

// looks are all the ways: a phone and a screen, in both colour schemes, with
// and without the script.
func looks() []look {
	var all []look
	for _, width := range []int64{390, 1400} {
		for _, scheme := range []string{"light", "dark"} {
			for _, script := range []bool{true, false} {
				all = append(all, look{width, scheme, script})
			}
		}
	}
	return all
}

func TestTheReportIsReadableInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	all := goldens(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p := openTab(t, browser, all[name])
		for _, l := range looks() {
			p.show(t, l)
			for _, problem := range append(eval[[]string](t, p, pageProblems), p.complaints()...) {
				t.Errorf("%s, %s: %s", name, l, problem)
			}
		}
	}
}

func TestTheLooksOverAPageFindWhatIsWrong(t *testing.T) {
	t.Parallel()
	p := openTab(t, startBrowser(t), goldens(t)["good"])
	for _, tt := range []struct{ name, damage, want string }{
		{"a wide element", `document.querySelector("h1").style.width = "2000px"`, "overflows"},
		{"a pale text", `document.querySelector(".lead").style.color = "#ccc"`, "contrast"},
		{"a skipped level of headings", `document.querySelector("h2").outerHTML = "<h4>x</h4>"`, "heading"},
		{"a table without headers", `document.querySelector("thead").remove()`, "no header"},
		{"a picture without a text", `document.querySelector("svg[role=img]").removeAttribute("aria-label")`, "no text"},
		{"a control without a name", `document.querySelector("button").textContent = ""`, "no name"},
	} {
		p.show(t, look{1400, "light", true})
		before := eval[[]string](t, p, pageProblems)
		p.do(t, tt.damage)
		after := eval[[]string](t, p, pageProblems)
		if len(before) > 0 || !strings.Contains(strings.Join(after, "\n"), tt.want) {
			t.Errorf("%s: found %q, then %q; want nothing, then %q", tt.name, before, after, tt.want)
		}
	}
}

func TestTheScriptOfTheReportIsWhatItsPolicyAllows(t *testing.T) {
	t.Parallel()
	p := openTab(t, startBrowser(t), goldens(t)["good"])
	p.show(t, look{1400, "light", true})
	p.do(t, `document.body.append(Object.assign(document.createElement("script"), {textContent: "document.title = 'foreign'"}),
		Object.assign(document.createElement("img"), {src: "https://elsewhere.example.test/x.png"}))`)
	if title := eval[string](t, p, "document.title"); title != "modferry: ok" {
		t.Errorf("a foreign script has run: the title is %q", title)
	}
	found := strings.Join(p.complaints(), "\n")
	if strings.Count(found, "The action has been blocked") != 2 {
		t.Errorf("the browser complains of %q, want that the policy forbids the script and the picture", found)
	}
}

func TestTablesOfTheReportAreSortedAndFilteredByKeyboard(t *testing.T) {
	t.Parallel()
	p := openTab(t, startBrowser(t), goldens(t)["good"])
	const (
		table  = `document.querySelector("[aria-labelledby=downloads] table")`
		head   = table + `.tHead.rows[0].cells[2]`
		state  = head + `.getAttribute("aria-sort")`
		column = `Array.from(` + table + `.tBodies[0].rows).filter(r => !r.hidden).map(r => Number(r.cells[2].dataset.sort))`
		status = `document.querySelector("[aria-labelledby=downloads] [role=status]").textContent`
	)
	p.show(t, look{1400, "light", true})
	p.do(t, head+`.querySelector("button").focus()`)
	p.press(t, kb.Enter)
	up := eval[[]float64](t, p, column)
	if s := eval[string](t, p, state); len(up) < 20 || !slices.IsSorted(up) || s != "ascending" {
		t.Errorf("after Enter the times are %v (%s), want them to grow", up, s)
	}
	p.press(t, " ")
	down := eval[[]float64](t, p, column)
	slices.Reverse(down)
	if s := eval[string](t, p, state); !slices.Equal(up, down) || s != "descending" {
		t.Errorf("after a blank the times are, from the end, %v (%s), want them to grow", down, s)
	}
	p.do(t, `document.querySelector("[aria-labelledby=downloads] input").focus()`)
	p.press(t, "COBRA")
	kept := len(eval[[]float64](t, p, column))
	if s := eval[string](t, p, status); kept == 0 || kept == len(up) || s != fmt.Sprintf("%d of %d", kept, len(up)) {
		t.Errorf("the filter keeps %d of %d rows and says %q", kept, len(up), s)
	}
	p.do(t, `{ const i = document.querySelector("[aria-labelledby=downloads] input"); i.value = ""; i.dispatchEvent(new Event("input")) }`)
	p.do(t, `{ const s = document.querySelector("[aria-labelledby=downloads] select"); s.selectedIndex = 1; s.dispatchEvent(new Event("change")) }`)
	if n := len(eval[[]float64](t, p, column)); n == 0 || n == len(up) {
		t.Errorf("the first choice of the list keeps %d of %d rows", n, len(up))
	}
	if found := p.complaints(); len(found) > 0 {
		t.Errorf("the page complains: %q", found)
	}
}

func TestTimesOfTheReportAreEnlargedTogether(t *testing.T) {
	t.Parallel()
	browser, all := startBrowser(t), goldens(t)
	p := openTab(t, browser, all["cold"])
	const (
		bar   = `document.querySelector("[aria-labelledby=downloads] td .bar").getAttribute("viewBox")`
		curve = `document.querySelector(".curve").getAttribute("viewBox")`
		ticks = `Array.from(document.querySelectorAll("[aria-labelledby=downloads] .scale text"), (t) => t.textContent).join(" ")`
	)
	p.show(t, look{1400, "light", true})
	before := eval[string](t, p, ticks)
	p.do(t, `document.querySelector("[aria-label=Enlarge]").click()`)
	if a, b := eval[string](t, p, bar), eval[string](t, p, curve); a != "250 0 500 10" || b != "250 0 500 100" {
		t.Errorf("after one enlargement the bar shows %q and the curve %q", a, b)
	}
	if after := eval[string](t, p, ticks); after == before || after == "" {
		t.Errorf("the scale says %q, and before %q", after, before)
	}
	p.do(t, `document.querySelector("[aria-label=Earlier]").click()`)
	if a := eval[string](t, p, bar); a != "0 0 500 10" {
		t.Errorf("earlier, the bar shows %q", a)
	}
	p.do(t, `document.querySelector("[aria-label='Whole run']").click()`)
	if a, after := eval[string](t, p, bar), eval[string](t, p, ticks); a != "0 0 1000 10" || after != before {
		t.Errorf("of the whole run, the bar shows %q and the scale %q, want %q", a, after, before)
	}
	for _, name := range []string{"cold", "good", "all-mirrors-dead"} {
		p := openTab(t, browser, all[name])
		p.show(t, look{1400, "light", false})
		plain := eval[string](t, p, ticks)
		p.show(t, look{1400, "light", true})
		if scripted := eval[string](t, p, ticks); scripted != plain || plain == "" {
			t.Errorf("%s: the script's scale says %q, without it %q", name, scripted, plain)
		}
	}
	if found := p.complaints(); len(found) > 0 {
		t.Errorf("the page complains: %q", found)
	}
}
