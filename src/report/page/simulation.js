// The page of `flexmig simulate`, from top to bottom.

const state = {
  setting: report.runs[0] ? report.runs[0].setting : "",
  load: report.runs[0] ? report.runs[0].load : null,
};
const loads = unique(report.runs.map((run) => run.load)).sort((a, b) => (a ?? -1) - (b ?? -1));
const settings = unique(report.runs.map((run) => run.setting));
const seeds = unique(report.runs.map((run) => run.seed));

const runsAt = (load = state.load) => report.runs.filter((run) => run.setting === state.setting
  && run.load === load);
// One run a policy, the first seed's, with what its charts need.
const detailsNow = () => report.policies.map((policy, index) => runsAt()
  .find((run) => run.policy === index && run.detail && run.summary.jobs_done > 0)).filter(Boolean);

function header() {
  const { cluster, trace } = report;
  pageHeader("Flex-MIG simulation", [
    `${cluster.gpus} × ${cluster.product}`, `${number(cluster.gpus * cluster.compute_slices_per_gpu)} compute slices`,
    plural(trace.jobs, "job"), plural(report.policies.length, "policy").replace("policys", "policies"),
    loads.length > 1 ? `${loads.length} loads` : "", seeds.length > 1 ? `${seeds.length} seeds` : `seed ${seeds[0]}`,
  ]);
}

// The same policy at the other loads, so that the one chosen hides nothing.
function elsewhere(policy) {
  const others = loads.filter((load) => load !== state.load).map((load) => {
    const entry = makespans(runsAt(load)).find((m) => m.index === policy);
    return `${loadText(load)}: ${entry && entry.ratio ? ratio(entry.ratio.mean) : "not compared"}`;
  });
  return others.length > 0 ? ` At load ${others.join(", ")}.` : "";
}

// Wins and losses of Flex-MIG, in the same words and the same size.
function verdict() {
  const node = element("div", { class: "verdict" });
  const fill = () => {
    node.replaceChildren();
    const entries = makespans(runsAt());
    const compared = entries.filter((m) => policyStyles[m.index].isOurs);
    if (compared.length === 0) node.append(element("p", {}, "Flex-MIG is not among the policies compared here."));
    for (const m of compared) {
      if (!m.ratio) {
        node.append(element("p", {}, `${policyName(m.index)}: not compared, since ${m.values
          ? "no baseline did every job" : "it left jobs out"}.`));
        continue;
      }
      const { kind, text } = verdictOf(m.ratio.mean);
      const best = unique(runsAt().filter((run) => run.summary.makespan_over_best_baseline === 1
        && report.policies[run.policy].role === "baseline").map((run) => policyName(run.policy)));
      node.append(card(kind, text,
        element("p", {}, "Makespan of ", element("b", {}, policyName(m.index)), " against ",
          ...(best.length === 1 ? [element("b", {}, best[0]), ", the baseline with the shortest one"]
            : ["the baseline with the shortest one, seed by seed"]),
          `${loads.length > 1 ? `, at load ${loadText(state.load)}` : ""}: ${spreadText(m.ratio, ratio)}.`,
          elsewhere(m.index)),
        seeds.length > 1 ? element("p", { class: "note" }, `Mean over ${plural(m.ratio.values.length, "seed")
        }, in brackets the least and the largest.`) : null));
    }
  };
  fill();
  page.append(node);
  return fill;
}

function choices(onChange) {
  const controls = element("div", { class: "controls page-controls" });
  choice(controls, "Setting", settings.map((value) => ({ value, text: value || "as given" })), state.setting,
    (value) => { state.setting = value; onChange(); });
  choice(controls, "Load", loads.map((value) => ({ value: String(value), text: loadText(value) })), String(state.load),
    (value) => { state.load = value === "null" ? null : Number(value); onChange(); });
  if (controls.children.length > 0) page.append(controls);
}

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

function foundations() {
  const node = section("foundations", "What the results rest on",
    "Every number on this page follows from these; change one and the order of the policies may change.");
  node.append(definitions(report.assumptions.map(({ name, text }) => [name, text])),
    element("h3", {}, "Policies"),
    definitions(report.policies.map(({ name, role, description }) => [name, `${description} (${role})`])),
    ...origin([["trace", report.trace.name], ...(report.trace.sha256
      ? [["SHA-256 of the trace", element("code", {}, report.trace.sha256)]] : [])]));
}

function build() {
  header();
  const redraws = [];
  const refresh = () => redraws.forEach((redraw) => redraw && redraw());
  redraws.push(verdict());
  choices(() => { rebuild(); refresh(); });

  const charts = element("div");
  page.append(charts);
  const rebuild = () => {
    charts.replaceChildren();
    const at = (id, title, lead) => {
      const node = section(id, title, lead);
      charts.append(node);
      return node;
    };
    const results = at("results", "Result");
    makespanBars(results, runsAt);
    const some = loads.filter((load) => load !== null);
    if (some.length > 1) makespanByLoad(results, runsAt, () => some);
    const details = detailsNow;
    if (details().length > 0) {
      const inDetail = details()[0];
      const which = [loads.length > 1 ? `load ${loadText(inDetail.load)}` : "",
        seeds.length > 1 ? `seed ${inDetail.seed}` : ""].filter(Boolean).join(", ");
      const time = at("time", "In detail", which ? `One run a policy: ${which}.` : undefined);
      ganttFigure(time, details);
      utilisationFigure(time, details);
      queueFigure(time, details);
      const jobs = at("jobs", "Jobs and what they find");
      const pair = element("div", { class: "pair" });
      jobs.append(pair);
      distributionFigure(pair, details, { id: "jct-cdf", title: "Job completion time", field: "jct_s",
        note: "Share of jobs with at most this time from submission to finish (JCT)." });
      distributionFigure(pair, details, { id: "wait-cdf", title: "Wait", field: "wait_s",
        note: "Share of jobs that waited at most this long from submission to start." });
      fragmentationFigure(jobs, details);
    }
  };
  rebuild();

  const tables = section("table", "All results",
    "In bold: makespans above the best baseline's, and jobs that a policy can never run. Makespans are compared "
    + "with the best baseline that did every job, of the same setting, load and seed.");
  tables.append(buildTable("Every run", resultsTable(report.runs)));
  foundations();
}

build();
