// Makespans: bars with their spread over seeds, and lines against load.

const leftOut = (runs) => Math.max(0, ...runs.map((run) => run.summary.jobs_left_out));

// By policy: the spread over the seeds of `field` of those runs that did every job, with the multiple of the best
// baseline's if `ratioField` names one.
function byPolicy(runs, field, ratioField) {
  return report.policies.map((policy, index) => {
    const mine = runs.filter((run) => run.policy === index);
    const whole = mine.filter((run) => run.summary.jobs_left_out === 0 && run.summary.jobs_done > 0);
    const ratios = whole.map((run) => run.summary[ratioField]).filter((x) => x !== null && x !== undefined);
    return { index, runs: mine.length,
      values: whole.length ? spread(whole.map((run) => run.summary[field])) : null,
      ratio: ratios.length ? spread(ratios) : null,
      missing: mine.length === 0 ? "" : leftOut(mine) > 0 ? `left out ${plural(leftOut(mine), "job")}` : "ran no job" };
  }).filter((entry) => entry.runs > 0);
}
const makespans = (runs) => byPolicy(runs, "makespan_s", "makespan_over_best_baseline");

function spreadText(values, text) {
  return values.values.length === 1 ? text(values.mean)
    : `${text(values.mean)} (${text(values.least)} to ${text(values.largest)})`;
}

// Bars of a time in seconds that every summary has.
function timeBars(parent, selectRuns, { id, title, note, label, field, ratioField }) {
  const entries = () => byPolicy(selectRuns(), field, ratioField);
  return barFigure(parent, {
    id, title,
    note: `${note}${seeds.length > 1
      ? " Bars are means over seeds, whiskers go from the least to the largest, dots are single seeds." : ""}`,
    entries,
    axis: () => {
      const shown = entries().filter((entry) => entry.values);
      const largest = d3.max(shown, (entry) => entry.values.largest) || 1;
      const unit = timeUnit(largest);
      return { label: `${label} [${unit.name}]`, largest: largest / unit.seconds,
        of: (seconds) => seconds / unit.seconds,
        text: (entry) => `${fixed(entry.values.mean / unit.seconds, decimalsFor(largest / unit.seconds))} ${unit.name}`,
        reference: ratioField && d3.min(shown.filter((entry) => report.policies[entry.index].role === "baseline"),
          (entry) => entry.values.mean) };
    },
    table: () => ({
      head: ["policy", ">seeds", ">mean [s]", ">least [s]", ">largest [s]", ...(ratioField ? [">mean × best baseline"] : [])],
      rows: entries().map((m) => [policyName(m.index), number(m.runs),
        ...(m.values ? [m.values.mean, m.values.least, m.values.largest].map((s) => fixed(s, 1)) : ["–", "–", "–"]),
        ...(ratioField ? [{ text: m.ratio ? fixed(m.ratio.mean, 3) : "–", strong: Boolean(m.ratio && m.ratio.mean > 1) }]
          : [])]),
    }),
  });
}

function makespanBars(parent, selectRuns) {
  return timeBars(parent, selectRuns, {
    id: "makespan-bars",
    title: "Makespan",
    note: "From the first submission to the last finish; shorter is better. ×: as a multiple of the best baseline's, "
      + "seed by seed; dashed: the baseline with the shortest mean.",
    label: "makespan",
    field: "makespan_s",
    ratioField: "makespan_over_best_baseline",
  });
}

// Only where there are several loads. `selectRuns(load)` gives the runs at one of `loadsOf()`.
function makespanByLoad(parent, selectRuns, loadsOf) {
  let measure = "values";
  const lines = () => report.policies.map((policy, index) => ({
    index,
    points: loadsOf().map((load) => ({ load, entry: makespans(selectRuns(load)).find((m) => m.index === index) }))
      .filter((point) => point.entry && point.entry[measure])
      .map((point) => ({ x: point.load, ...point.entry[measure] })),
  })).filter((line) => line.points.length > 0);
  return lineFigure(parent, {
    id: "makespan-load",
    title: "Makespan against load",
    note: "Load: compute slices × time asked for, against what the cluster has between first and last "
      + `submission.${seeds.length > 1 ? " Lines are means over seeds, bands go from the least to the largest seed." : ""
      } Runs that left jobs out are missing. Multiples are taken seed by seed.`,
    controls: (fig) => choice(fig.controls, "As", [{ value: "values", text: "time" },
      { value: "ratio", text: "multiple of the best baseline's" }], measure, (value) => {
      measure = value;
      fig.redraw();
    }),
    lines: () => {
      const isTime = measure === "values";
      const unit = isTime ? timeUnit(d3.max(lines().flatMap((line) => line.points), (p) => p.largest) || 1)
        : { name: "", seconds: 1 };
      const all = lines().flatMap((line) => line.points);
      const some = loadsOf();
      const edge = (some[some.length - 1] - some[0]) * 0.03;
      return {
        x: { label: "load [share of the cluster]", text: (value) => `load ${number(value)}`,
          domain: [Math.max(0, some[0] - edge), some[some.length - 1] + edge], values: some },
        y: isTime ? { label: `makespan [${unit.name}]`, text: (value) => `${number(value)} ${unit.name}` }
          : { label: "makespan [× best baseline's, not from 0]", text: ratio, mark: 1,
            range: [Math.min(1, d3.min(all, (p) => p.least)), Math.max(1, d3.max(all, (p) => p.largest))] },
        dots: true,
        lines: lines().map((line) => ({ policy: line.index, points: line.points.map((p) => ({
          x: p.x, y: p.mean / unit.seconds, least: p.least / unit.seconds, largest: p.largest / unit.seconds })) })),
      };
    },
  });
}
