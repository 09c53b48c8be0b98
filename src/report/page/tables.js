// Tables: of all results, and behind every chart.

// `head`: texts, those of numeric columns beginning with ">". Cells: text, or {text, strong}.
function buildTable(caption, { head, rows }) {
  const isNumeric = head.map((text) => text.startsWith(">"));
  const cell = (name, content, column) => {
    const { text, strong } = typeof content === "object" && content !== null
      ? content : { text: String(content), strong: false };
    return element(name, { class: isNumeric[column] ? "number" : undefined,
      scope: name === "th" ? "col" : undefined }, strong ? element("strong", {}, text) : text);
  };
  const table = element("table", {}, element("caption", {}, caption),
    element("thead", {}, element("tr", {},
      ...head.map((text, column) => cell("th", text.replace(/^>/, ""), column)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {},
      ...row.map((content, column) => cell("td", content, column))))));
  // Focusable, so that the keyboard can scroll it sideways.
  return element("div", { class: "table", tabindex: "0", role: "region", "aria-label": caption }, table);
}

// More rows than this make a page slow; the CSV files have them all.
const kTableRows = 3000;

// Its first rows, and how many there are if these are not all.
function cutTable(caption, { head, rows }) {
  return buildTable(rows.length > kTableRows
    ? `${caption} (the first ${number(kTableRows)} of ${number(rows.length)} rows)` : caption,
  { head, rows: rows.slice(0, kTableRows) });
}

function lazyTable(text, caption, make) {
  const details = element("details", { class: "as-table" }, element("summary", {}, text));
  details.addEventListener("toggle", () => {
    details.querySelector(".table")?.remove();
    if (!details.open) return;
    details.append(cutTable(caption, make()));
  });
  return details;
}

const loadText = (load) => load === null ? "as in the trace" : number(load);
