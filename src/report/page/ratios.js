// Flex-MIG against the best baseline on all workloads: a row a workload, left of the line where it is shorter.

const kMeasures = {
  makespan: { field: "makespan_over_best_baseline", text: "makespan" },
  jct: { field: "mean_jct_over_best_baseline", text: "mean JCT" },
};
// Of a larger sweep the table has the others.
const kMostRows = 200;

const ours = () => report.policies.map((policy, index) => index).filter((index) => policyStyles[index].isOurs);

// The spread over seeds; null if the policy or all baselines left jobs out there.
function ratioOf(workload, policy, measure) {
  const values = workload.runs.filter((run) => run.policy === policy)
    .map((run) => run.summary[kMeasures[measure].field]).filter((x) => x !== null);
  return values.length ? spread(values) : null;
}

function symbolLegend(svg) {
  const list = element("ul", { class: "legend", "aria-label": "Policies" });
  for (const index of ours()) {
    const style = policyStyles[index];
    const item = element("li", { title: policyName(index) });
    d3.select(item).append("svg").attr("width", 14).attr("height", 14).attr("aria-hidden", "true").append("path")
      .attr("transform", "translate(7,7)").attr("d", d3.symbol().type(style.symbol).size(70)())
      .style("fill", style.color);
    item.append(element("span", {}, policyName(index)));
    list.append(item);
  }
  return list;
}

// `onSelect(workload)` is called when somebody picks a row.
function ratioFigure(parent, isShown, onSelect) {
  let measure = "makespan";
  let order = "listed";
  const rows = () => {
    const all = workloads.map((workload) => ({ workload, ratios: ours().map((policy) => ({ policy,
      ratio: ratioOf(workload, policy, measure) })).filter((entry) => entry.ratio) }))
      .filter((row) => row.ratios.length > 0);
    if (order === "gain") all.sort((a, b) => d3.min(a.ratios, (r) => r.ratio.mean) - d3.min(b.ratios, (r) => r.ratio.mean));
    return all;
  };
  const fig = figure(parent, {
    id: "ratios",
    title: "Flex-MIG as a multiple of the best baseline",
    note: "Left of the line Flex-MIG is shorter, in the shaded part it loses. The best baseline is the shortest one of "
      + `all that did every job, chosen for each workload${seeds.length > 1 ? " and seed" : ""} in hindsight.${
        seeds.length > 1 ? " Marks are means over seeds, lines go from the least to the largest." : ""
      } The axis does not begin at zero. Select a row to see its workload below.${workloads.length > kMostRows
        ? ` The first ${kMostRows} of ${number(workloads.length)} workloads are shown.` : ""}`,
    hint: "Point at a row to read its values.",
    height: (width) => {
      const count = Math.min(kMostRows, rows().length);
      return headHeight(count) + rowHeight(width) * count + 44;
    },
    describe: () => `${plural(rows().length, "workload")} compared`,
    table: () => ({
      head: ["workload", "policy", ">mean ×", ">least ×", ">largest ×"],
      rows: rows().flatMap(({ workload, ratios }) => ratios.map((entry) => [workloadName(workload),
        policyName(entry.policy), { text: fixed(entry.ratio.mean, 3), strong: entry.ratio.mean > 1 },
        fixed(entry.ratio.least, 3), fixed(entry.ratio.largest, 3)])),
    }),
    draw: (svg, width) => draw(svg, width, rows().slice(0, kMostRows)),
  });
  choice(fig.controls, "Of", Object.entries(kMeasures).map(([value, { text }]) => ({ value, text })), measure,
    (value) => { measure = value; fig.redraw(); });
  if (workloads.length > 2) {
    choice(fig.controls, "Order", [{ value: "listed", text: "as listed" }, { value: "gain", text: "by gain" }], order,
      (value) => { order = value; fig.redraw(); });
  }
  fig.holder.before(symbolLegend());

  // Too long to see the axis below with the first rows: there is one above, too.
  function isLong(count) { return count > 25; }
  function headHeight(count) { return isLong(count) ? 46 : 26; }
  const isBeside = (width) => width >= 760;
  function rowHeight(width) { return isBeside(width) ? 24 : 42; }

  function draw(svg, width, shown) {
    if (shown.length === 0) return;
    const row = rowHeight(width);
    const beside = isBeside(width);
    const left = beside ? Math.min(0.45 * width, 14 + widest(svg, shown.map((r) => workloadName(r.workload)), "row-name"))
      : 16;
    const right = width - 16;
    const top = headHeight(shown.length);
    const height = row * shown.length;
    const all = shown.flatMap((r) => r.ratios);
    const x = d3.scaleLinear().domain([Math.min(0.95, d3.min(all, (r) => r.ratio.least)),
      Math.max(1.05, d3.max(all, (r) => r.ratio.largest))]).range([left, right]).nice();
    svg.append("rect").attr("class", "loss-ground").attr("x", x(1)).attr("y", top).attr("width", right - x(1))
      .attr("height", height);
    xAxis(svg, x, { top, height, label: `${kMeasures[measure].text} [× best baseline's]`,
      ticks: Math.max(3, (right - left) / 80) });
    if (isLong(shown.length)) {
      svg.append("g").attr("class", "axis").attr("transform", `translate(0,${top})`)
        .call(d3.axisTop(x).ticks(Math.max(3, (right - left) / 80)).tickSizeOuter(0));
    }
    const head = (text, at, anchor, className) => svg.append("text").attr("class", `side ${className}`).attr("x", at)
      .attr("y", 17).attr("text-anchor", anchor).text(text);
    if (x(1) - left > 70) head("← shorter", x(1) - 8, "end", "win");
    if (right - x(1) > 60) head("longer →", x(1) + 8, "start", "loss");
    svg.append("line").attr("class", "one").attr("x1", x(1)).attr("x2", x(1)).attr("y1", isLong(shown.length) ? top : 6)
      .attr("y2", top + height);
    shown.forEach(({ workload, ratios }, i) => {
      const g = svg.append("g").attr("class", isShown(workload) ? "row shown" : "row")
        .attr("data-workload", workload.index);
      const y = top + i * row;
      const middle = beside ? y + row / 2 : y + 29;
      g.append("rect").attr("class", "row-ground").attr("x", 0).attr("y", y).attr("width", width).attr("height", row);
      const name = g.append("text").attr("class", "row-name").attr("x", beside ? left - 10 : 4)
        .attr("text-anchor", beside ? "end" : "start").attr("y", beside ? middle + 4 : y + 14);
      fitName(name, workloadName(workload), beside ? left - 14 : width - 10);
      g.append("line").attr("class", "row-line").attr("x1", left).attr("x2", right).attr("y1", middle).attr("y2", middle);
      for (const { policy, ratio: r } of ratios) {
        const style = policyStyles[policy];
        // Beside each other, so that ranges that overlap can be told apart.
        const y0 = middle + (ours().indexOf(policy) - (ours().length - 1) / 2) * Math.min(3.5, 14 / ours().length);
        if (r.largest > r.least) {
          g.append("line").attr("class", "range").attr("x1", x(r.least)).attr("x2", x(r.largest)).attr("y1", y0)
            .attr("y2", y0).style("stroke", style.color);
        }
        g.append("path").attr("class", r.mean > 1 ? "mark is-loss" : "mark").style("fill", style.color)
          .attr("transform", `translate(${x(r.mean)},${y0})`).attr("d", d3.symbol().type(style.symbol).size(64)());
      }
      g.on("mouseenter", () => fig.say(`${workloadName(workload)}: ${ratios.map((r) => `${policyName(r.policy)} ${
        spreadText(r.ratio, ratio)}`).join(" · ")}`));
      g.on("click", () => onSelect(workload));
    });
  }
  return fig;
}
