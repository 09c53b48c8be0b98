// Horizontal bars from zero, one a policy, with their spread over seeds.

const kBarTop = 10;
// From this width on, names and values stand beside their bars, below it above them.
const kBesideBars = 640;
const barRow = (width) => (width >= kBesideBars ? 34 : 46);

// `entries()` gives [{index: of the policy, values: spread or null, full, missing, ratio}]. `full` is a spread
// of what is drawn full while the rest of the bar is pale; `missing` says why there are no values; `ratio` is the
// spread of multiples of the best baseline's. `axis()` gives {label, largest, of(value): on the axis, text(entry),
// reference: a value that is drawn as a line}.
function barFigure(parent, { id, title, note, entries, axis, table }) {
  return figure(parent, {
    id, title, note, table,
    height: (width) => kBarTop + barRow(width) * entries().length + 44,
    describe: () => entries().map((entry) => `${policyName(entry.index)}: ${entry.values ? axis().text(entry)
      : entry.missing}`).join("; "),
    draw: (svg, width) => drawBars(svg, width, entries(), axis()),
  });
}

// The width of the widest of some texts in a class of style.css.
function widest(svg, texts, className) {
  const probe = svg.append("text").attr("class", className);
  const width = d3.max(texts, (text) => probe.text(text).node().getComputedTextLength()) || 0;
  probe.remove();
  return width;
}

const ratioClass = (entry) => {
  if (!entry.ratio || !policyStyles[entry.index].isOurs) return "";
  return entry.ratio.mean > 1.0005 ? "loss" : entry.ratio.mean < 0.9995 ? "win" : "";
};

function drawBars(svg, width, entries, axis) {
  const isBeside = width >= kBesideBars;
  const row = barRow(width);
  const kBar = isBeside ? 20 : 15;
  const ratioText = (entry) => (entry.ratio ? `${ratio(entry.ratio.mean)}` : "");
  const ratioWidth = widest(svg, entries.map(ratioText), "bar-value bold");
  const left = isBeside ? Math.min(0.34 * width, 12 + widest(svg, entries.map((e) => policyName(e.index)), "bar-name"))
    : 8;
  const right = isBeside
    ? width - 26 - ratioWidth - widest(svg, entries.map((e) => (e.values ? axis.text(e) : "")), "bar-value bold")
    : width - 14;
  const x = d3.scaleLinear().domain([0, axis.largest]).range([left, right]);
  if (!axis.isWhole) x.nice(10);
  const height = row * entries.length;
  xAxis(svg, x, { top: kBarTop, height, label: axis.label, ticks: Math.max(3, (right - left) / 90) });
  const at = (value) => x(axis.of(value));
  const topOf = (i) => kBarTop + i * row;
  const group = (entry) => svg.append("g").attr("class", policyStyles[entry.index].isOurs ? "bar ours" : "bar");
  entries.forEach((entry, i) => {
    if (!entry.values) return;
    const g = group(entry);
    const top = isBeside ? topOf(i) + (row - kBar) / 2 : topOf(i) + 22;
    const bar = (className, spreadOf) => g.append("rect").attr("class", className).attr("x", left).attr("y", top)
      .attr("width", Math.max(1, at(spreadOf.mean) - left)).attr("height", kBar)
      .style("fill", policyStyles[entry.index].color);
    bar(entry.full ? "mark pale" : "mark", entry.values);
    if (entry.full) bar("full", entry.full);
    if (entry.values.values.length === 1) return;
    const middle = top + kBar / 2;
    g.append("path").attr("class", "whisker").attr("d", `M${at(entry.values.least)},${middle - 6}v12`
      + `m0,-6H${at(entry.values.largest)}m0,-6v12`);
    g.selectAll("circle").data(entry.values.values).enter().append("circle").attr("class", "seed")
      .attr("r", 2.6).attr("cx", at).attr("cy", middle);
  });
  if (axis.reference) {
    svg.append("line").attr("class", "reference").attr("x1", at(axis.reference)).attr("x2", at(axis.reference))
      .attr("y1", kBarTop - 4).attr("y2", kBarTop + height);
  }
  // Above bars and lines, so that all of it can be read.
  entries.forEach((entry, i) => {
    const g = group(entry);
    const y = isBeside ? topOf(i) + row / 2 + 4.5 : topOf(i) + 15;
    const value = g.append("text").attr("class", entry.values ? "bar-value" : "bar-value none").attr("y", y)
      .text(entry.values ? axis.text(entry) : entry.missing);
    const multiple = g.append("text").attr("class", `bar-value ${ratioClass(entry)}`).attr("x", width - 2)
      .attr("y", y).attr("text-anchor", "end").text(ratioText(entry));
    const multipleWidth = multiple.node().getComputedTextLength();
    if (isBeside && !entry.values) value.attr("x", left + 6);
    else {
      value.attr("text-anchor", "end")
        .attr("x", width - 2 - (isBeside ? ratioWidth + 6 : multipleWidth && multipleWidth + 6));
    }
    const name = g.append("text").attr("class", "bar-name").attr("y", y).attr("x", isBeside ? left - 8 : 2)
      .attr("text-anchor", isBeside ? "end" : "start");
    fitName(name, policyName(entry.index), isBeside ? left - 10
      : width - 18 - value.node().getComputedTextLength() - multipleWidth);
  });
}
