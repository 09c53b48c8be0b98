// Makespans: bars with their spread over seeds, and lines against load.

// By policy: the makespans of its runs that did every job, and how many runs did not.
function makespans(runs) {
  return report.policies.map((policy, index) => {
    const mine = runs.filter((run) => run.policy === index);
    const whole = mine.filter((run) => run.summary.jobs_left_out === 0 && run.summary.jobs_done > 0);
    const ratios = whole.map((run) => run.summary.makespan_over_best_baseline).filter((x) => x !== null);
    return { index, runs: mine.length, incomplete: mine.length - whole.length,
      seconds: whole.length ? spread(whole.map((run) => run.summary.makespan_s)) : null,
      ratio: ratios.length ? spread(ratios) : null };
  }).filter((entry) => entry.runs > 0);
}

function spreadText(values, text) {
  return values.values.length === 1 ? text(values.mean)
    : `${text(values.mean)} (${text(values.least)} to ${text(values.largest)})`;
}

function makespanBars(parent, selectRuns) {
  const kRow = 46;
  const kTop = 8;
  return figure(parent, {
    id: "makespan-bars",
    title: "By policy",
    note: `From the first submission to the last finish; shorter is better. ×: as a multiple of the best baseline's.${
      seeds.length > 1 ? " Bars are means over seeds, whiskers go from the least to the largest, dots are single seeds."
        : ""}`,
    height: () => kTop + kRow * makespans(selectRuns()).length + 44,
    describe: () => makespans(selectRuns()).map((m) => `${policyName(m.index)}: ${m.seconds
      ? spreadText(m.seconds, duration) : "left jobs out"}`).join("; "),
    table: () => ({
      head: ["policy", ">seeds", ">mean [s]", ">least [s]", ">largest [s]", ">mean × best baseline"],
      rows: makespans(selectRuns()).map((m) => [policyName(m.index), number(m.runs),
        ...(m.seconds ? [m.seconds.mean, m.seconds.least, m.seconds.largest].map((s) => fixed(s, 1))
          : ["–", "–", "–"]),
        { text: m.ratio ? fixed(m.ratio.mean, 3) : "–", strong: Boolean(m.ratio && m.ratio.mean > 1) }]),
    }),
    draw: (svg, width) => {
      const entries = makespans(selectRuns());
      const largest = d3.max(entries, (m) => (m.seconds ? m.seconds.largest : 0)) || 1;
      const unit = timeUnit(largest);
      const left = 8;
      const right = width - 14;
      const x = d3.scaleLinear().domain([0, largest / unit.seconds]).nice().range([left, right]);
      const height = kRow * entries.length;
      xAxis(svg, x, { top: kTop, height, label: `makespan [${unit.name}]`, ticks: Math.max(3, width / 110) });
      entries.forEach((m, row) => {
        const y = kTop + row * kRow;
        const style = policyStyles[m.index];
        const g = svg.append("g").attr("class", style.isOurs ? "bar ours" : "bar");
        const value = !m.seconds ? "left jobs out"
          : `${number(m.seconds.mean / unit.seconds)} ${unit.name}${m.ratio ? `  ${ratio(m.ratio.mean)}` : ""}`;
        const valueText = g.append("text").attr("class", "bar-value").attr("x", right).attr("y", y + 15)
          .attr("text-anchor", "end").text(value);
        fitName(g.append("text").attr("class", "bar-name").attr("x", left + 2).attr("y", y + 15),
          policyName(m.index), right - left - 14 - valueText.node().getComputedTextLength());
        if (!m.seconds) return;
        const at = (seconds) => x(seconds / unit.seconds);
        g.append("rect").attr("class", "mark").attr("x", left).attr("y", y + 21)
          .attr("width", Math.max(1, at(m.seconds.mean) - left)).attr("height", 15)
          .style("fill", style.color);
        if (m.seconds.values.length === 1) return;
        const middle = y + 28.5;
        g.append("path").attr("class", "whisker").attr("d", `M${at(m.seconds.least)},${middle - 6}v12`
          + `m0,-6H${at(m.seconds.largest)}m0,-6v12`);
        g.selectAll("circle").data(m.seconds.values).enter().append("circle").attr("class", "seed")
          .attr("r", 2.6).attr("cx", at).attr("cy", middle);
      });
    },
  });
}

// Only where there are several loads.
function makespanByLoad(parent, selectRuns) {
  const byPolicy = () => report.policies.map((policy, index) => ({
    index,
    points: unique(report.runs.map((run) => run.load)).filter((load) => load !== null).sort((a, b) => a - b)
      .map((load) => ({ load, entry: makespans(selectRuns(load)).find((m) => m.index === index) }))
      .filter((point) => point.entry && point.entry.seconds)
      .map((point) => ({ x: point.load, ...point.entry.seconds })),
  })).filter((line) => line.points.length > 0);
  return lineFigure(parent, {
    id: "makespan-load",
    title: "Makespan against load",
    note: "Load: compute slices x time asked for, against what the cluster has between first and last "
      + "submission. Lines are means over seeds, bands go from the least to the largest seed. Runs that "
      + "left jobs out are missing.",
    lines: () => {
      const unit = timeUnit(d3.max(byPolicy().flatMap((line) => line.points), (p) => p.largest) || 1);
      return {
        x: { label: "load [share of the cluster]", text: (value) => `load ${number(value)}` },
        y: { label: `makespan [${unit.name}]`, text: (value) => `${number(value)} ${unit.name}` },
        dots: true,
        lines: byPolicy().map((line) => ({ policy: line.index, points: line.points.map((p) => ({
          x: p.x, y: p.mean / unit.seconds, least: p.least / unit.seconds, largest: p.largest / unit.seconds })) })),
      };
    },
  });
}
