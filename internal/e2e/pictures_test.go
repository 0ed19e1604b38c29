package e2e

import (
	"bytes"
	_ "embed"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// github is a page as GitHub shows Markdown: its parser makes the body, and this the
// looks.
//
//go:embed github.html
var github string

// mostPicture is how large a picture in docs may be.
const mostPicture = 200_000

// pictures are those of docs, by their names.
var pictures = map[string]struct {
	format, result string
	width, height  int64
}{
	"page.png":           {"html", "cold", 1040, 1200},
	"summary.png":        {"markdown", "warm", 860, 190},
	"summary-failed.png": {"markdown", "many-failures", 860, 500},
}

// TestPicturesOfTheDocs shows that each picture can be made, and writes them into the
// directory MODFERRY_PICTURES where that is set.
func TestPicturesOfTheDocs(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("cmark-gfm")
	need(t, err == nil, "cmark-gfm is not on the search path")
	browser := startBrowser(t)
	all := goldens(t)
	for name, p := range pictures {
		page := rendering(t, p.format, all[p.result])
		if p.format == "markdown" {
			page = asOnGitHub(t, page)
		}
		tab := newTab(t, browser, page)
		tab.show(t, look{p.width, "light", true})
		command(t, tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: p.width, Height: p.height, DeviceScaleFactor: 1})
		picture, err := chromedp.Run(tab.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if len(picture) > mostPicture {
			t.Errorf("%s has %d bytes, want at most %d", name, len(picture), mostPicture)
		}
		if dir := os.Getenv("MODFERRY_PICTURES"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, name), picture, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestPicturesOfEveryState lets nothing overflow in the page and the summary of real
// runs, and draws them, and those of the golden results, in every look into the
// directory MODFERRY_E2E_SCREENSHOTS where that is set.
func TestPicturesOfEveryState(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("cmark-gfm")
	need(t, err == nil, "cmark-gfm is not on the search path")
	browser := startBrowser(t)
	all := states(t)
	if shots != "" {
		real := all
		all = goldens(t)
		maps.Copy(all, real)
	}
	for name, file := range all {
		t.Run(name, func(t *testing.T) {
			page := newTab(t, browser, rendering(t, "html", file))
			summary := newTab(t, browser, asOnGitHub(t, rendering(t, "markdown", file)))
			for _, l := range looks() {
				if !l.script {
					continue
				}
				page.show(t, l)
				for _, problem := range append(eval[[]string](t, page, pageProblems), page.complaints()...) {
					t.Errorf("%s, %s: %s", name, l, problem)
				}
				page.draw(t, name+"-page-"+l.String())
				summary.show(t, l)
				summary.draw(t, name+"-summary-"+l.String())
				summary.do(t, `for (const d of document.querySelectorAll("details")) d.open = true`)
				if over := eval[int](t, summary, tooWide); over > 0 {
					t.Errorf("%s, %s: the summary is %d pixels too wide", name, l, over)
				}
				summary.draw(t, name+"-details-"+l.String())
			}
			page.show(t, look{794, "light", true}) // A4 at 96 dots an inch
			command(t, page, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
			page.do(t, `dispatchEvent(new Event("beforeprint"))`)
			if over := eval[int](t, page, tooWide); over > 0 {
				t.Errorf("%s: in print the page is %d pixels too wide", name, over)
			}
			page.draw(t, name+"-print")
		})
	}
}

// tooWide is by how many pixels a page has to be scrolled sideways.
const tooWide = `document.documentElement.scrollWidth - document.documentElement.clientWidth`

// shots is the directory for pictures of every look at every page, "" for none.
var shots = os.Getenv("MODFERRY_E2E_SCREENSHOTS")

// highestPicture is as much of a page as Chromium draws in one picture, in pixels: what
// is printed of hundreds of failures is longer.
const highestPicture = 16_000

// draw writes a picture of the page as it is now, where pictures are wanted.
func (p *tab) draw(t *testing.T, name string) {
	t.Helper()
	if shots == "" {
		return
	}
	size := eval[[]float64](t, p, "[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
	beyond := true
	picture, err := chromedp.Call(p.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond,
		Clip: &page.Viewport{Width: size[0], Height: min(size[1], highestPicture), Scale: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(shots, name+".png"), picture.Data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// asOnGitHub is Markdown as GitHub's own parser renders it.
func asOnGitHub(t *testing.T, markdown []byte) []byte {
	t.Helper()
	cmd := exec.Command("cmark-gfm", "--unsafe", "--extension", "table", "--extension", "autolink", "--extension", "strikethrough")
	cmd.Stdin = bytes.NewReader(markdown)
	body, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.Replace(github, "BODY", signs.Replace(string(body)), 1))
}

// signs are drawn as GitHub draws them, whatever fonts there are.
var signs = strings.NewReplacer(
	"✅", sign("#1a7f37", "M4 8.5l3 3 5-6"), "❌", sign("#cf222e", "M5 5l6 6M11 5l-6 6"), "⚠️", sign("#bf8700", "M8 4v5M8 11.5v.5"),
	"🟢", dot("#1a7f37"), "🟡", dot("#d4a72c"), "🔴", dot("#cf222e"), "⚪", dot("#d1d9e0"),
)

func sign(colour, path string) string {
	return `<svg width="22" height="22" viewBox="0 0 16 16" style="vertical-align:-3px"><rect width="16" height="16" rx="3" fill="` + colour +
		`"/><path d="` + path + `" fill="none" stroke="#fff" stroke-width="2"/></svg>`
}

func dot(colour string) string {
	return `<span style="color: ` + colour + `">●</span>` // a text, so that the next word stays beside it
}
