// Line charts: one line a policy, with a band from the least to the largest value where there is one.

const kCursorHint = "Point at the chart, or select it and use the arrow keys, to read values.";

// `lines()` gives {x: {label, text, log, domain, values}, y: {label, text, domain, range, mark}, step, dots,
// lines: [{policy, points: [{x, y, least, largest}]}]}, points sorted by x. Axes of y begin at zero unless
// there is a `range`, which the label then says; `values` are all that there are of x, `mark` is a line across.
function lineFigure(parent, { id, title, note, height = 300, lines, controls }) {
  const fig = figure(parent, {
    id, title, note, height, hint: kCursorHint,
    describe: () => {
      const { lines: all, y } = lines();
      return all.map((line) => {
        const values = line.points.map((p) => p.y);
        return `${policyName(line.policy)}: ${y.text(d3.min(values))} to ${y.text(d3.max(values))}`;
      }).join("; ") || "No data";
    },
    table: () => {
      const { lines: all, x, y } = lines();
      const hasBand = all.some((line) => line.points.some((p) => p.least !== undefined));
      return {
        head: ["policy", `>${x.label}`, `>${y.label}`, ...(hasBand ? [">least", ">largest"] : [])],
        rows: all.flatMap((line) => line.points.map((p) => [policyName(line.policy), number(p.x, 6),
          number(p.y, 5), ...(hasBand ? [number(p.least, 5), number(p.largest, 5)] : [])])),
      };
    },
    draw: (svg, width, tall) => drawLines(fig, svg, width, tall, lines()),
  });
  if (controls) controls(fig);
  const keys = element("div");
  fig.holder.before(keys);
  const redraw = fig.redraw;
  // What is there may change with what is chosen.
  fig.redraw = () => {
    keys.replaceChildren(legend(lines().lines.map((line) => line.policy), fig.svg));
    redraw();
  };
  fig.redraw();
  return fig;
}

const nearest = (values, to) => values.reduce((best, value) => (
  Math.abs(value - to) < Math.abs(best - to) ? value : best));

function drawLines(fig, svg, width, tall, { x, y, step, dots, lines }) {
  const margin = { left: 52, right: 14, top: 26, bottom: 42 };
  const right = width - margin.right;
  const bottom = tall - margin.bottom;
  const points = lines.flatMap((line) => line.points);
  if (points.length === 0) {
    svg.append("text").attr("x", width / 2).attr("y", tall / 2).attr("text-anchor", "middle")
      .text("nothing to show");
    return;
  }
  const positive = points.map((p) => p.x).filter((value) => value > 0);
  const scaleX = x.log
    ? d3.scaleLog().domain([d3.min(positive), d3.max(positive)]).range([margin.left, right]).clamp(true)
    : d3.scaleLinear().domain(x.domain || [0, d3.max(points, (p) => p.x)]).range([margin.left, right]);
  const scaleY = d3.scaleLinear().range([bottom, margin.top])
    .domain(y.domain || y.range || [0, d3.max(points, (p) => (p.largest === undefined ? p.y : p.largest)) || 1]);
  if (!y.domain) scaleY.nice();
  xAxis(svg, scaleX, { top: margin.top, height: bottom - margin.top, ticks: Math.max(3, width / 100),
    label: x.log ? `${x.label}, logarithmic` : x.label, values: x.values,
    format: x.log ? (value) => (/^1/.test(value.toExponential()) ? number(value) : "") : undefined });
  yAxis(svg, scaleY, { left: margin.left, width: right - margin.left, label: y.label, ticks: 6 });

  if (y.mark !== undefined) {
    svg.append("line").attr("class", "reference").attr("x1", margin.left).attr("x2", right)
      .attr("y1", scaleY(y.mark)).attr("y2", scaleY(y.mark));
  }

  const curve = step ? d3.curveStepAfter : d3.curveLinear;
  const toX = (p) => scaleX(x.log ? Math.max(p.x, scaleX.domain()[0]) : p.x);
  // Flex-MIG last, so that nothing lies over it.
  for (const line of [...lines].sort((a, b) => policyStyles[a.policy].isOurs - policyStyles[b.policy].isOurs)) {
    const style = policyStyles[line.policy];
    const g = svg.append("g").attr("class", "line").attr("data-policy", line.policy);
    if (line.points.some((p) => p.least !== undefined && p.largest > p.least)) {
      g.append("path").attr("class", "band").style("fill", style.color)
        .attr("d", d3.area().curve(curve).x(toX).y0((p) => scaleY(p.least)).y1((p) => scaleY(p.largest))(line.points));
    }
    g.append("path").attr("class", "mark").style("stroke", style.color)
      .style("stroke-width", style.width).style("stroke-dasharray", style.dash)
      .attr("d", d3.line().curve(curve).x(toX).y((p) => scaleY(p.y))(line.points));
    if (dots) {
      g.selectAll("circle").data(line.points).enter().append("circle").attr("r", 3.2)
        .style("fill", style.color).attr("cx", toX).attr("cy", (p) => scaleY(p.y));
    }
  }
  const find = d3.bisector((p) => p.x);
  cursor(fig, {
    left: margin.left, right, top: margin.top, height: bottom - margin.top,
    tell: (pixel) => {
      const under = scaleX.invert(pixel);
      const value = x.values ? nearest(x.values, under) : under;
      const at = lines.map((line) => {
        const after = (find.right || find.bisectRight)(line.points, value);
        const before = line.points[Math.max(0, after - 1)];
        const next = line.points[Math.min(after, line.points.length - 1)];
        const near = step || value - before.x < next.x - value ? before : next;
        const isOver = step && after === line.points.length && value > before.x;
        return isOver ? null : `${policyName(line.policy)} ${y.text(near.y)}`;
      });
      return `At ${x.text(value)}: ${at.filter(Boolean).join(" · ") || "all runs are over"}`;
    },
  });
}
