// Looks a page of the report over and returns what is wrong with it, in words:
// what overflows the window, text that is too pale to be read (WCAG 2.2, 1.4.3),
// and what a screen reader would miss.
(() => {
  const problems = [];
  const name = (e) => "<" + e.localName + (e.className && e.className.baseVal === undefined ? "." + e.className : "") + "> " +
    JSON.stringify((e.textContent || "").trim().slice(0, 40));
  const root = document.documentElement;

  const width = root.clientWidth;
  if (root.scrollWidth > width) problems.push("the page overflows: " + root.scrollWidth + " of " + width + " px");
  for (const e of document.body.querySelectorAll("*")) {
    if (e.closest(".box table, .skip, caption")) continue; // scrolls by itself, or is meant to be out of sight
    const box = e.getBoundingClientRect();
    if (box.width > 0 && (box.right > width + 1 || box.left < -1)) problems.push(name(e) + " overflows: to " + Math.round(box.right) + " of " + width + " px");
  }
  for (const e of document.querySelectorAll(".box")) {
    if (e.scrollWidth > e.clientWidth && e.tabIndex !== 0) problems.push(name(e) + " scrolls, but not by keyboard");
  }

  if (width >= 1400 || width < 500) {
    for (const e of document.querySelectorAll(".box")) {
      if (e.scrollWidth > e.clientWidth) problems.push(name(e) + " has to be scrolled sideways: " + e.scrollWidth + " of " + e.clientWidth + " px");
    }
  }

  const channels = (colour) => {
    const m = colour.match(/^rgba?\(([^)]+)\)$/);
    const v = m ? m[1].split(",").map(Number) : [255, 0, 255];
    return { rgb: v.slice(0, 3), alpha: v.length > 3 ? v[3] : 1 };
  };
  const luminance = (rgb) => rgb.map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = channels(getComputedStyle(e).backgroundColor);
      if (c.alpha === 1) return c.rgb;
    }
    return [255, 255, 255];
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const pale = new Set();
  for (const e of document.body.querySelectorAll("*")) {
    if (!Array.from(e.childNodes).some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim() !== "")) continue;
    if (e.closest("script, style, title")) continue;
    const ratio = contrast(channels(getComputedStyle(e).color).rgb, behind(e));
    if (ratio < 4.5) pale.add(e.localName + "." + e.className + ": contrast " + ratio.toFixed(2) + ", want 4.5");
  }
  for (const e of document.querySelectorAll("rect.piece")) { // graphics: WCAG 2.2, 1.4.11
    const ratio = contrast(channels(getComputedStyle(e).fill).rgb, behind(e.parentElement));
    if (ratio < 3) pale.add("piece." + e.getAttribute("class") + ": contrast " + ratio.toFixed(2) + ", want 3");
  }
  problems.push(...pale);

  if (!root.lang) problems.push("no language");
  if (!document.title) problems.push("no title");
  if (document.querySelectorAll("h1").length !== 1) problems.push("not one heading of the first level");
  let level = 0;
  for (const h of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const n = Number(h.localName[1]);
    if (n > level + 1) problems.push(name(h) + ": a heading of level " + n + " below one of level " + level);
    level = n;
  }
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption || !table.tHead || table.tHead.querySelectorAll("th[scope=col]").length === 0) problems.push("a table with no header or caption: " + name(table));
    for (const row of table.tBodies[0].rows) {
      if (row.querySelectorAll("th[scope=row]").length !== 1) problems.push("a row without one head: " + name(row));
    }
  }
  for (const e of document.querySelectorAll("svg:not([aria-hidden]), img")) {
    if (!(e.getAttribute("aria-label") || e.getAttribute("alt"))) problems.push("a picture with no text");
  }
  for (const e of document.querySelectorAll("button, input, select, a[href], summary")) {
    if (!(e.textContent.trim() || e.getAttribute("aria-label"))) problems.push("a control with no name: " + e.outerHTML.slice(0, 80));
  }
  for (const a of document.querySelectorAll("a[href^='#']")) {
    if (!document.getElementById(a.getAttribute("href").slice(1))) problems.push("a link to nowhere: " + a.getAttribute("href"));
  }
  const ids = Array.from(document.querySelectorAll("[id]"), (e) => e.id);
  if (new Set(ids).size !== ids.length) problems.push("an id that stands twice");
  return problems;
})()
