
"use strict";
// The page can be read without this; it makes tables sortable and filterable, and the
// times of downloads enlargeable.
const element = (tag, set, ...children) => {
  const e = Object.assign(document.createElement(tag), set);
  e.append(...children);
  return e;
};

for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  if (rows.length < 2) continue;
  const heads = Array.from(table.tHead.rows[0].cells);
  const titles = heads.map((head) => head.textContent);

  let apply = () => {}; // until there is a filter
  const key = (row, column) => {
    const cell = row.cells[column];
    return "sort" in cell.dataset ? Number(cell.dataset.sort) : cell.textContent.trim();
  };
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  heads.forEach((head, column) => {
    const button = element("button", { type: "button", className: "sort", textContent: titles[column] });
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      rows.sort((a, b) => (up ? 1 : -1) * compare(key(a, column), key(b, column)));
      body.append(...rows);
      apply();
    });
  });

  if (rows.length < 20) continue; // seen at a glance
  const found = element("span", {});
  found.setAttribute("role", "status");
  const input = element("input", { type: "search" });
  input.setAttribute("aria-label", "Filter: " + table.caption.textContent);
  const filter = element("p", { className: "filter" }, element("label", {}, "Filter", input));
  const all = element("button", { type: "button", className: "all", hidden: true });
  all.addEventListener("click", () => { most = Infinity; apply(); });
  addEventListener("beforeprint", () => all.click());
  let most = 60; // rows at first: those that a reader looks for are at the top
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const facets = [];
  heads.forEach((head, column) => {
    if (!("facet" in head.dataset)) return;
    const words = Array.from(new Set(rows.map((row) => row.cells[column].textContent.trim()))).filter((word) => word !== "").sort();
    if (words.length < 2) return;
    const select = element("select", {}, new Option("every " + titles[column], ""), ...words.map((word) => new Option(word, word)));
    select.setAttribute("aria-label", "Filter by " + titles[column]);
    facets.push({ select, column });
    filter.append(select);
  });
  filter.append(found);
  table.parentElement.before(filter);
  table.parentElement.after(all);
  apply = () => {
    const wanted = input.value.trim().toLowerCase();
    let kept = 0;
    for (const row of rows) {
      const fits = texts.get(row).includes(wanted) &&
        facets.every((f) => f.select.value === "" || row.cells[f.column].textContent.trim() === f.select.value);
      if (fits) kept++;
      row.hidden = !fits || kept > most;
    }
    found.textContent = kept === rows.length ? "" : kept + " of " + rows.length;
    all.hidden = kept <= most;
    all.textContent = "Show all " + kept;
  };
  input.addEventListener("input", apply);
  for (const f of facets) f.select.addEventListener("change", apply);
  apply();
}

// Pictures of times are enlarged together: bars, curve and scales of one section.
const svg = (tag, set) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(set)) e.setAttribute(name, value);
  return e;
};
const millis = (ms) => {
  if (ms < 1000) return Number(ms.toFixed(3)) + " ms";
  if (ms < 60000) return Number((ms / 1000).toFixed(3)) + " s";
  const [hours, minutes, seconds] = [Math.floor(ms / 3600000), Math.floor(ms / 60000) % 60, Number((ms / 1000 % 60).toFixed(3))];
  return [[hours, "h"], [minutes, "min"], [seconds, "s"]].filter(([n]) => n > 0).map((part) => part.join(" ")).join(" ");
};

const niceStep = (least) => {
  const power = 10 ** Math.floor(Math.log10(least));
  const steps = [1, 2, 5, 10].map((n) => n * power);
  const minutes = [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3000].map((n) => n * 60000);
  return (least > 20000 ? minutes : steps).find((step) => step >= least) ?? steps[3];
};

for (const section of document.querySelectorAll("section")) {
  const axes = Array.from(section.querySelectorAll(".axis"));
  const curves = Array.from(section.querySelectorAll(".curve"));
  const bars = Array.from(section.querySelectorAll(".scale")).flatMap((row) => Array.from(row.closest("table").querySelectorAll(".bar")));
  if (curves.length === 0 || axes.length === 0 || bars.length < 2) continue;
  const first = Number(axes[0].dataset.from), last = Number(axes[0].dataset.to);
  let from = 0, to = 1; // of the whole

  const show = () => {
    const box = (height) => [from * 1000, 0, (to - from) * 1000, height].join(" ");
    for (const bar of bars) bar.setAttribute("viewBox", box(10));
    for (const curve of curves) curve.setAttribute("viewBox", box(100));
    const begin = first + from * (last - first), length = (to - from) * (last - first);
    const step = niceStep(length / 6);
    for (const axis of axes) {
      axis.replaceChildren();
      for (let at = Math.ceil(begin / step) * step; at <= begin + length; at += step) {
        const percent = 100 * (at - begin) / length;
        const x = percent.toFixed(2) + "%";
        const text = svg("text", { x, y: 17, class: percent < 3 ? "left" : percent > 97 ? "right" : "middle" });
        text.textContent = millis(at);
        axis.append(svg("line", { x1: x, x2: x, y1: 0, y2: 5 }), text);
      }
    }
    whole.disabled = out.disabled = from === 0 && to === 1;
    left.disabled = from === 0;
    right.disabled = to === 1;
  };
  const set = (a, b) => {
    const width = Math.min(Math.max(b - a, 1 / 500), 1);
    from = Math.min(Math.max(a, 0), 1 - width);
    to = from + width;
    show();
  };
  const around = (factor) => set((from + to) / 2 - (to - from) * factor / 2, (from + to) / 2 + (to - from) * factor / 2);
  const move = (part) => set(from + (to - from) * part, to + (to - from) * part);
  const button = (textContent, label, act) => {
    const b = element("button", { type: "button", textContent });
    b.setAttribute("aria-label", label);
    b.addEventListener("click", act);
    return b;
  };
  const enlarge = button("+", "Enlarge", () => around(0.5));
  const out = button("−", "Reduce", () => around(2));
  const left = button("←", "Earlier", () => move(-0.5));
  const right = button("→", "Later", () => move(0.5));
  const whole = button("Whole", "Whole run", () => set(0, 1));
  const bar = element("p", { className: "zoom" }, enlarge, out, left, right, whole, element("span", { textContent: "or drag over the curve or a bar" }));
  (section.querySelector("figure") || bars[0].closest(".box")).before(bar);

  for (const picture of [...curves, ...bars]) {
    let start = null;
    const place = (event) => {
      const box = picture.getBoundingClientRect();
      return from + (to - from) * Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    };
    picture.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && event.button === 0) {
        start = place(event);
        picture.setPointerCapture(event.pointerId);
        event.preventDefault();
      }
    });
    picture.addEventListener("pointerup", (event) => {
      const end = place(event);
      if (start !== null && Math.abs(end - start) > (to - from) / 100) set(Math.min(start, end), Math.max(start, end));
      start = null;
    });
    picture.addEventListener("pointercancel", () => { start = null; });
  }
  show();
}

// What is folded is printed, too.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
