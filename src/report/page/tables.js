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

function lazyTable(text, caption, make) {
  const details = element("details", { class: "as-table" }, element("summary", {}, text));
  details.addEventListener("toggle", () => {
    details.querySelector(".table")?.remove();
    if (!details.open) return;
    const content = make();
    const cut = content.rows.length > kTableRows;
    details.append(buildTable(
      cut ? `${caption} (the first ${number(kTableRows)} of ${number(content.rows.length)} rows)` : caption,
      { head: content.head, rows: content.rows.slice(0, kTableRows) }));
  });
  return details;
}

const loadText = (load) => load === null ? "as in the trace" : number(load);

// Every run with everything that was measured; makespans above the best baseline's in bold.
function resultsTable(runs) {
  const hasLoads = unique(report.runs.map((run) => run.load)).length > 1;
  const hasSettings = unique(report.runs.map((run) => run.setting)).length > 1;
  const hasSeeds = unique(report.runs.map((run) => run.seed)).length > 1;
  const some = (has, ...cells) => (has ? cells : []);
  return {
    head: ["policy", ...some(hasSettings, "setting"), ...some(hasLoads, ">load"), ...some(hasSeeds, ">seed"),
      ">jobs done", ">left out", ">makespan [s]", ">× best baseline", ">mean JCT [s]", ">median JCT [s]", ">p95 JCT [s]",
      ">mean wait [s]", ">held [%]", ">asked [%]", ">reconf.", ">reconf. [GPU s]"],
    rows: runs.map((run) => {
      const s = run.summary;
      const x = s.makespan_over_best_baseline;
      const value = (seconds) => (s.jobs_done === 0 ? "–" : fixed(seconds, 1));
      return [s.policy, ...some(hasSettings, run.setting || "–"), ...some(hasLoads, loadText(run.load)),
        ...some(hasSeeds, String(run.seed)), number(s.jobs_done),
        { text: number(s.jobs_left_out), strong: s.jobs_left_out > 0 }, value(s.makespan_s),
        { text: x === null ? "–" : fixed(x, 3), strong: x !== null && x > 1 },
        value(s.mean_jct_s), value(s.median_jct_s), value(s.p95_jct_s), value(s.mean_wait_s),
        value(100 * s.held_utilisation), value(100 * s.asked_utilisation), number(s.reconfigurations),
        fixed(s.reconfiguration_gpu_s, 1)];
    }),
  };
}
