// The page of `flexmig simulate compare`, from top to bottom.

// What most sweeps are about comes first: many jobs for the cluster.
let chosen = workloads.reduce((best, other) => (Number(other.of.load) > Number(best.of.load) ? other : best),
  workloads[0]);
const runsNow = () => chosen.runs;
runsOfLines = runsNow;

function header() {
  pageHeader("Flex-MIG comparison", [
    ...differing.map(countText),
    ...common.filter((field) => ["cluster", "model", "load"].includes(field))
      .map((field) => `${fieldLabel(field).toLowerCase()} ${fieldText(field, workloads[0].of[field])}`),
    plural(report.policies.length, "policy").replace("policys", "policies"), plural(seeds.length, "seed"),
    plural(report.runs.length, "run"),
  ]);
}

// Wins and losses of each form of Flex-MIG over all workloads, in the same words and the same size.
function verdicts(parent) {
  const node = element("div", { class: "verdict" });
  for (const policy of ours()) {
    const entries = workloads.map((workload) => ({ workload, ratio: ratioOf(workload, policy, "makespan") }));
    const compared = entries.filter((entry) => entry.ratio).sort((a, b) => a.ratio.mean - b.ratio.mean);
    if (compared.length === 0) {
      node.append(card("draw", "not compared", element("p", {}, element("b", {}, policyName(policy)),
        ": it, or every baseline, left jobs out.")));
      continue;
    }
    const kinds = compared.map((entry) => verdictOf(entry.ratio.mean).kind);
    const countOf = (kind) => kinds.filter((k) => k === kind).length;
    const overall = Math.exp(mean(compared.map((entry) => Math.log(entry.ratio.mean))));
    const missing = entries.length - compared.length;
    const { kind, text } = verdictOf(overall);
    const best = compared[0];
    const worst = compared[compared.length - 1];
    node.append(card(kind, text,
      element("p", {}, "Makespan of ", element("b", {}, policyName(policy)), " against the best baseline of each workload",
        compared.length > 1 ? `, geometric mean: ${ratio(overall)}.` : `: ${spreadText(best.ratio, ratio)}.`),
      compared.length > 1 ? element("p", { class: "note" },
        `Shorter on ${countOf("win")}, longer on ${countOf("loss")}, equal on ${countOf("draw")} of ${
          plural(compared.length, "workload")}${missing > 0 ? `, ${missing} not compared` : ""}. From ${
          ratio(best.ratio.mean)} (${workloadName(best.workload)}) to ${ratio(worst.ratio.mean)} (${
          workloadName(worst.workload)}).`) : null));
  }
  if (ours().length === 0) node.append(element("p", {}, "Flex-MIG is not among the policies compared here."));
  parent.append(node);
}

// Held slices of each policy, of which what was asked for is full.
function utilisationBars(parent) {
  const entries = () => byPolicy(runsNow(), "held_utilisation").map((entry) => {
    const asked = byPolicy(runsNow().filter((run) => run.policy === entry.index), "asked_utilisation")[0];
    return { ...entry, full: asked.values };
  });
  return barFigure(parent, {
    id: "utilisation-bars",
    title: "Utilisation",
    note: "Compute slices of all GPUs over the makespan. Full: held by jobs that asked for them. Pale: held, but "
      + "lost to rounding up. The rest is idle, out of service, or not in the layout.",
    entries,
    axis: () => ({ label: "compute slices [% of all]", largest: 100, isWhole: true, of: (share) => 100 * share,
      text: (entry) => `held ${percent(entry.values.mean)}, asked ${percent(entry.full.mean)}` }),
    table: () => ({
      head: ["policy", ">held [%]", ">least", ">largest", ">asked [%]", ">least", ">largest"],
      rows: entries().filter((entry) => entry.values).map((entry) => [policyName(entry.index),
        ...[entry.values, entry.full].flatMap((s) => [s.mean, s.least, s.largest].map((v) => fixed(100 * v, 1)))]),
    }),
  });
}

// A line a policy, means over seeds.
function meansTable(which, fields) {
  const over = (runs, value, decimals) => fixed(mean(runs.map((run) => run.summary[value])), decimals);
  const multiple = (s) => ({ text: s ? fixed(s.mean, 3) : "–", strong: Boolean(s && s.mean > 1) });
  return {
    head: ["policy", ...fields.map(fieldLabel), ">seeds", ">left out", ">makespan [s]", ">least", ">largest",
      ">× best", ">mean JCT [s]", ">× best JCT", ">mean wait [s]", ">held [%]", ">asked [%]"],
    rows: which.flatMap((workload) => report.policies.map((policy, index) => {
      const runs = workload.runs.filter((run) => run.policy === index);
      if (runs.length === 0) return null;
      const makespan = spread(runs.map((run) => run.summary.makespan_s));
      return [policyName(index), ...fields.map((field) => fieldText(field, workload.of[field])), number(runs.length),
        { text: number(leftOut(runs)), strong: leftOut(runs) > 0 }, fixed(makespan.mean, 0), fixed(makespan.least, 0),
        fixed(makespan.largest, 0), multiple(ratioOf(workload, index, "makespan")), over(runs, "mean_jct_s", 0),
        multiple(ratioOf(workload, index, "jct")), over(runs, "mean_wait_s", 0),
        fixed(100 * mean(runs.map((run) => run.summary.held_utilisation)), 1),
        fixed(100 * mean(runs.map((run) => run.summary.asked_utilisation)), 1)];
    }).filter(Boolean)),
  };
}

// What one workload is and what the policies are there: layouts found in hindsight differ.
function describeWorkload(node) {
  const descriptions = report.policies.map((policy, index) => [policy, unique(chosen.runs
    .filter((run) => run.policy === index).map((run) => report.descriptions[run.description]))])
    .filter(([, texts]) => texts.length > 0)
    .map(([policy, texts]) => [policy.name, `${texts.slice(0, 3).join("; or, by seed, ")} (${policy.role})`]);
  node.append(element("details", {}, element("summary", {}, "What the policies are here"), definitions(descriptions)));
}

function foundations() {
  const node = section("foundations", "What the results rest on",
    "Every number on this page follows from these; change one and the order of the policies may change.");
  node.append(element("h3", {}, "The same everywhere"),
    definitions([...common.map((field) => [fieldLabel(field), fieldText(field, workloads[0].of[field])]),
      ["comm, in names", "How fast k leaves are against one instance of k slices: as fast (none), a share of it, or as "
        + "computed from host links. An assumption. Policies that give one instance pay nothing."]]),
    ...(differing.length === 0 ? [] : [element("h3", {}, "Different"),
      definitions(differing.map((field) => [fieldLabel(field), valuesOf(field).map((v) => fieldText(field, v)).join(", ")]))]),
    ...origin([]));
}

function build() {
  header();
  verdicts(page);
  const overview = section("overview", "All workloads");
  let ratios = null;
  const select = (workload) => {
    chosen = workload;
    // The selectors are made anew: whoever uses the keyboard stays where they were.
    const focused = [...one.querySelectorAll("select")].indexOf(document.activeElement);
    rebuild();
    if (focused >= 0) one.querySelectorAll("select")[focused]?.focus();
    if (ratios) ratios.redraw();
  };
  if (ours().length > 0) {
    ratios = ratioFigure(overview, (workload) => workload === chosen && workloads.length > 1, (workload) => {
      select(workload);
      document.getElementById("workload").scrollIntoView({ behavior: "smooth" });
    });
  }
  const one = section("workload", workloads.length > 1 ? "One workload" : "Results");
  const rebuild = () => {
    one.replaceChildren(one.querySelector("h2"));
    const controls = element("div", { class: "controls page-controls" });
    for (const field of differing) {
      choice(controls, fieldLabel(field), valuesOf(field).map((value) => ({ value, text: fieldText(field, value) })),
        chosen.of[field], (value) => select(likeWith(chosen, field, value)));
    }
    one.append(element("p", { class: "lead" }, workloadName(chosen, differing.length ? differing : ["trace", "cluster"])),
      controls);
    describeWorkload(one);
    makespanBars(one, runsNow);
    const loads = atAllLoads(chosen);
    if (loads.length > 1) {
      makespanByLoad(one, (load) => loads.find((w) => Number(w.of.load) === load).runs,
        () => loads.map((w) => Number(w.of.load)));
    }
    const pair = element("div", { class: "pair" });
    one.append(pair);
    timeBars(pair, runsNow, { id: "jct-bars", title: "Mean job completion time (JCT)", label: "mean JCT",
      field: "mean_jct_s", ratioField: "mean_jct_over_best_baseline",
      note: "From submission to finish. ×: as a multiple of the shortest of all baselines; dashed: the shortest mean." });
    timeBars(pair, runsNow, { id: "wait-bars", title: "Mean wait", label: "mean wait", field: "mean_wait_s",
      note: "From submission to start." });
    utilisationBars(one);
  };
  rebuild();
  const tables = section("table", "All results",
    "Means over seeds. In bold: above the best baseline's, and jobs that a policy can never run; left out are the most "
    + "in any seed. Makespans and JCTs of policies that left jobs out are about other jobs and not compared.");
  tables.append(cutTable("Every workload and policy", meansTable(workloads, differing)));
  foundations();
}

build();
