// The page, from top to bottom.

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
  page.append(element("header", {},
    element("p", { class: "kicker" }, "Flex-MIG simulation"),
    element("h1", {}, report.title),
    element("p", { class: "facts" }, [
      `${cluster.gpus} × ${cluster.product}`, `${number(cluster.gpus * cluster.compute_slices_per_gpu)} compute slices`,
      plural(trace.jobs, "job"), plural(report.policies.length, "policy").replace("policys", "policies"),
      loads.length > 1 ? `${loads.length} loads` : "", seeds.length > 1 ? `${seeds.length} seeds` : `seed ${seeds[0]}`,
    ].filter(Boolean).join(" · "))));
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
        node.append(element("p", {}, `${policyName(m.index)}: not compared, since ${m.seconds
          ? "no baseline did every job" : "it left jobs out"}.`));
        continue;
      }
      const change = 100 * (m.ratio.mean - 1);
      const best = unique(runsAt().filter((run) => run.summary.makespan_over_best_baseline === 1
        && report.policies[run.policy].role === "baseline").map((run) => policyName(run.policy)));
      const kind = change < -0.05 ? "win" : change > 0.05 ? "loss" : "draw";
      node.append(element("div", { class: `card ${kind}` },
        element("p", { class: "big" }, kind === "draw" ? "equal" : `${fixed(Math.abs(change), 1)} % ${
          kind === "win" ? "shorter" : "longer"}`),
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

function foundations() {
  const node = section("foundations", "What the results rest on",
    "Every number on this page follows from these; change one and the order of the policies may change.");
  const list = element("dl");
  for (const { name, text } of report.assumptions) list.append(element("dt", {}, name), element("dd", {}, text));
  node.append(list, element("h3", {}, "Policies"));
  const policies = element("dl");
  for (const { name, role, description } of report.policies) {
    policies.append(element("dt", {}, name), element("dd", {}, `${description} (${role})`));
  }
  node.append(policies, element("h3", {}, "Made by"));
  const origin = element("dl", {}, element("dt", {}, "command"),
    element("dd", {}, element("code", {}, report.command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word
      : `'${word.replaceAll("'", "'\\''")}'`)).join(" "))),
    element("dt", {}, "version"), element("dd", {}, `flexmig ${report.version}`),
    element("dt", {}, "trace"), element("dd", {}, report.trace.name));
  if (report.trace.sha256) {
    origin.append(element("dt", {}, "SHA-256 of the trace"), element("dd", {}, element("code", {}, report.trace.sha256)));
  }
  node.append(origin);
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
    const results = at("results", "Makespan");
    makespanBars(results, runsAt);
    if (loads.filter((load) => load !== null).length > 1) makespanByLoad(results, runsAt);
    const details = detailsNow;
    if (details().length > 0) {
      const inDetail = details()[0];
      const which = [loads.length > 1 ? `load ${loadText(inDetail.load)}` : "",
        seeds.length > 1 ? `seed ${inDetail.seed}` : ""].filter(Boolean).join(", ");
      const time = at("time", "In detail", which ? `One run a policy: ${which}.` : undefined);
      ganttFigure(time, details);
      utilisationFigure(time, details);
      queueFigure(time, details);
      const jobs = at("jobs", "Jobs");
      const pair = element("div", { class: "pair" });
      jobs.append(pair);
      distributionFigure(pair, details, { id: "jct-cdf", title: "Job completion time", field: "jct_s",
        note: "Share of jobs with at most this time from submission to finish (JCT)." });
      distributionFigure(pair, details, { id: "wait-cdf", title: "Wait", field: "wait_s",
        note: "Share of jobs that waited at most this long from submission to start." });
      fragmentationFigure(at("fragments", "Fragmentation"), details);
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
