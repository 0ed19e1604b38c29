
"use strict";
// The tables can be read without this; it makes them sortable and filterable.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  if (rows.length < 2) continue;

  const key = (row, column) => {
    const cell = row.cells[column];
    return "sort" in cell.dataset ? Number(cell.dataset.sort) : cell.textContent.trim();
  };
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      rows.sort((a, b) => (up ? 1 : -1) * compare(key(a, column), key(b, column)));
      body.append(...rows);
    });
  });

  if (rows.length < 8) continue;
  const label = document.createElement("label");
  const input = document.createElement("input");
  const found = document.createElement("span");
  const filter = document.createElement("p");
  label.textContent = "Filter ";
  input.type = "search";
  input.setAttribute("aria-label", "Filter: " + table.caption.textContent);
  found.setAttribute("role", "status");
  filter.className = "filter";
  filter.append(label, input, found);
  table.parentElement.before(filter);
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = !texts.get(row).includes(wanted);
      if (!row.hidden) shown++;
    }
    found.textContent = wanted === "" ? "" : shown + " of " + rows.length;
  });
}
