"use strict";
// Tables that can be sorted by any column, filtered by what they say, and taken along as CSV.
(() => {
  const { element, copyButton, download, edges } = window.flowfront;
  const NUMBER = /^[≈\s]*([+\-\u2212]?\d[\d,]*\.?\d*(?:e[+-]?\d+)?)/i;
  const LEAST_ROWS = 3;
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  const isMissing = (text) => text === "" || text === "-";

  // "0.93 ± 0.01*" is 0.93: marks and intervals do not sort.
  function numberOf(text) {
    const found = NUMBER.exec(text);
    return found === null ? null : Number(found[1].replace("\u2212", "-").replaceAll(",", ""));
  }

  function compare(one, other) {
    const [a, b] = [numberOf(one), numberOf(other)];
    return a !== null && b !== null ? a - b : collator.compare(one, other);
  }

  function sorted(rows, column, direction) {
    const text = (row) => row.cells[column].textContent.trim();
    return [...rows].sort((one, other) => {
      const [a, b] = [text(one), text(other)];
      if (isMissing(a) || isMissing(b)) return isMissing(a) - isMissing(b);
      return direction * compare(a, b);
    });
  }

  function markGroups(body) {
    let before = null;
    const names = new Set([...body.rows].map((row) => row.cells[0].textContent));
    if (names.size * 2 > body.rows.length) return;
    for (const row of body.rows) {
      const name = row.cells[0].textContent;
      row.classList.toggle("group", before !== null && name !== before);
      before = name;
    }
  }

  // First click ascending, second descending, third as it was.
  function nextOrder(header) {
    return { ascending: "descending", descending: "none" }[header.getAttribute("aria-sort")] ?? "ascending";
  }

  function sortBy(table, original, header) {
    const order = nextOrder(header);
    const body = table.tBodies[0];
    for (const each of table.tHead.rows[0].cells) each.setAttribute("aria-sort", each === header ? order : "none");
    const direction = order === "descending" ? -1 : 1;
    body.append(...(order === "none" ? original : sorted(original, header.cellIndex, direction)));
    table.classList.toggle("sorted", order !== "none");
  }

  function sortable(table) {
    const original = [...table.tBodies[0].rows];
    markGroups(table.tBodies[0]);
    for (const header of table.tHead.rows[0].cells) {
      const label = header.textContent;
      const button = element("button", { type: "button", class: "sort", title: `Sort by ${label}` }, label);
      header.replaceChildren(button);
      header.dataset.label = label;
      header.setAttribute("aria-sort", "none");
      header.setAttribute("scope", "col");
      button.addEventListener("click", () => sortBy(table, original, header));
    }
  }

  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

  function csv(table) {
    const rows = [table.tHead.rows[0], ...[...table.tBodies[0].rows].filter((row) => !row.hidden)];
    return rows.map((row) => [...row.cells].map((cell) => quoted(cell.textContent.trim())).join(",")).join("\n") + "\n";
  }

  function takeable(table, name) {
    const title = "Save the rows shown as a CSV file";
    const save = element("button", { type: "button", class: "small", title }, "CSV");
    save.addEventListener("click", () => download(`${name}.csv`, "text/csv", csv(table)));
    const copy = copyButton("Copy", "Copy the rows shown as CSV", () => csv(table));
    table.closest(".table").before(element("div", { class: "take tools" }, save, copy));
  }

  function filterRows(tables, words) {
    let shown = 0;
    for (const row of tables.flatMap((table) => [...table.tBodies[0].rows])) {
      row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
      shown += !row.hidden;
    }
    return shown;
  }

  function filterable(section, tables) {
    const rows = tables.reduce((sum, table) => sum + table.tBodies[0].rows.length, 0);
    const count = element("output", {}, `${rows} rows`);
    const label = "Filter rows of this section";
    const input = element("input", { type: "search", placeholder: "Filter rows", "aria-label": label });
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      const shown = filterRows(tables, words);
      count.textContent = words.length ? `${shown} of ${rows} rows` : `${rows} rows`;
      if (words.length) section.querySelectorAll("details.long").forEach((details) => (details.open = true));
    });
    const first = section.querySelector("h3, .take, details.long");
    first.before(element("div", { class: "filter tools" }, input, count));
  }

  function prepare(section) {
    const tables = [...section.querySelectorAll(".table table")].filter((table) => table.tHead && table.tBodies.length);
    tables.forEach((table, index) => {
      sortable(table);
      takeable(table, index ? `${section.id}-${index + 1}` : section.id);
      edges(table.closest(".table"));
    });
    const rows = tables.reduce((sum, table) => sum + table.tBodies[0].rows.length, 0);
    if (rows > LEAST_ROWS) filterable(section, tables);
  }

  document.querySelectorAll("main > section").forEach(prepare);
})();
