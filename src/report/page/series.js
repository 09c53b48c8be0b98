// What is recorded over a run, and of its jobs: queue length, distributions, fragmentation, utilisation.

// Windows of a recorded quantity as points of a step line, the end of the last window included; `join` windows
// make a point.
function windowPoints(series, quantity, scaleX, scaleY, join = 1) {
  const { mean: means, least, largest } = series[quantity];
  const points = d3.range(0, means.length, join).map((i) => ({ x: scaleX(series.from + i * series.width),
    y: scaleY(mean(means.slice(i, i + join))), least: scaleY(d3.min(least.slice(i, i + join))),
    largest: scaleY(d3.max(largest.slice(i, i + join))) }));
  if (points.length > 0) points.push({ ...points[points.length - 1], x: scaleX(series.to) });
  return points;
}

function queueFigure(parent, details) {
  const unit = timeUnit(d3.max(details(), (run) => run.detail.by_time.to - run.detail.by_time.from) || 1);
  return lineFigure(parent, {
    id: "queue",
    title: "Queue length",
    note: "Jobs that wait, over time since the first submission. Lines are means over windows of time, bands "
      + "go from the least to the largest value in the window.",
    lines: () => ({
      step: true,
      x: { label: `time [${unit.name}]`, text: (value) => `${number(value)} ${unit.name}` },
      y: { label: "waiting jobs", text: (value) => number(value) },
      lines: details().map((run) => ({ policy: run.policy, points: windowPoints(run.detail.by_time,
        "waiting_jobs", (t) => (t - run.detail.by_time.from) / unit.seconds, (v) => v) })),
    }),
  });
}

function distributionFigure(parent, details, { id, title, field, note }) {
  let log = false;
  const longest = () => d3.max(details().flatMap((run) => run.detail[field])) || 0;
  const unit = () => timeUnit(longest() || 1);
  return lineFigure(parent, {
    id, title, note,
    controls: (fig) => {
      choice(fig.controls, "Time axis", [{ value: "linear", text: "linear, from 0" },
        { value: "log", text: "logarithmic" }], "linear", (value) => {
        log = value === "log";
        fig.redraw();
      });
    },
    lines: () => {
      const u = unit();
      return {
        x: { label: `${title.toLowerCase().includes("wait") ? "wait" : "JCT"} [${u.name}]`, log,
          text: (value) => `${number(value)} ${u.name}` },
        y: { label: "jobs [% of all]", domain: [0, 100], text: (value) => `${number(value)} %` },
        // Jobs that were left out never end: a line without them stays below 100 %.
        lines: details().map((run) => {
          const done = run.summary.jobs_done / (run.summary.jobs_done + run.summary.jobs_left_out);
          const points = run.detail[field].map((value, i, all) => ({ x: value / u.seconds,
            y: ((100 * i) / (all.length - 1)) * done }));
          // On to where the last line ends: a share stays what it is.
          return { policy: run.policy, points: [...points, { x: longest() / u.seconds, y: 100 * done }] };
        }),
      };
    },
  });
}

// What is free changes with every job: 480 windows are a tangle, 120 are lines.
const kJoinedWindows = 4;

function fragmentationFigure(parent, details) {
  let measure = "unusable_slices";
  const total = report.cluster.gpus * report.cluster.compute_slices_per_gpu;
  return lineFigure(parent, {
    id: "fragmentation",
    title: "Fragmentation over arrived demand",
    note: "Free compute slices that a request drawn from the workload's own mix could not use, as arriving "
      + "jobs found them. Arrived demand: slices that all jobs submitted so far had asked for, in multiples "
      + "of the cluster. Memory floors and node borders are not looked at.",
    controls: (fig) => {
      choice(fig.controls, "Share of", [{ value: "unusable_slices", text: "all slices of the cluster" },
        { value: "fragmentation", text: "the slices free at the time" }], measure, (value) => {
        measure = value;
        fig.redraw();
      });
    },
    lines: () => ({
      step: true,
      x: { label: "arrived demand [multiples of the cluster's slices]", text: (value) => number(value) },
      y: { label: measure === "fragmentation" ? "unusable [% of free slices]" : "unusable [% of all slices]",
        domain: measure === "fragmentation" ? [0, 100] : undefined, text: (value) => `${number(value)} %` },
      lines: details().map((run) => ({ policy: run.policy, points: windowPoints(run.detail.by_demand, measure,
        (demand) => demand / total, (v) => (measure === "fragmentation" ? 100 * v : (100 * v) / total),
        kJoinedWindows) })),
    }),
  });
}

// Held and asked slices of each policy in a row of its own: what is asked for is full, what only
// rounding holds is pale.
function utilisationFigure(parent, details) {
  const kRow = 84;
  const total = report.cluster.gpus * report.cluster.compute_slices_per_gpu;
  const span = () => d3.max(details(), (run) => run.detail.by_time.to - run.detail.by_time.from) || 1;
  const share = (values) => values.map((value) => (100 * value) / total);
  const fig = figure(parent, {
    id: "utilisation",
    title: "Utilisation",
    hint: kCursorHint,
    note: "Compute slices of all GPUs, means over windows of time since the first submission. Full: held by "
      + "jobs that asked for them. Pale: held, but lost to rounding up. Empty: idle, out of service, or not in "
      + "the layout. A row ends when its last job does.",
    height: () => kRow * details().length + 46,
    describe: () => details().map((run) => `${policyName(run.policy)}: held ${percent(run.summary.held_utilisation)}, `
      + `asked for ${percent(run.summary.asked_utilisation)}`).join("; "),
    table: () => ({
      head: ["policy", ">from [s]", ">held [%]", ">asked [%]", ">GPUs out of service"],
      rows: details().flatMap((run) => {
        const s = run.detail.by_time;
        return s.held_slices.mean.map((held, i) => [policyName(run.policy), number(i * s.width, 6),
          fixed((100 * held) / total, 1), fixed((100 * s.asked_slices.mean[i]) / total, 1),
          number(s.gpus_out_of_service.mean[i])]);
      }),
    }),
    draw: (svg, width) => {
      const unit = timeUnit(span());
      const left = 48;
      const right = width - 14;
      const x = d3.scaleLinear().domain([0, span() / unit.seconds]).range([left, right]);
      const rows = details();
      xAxis(svg, x, { top: 20, height: kRow * rows.length - 20, label: `time [${unit.name}]`,
        ticks: Math.max(3, width / 110) });
      rows.forEach((run, row) => {
        const series = run.detail.by_time;
        const style = policyStyles[run.policy];
        const top = row * kRow + 22;
        const y = d3.scaleLinear().domain([0, 100]).range([top + kRow - 26, top]);
        const g = svg.append("g").attr("class", "utilisation");
        const value = g.append("text").attr("class", "bar-value").attr("x", right).attr("y", top - 6)
          .attr("text-anchor", "end").text(`held ${percent(run.summary.held_utilisation)}, asked ${
            percent(run.summary.asked_utilisation)}`);
        fitName(g.append("text").attr("class", "bar-name").attr("x", left).attr("y", top - 6),
          policyName(run.policy), right - left - 12 - value.node().getComputedTextLength());
        const at = (i) => x(Math.min(i * series.width, series.to - series.from) / unit.seconds);
        const area = (values) => d3.area().curve(d3.curveStepAfter).x((v, i) => at(i)).y0(y(0)).y1((v) => y(v))(
          [...values, values[values.length - 1]]);
        g.append("path").attr("class", "mark held").style("fill", style.color)
          .attr("d", area(share(series.held_slices.mean)));
        g.append("path").attr("class", "mark asked").style("fill", style.color)
          .attr("d", area(share(series.asked_slices.mean)));
        const axis = g.append("g").attr("class", "axis").attr("transform", `translate(${left},0)`)
          .call(d3.axisLeft(y).tickValues([0, 50, 100]).tickFormat((v) => `${v} %`).tickSizeOuter(0));
        axis.selectAll(".tick line").clone().attr("class", "grid").attr("x2", right - left);
      });
      cursor(fig, {
        left, right, top: 20, height: kRow * rows.length - 24,
        tell: (pixel) => {
          const time = x.invert(pixel) * unit.seconds;
          return `At ${duration(time)}: ${rows.map((run) => {
            const s = run.detail.by_time;
            const i = Math.floor(time / s.width);
            if (time > s.to - s.from || i >= s.held_slices.mean.length) return `${policyName(run.policy)} is over`;
            return `${policyName(run.policy)} held ${number((100 * s.held_slices.mean[i]) / total)} %, asked ${
              number((100 * s.asked_slices.mean[i]) / total)} %`;
          }).join(" · ")}`;
        },
      });
    },
  });
  return fig;
}
