// Who held which memory slices when: one panel a policy, all with the same time axis, and a strip
// below with the whole time from which a part can be cut.

const kLane = 7; // pixels a memory slice
const kGpuGap = 5;
const kPanelGap = 30;

function ganttFigure(parent, details) {
  const runs = () => details().filter((run) => run.detail.gantt.gpus > 0);
  if (runs().length === 0) return null;
  const ours = runs().find((run) => report.policies[run.policy].role === "flexmig");
  const best = runs().filter((run) => report.policies[run.policy].role === "baseline"
    && run.summary.makespan_over_best_baseline !== null)
    .sort((a, b) => a.summary.makespan_s - b.summary.makespan_s)[0];
  let shown = unique([ours, best, ...runs()].filter(Boolean).map((run) => run.policy)).slice(0, 2);
  let view = null; // [from, to] in seconds, or all
  let picked = null; // the job that is marked, by policy and id

  const panels = () => shown.map((policy) => runs().find((run) => run.policy === policy)).filter(Boolean);
  const start = () => d3.min(panels(), (run) => run.detail.gantt.from_s);
  const all = () => [start(), d3.max(panels(), (run) => run.detail.gantt.to_s)];
  // Where all panels still have everything: what is shown first.
  const common = () => [start(), d3.min(panels(), (run) => run.detail.gantt.to_s)];
  const origin = () => d3.min(panels(), (run) => run.detail.by_time.from);
  const panelHeight = (gantt) => gantt.gpus * (gantt.memory_slices * kLane + kGpuGap);
  const viewNow = () => view || all();
  const endOf = (gantt, job) => (job[5] === null ? gantt.to_s : job[5]);

  const reset = () => { view = panels().some((run) => run.detail.gantt.is_cut) ? common() : null; };
  reset();

  const fig = figure(parent, {
    id: "gantt",
    title: "Slices over time",
    note: "Each row is one memory slice of one GPU, each rectangle the slices that one job holds there; one job "
      + "may have several. Hatched: the GPU is out of service for a new layout. Select a rectangle to see all "
      + "of its job. Drag in the strip below to cut out a time, or use the buttons, or + − ← → 0 on the "
      + "keyboard.",
    height: () => panels().reduce((sum, run) => sum + panelHeight(run.detail.gantt) + kPanelGap, 0) + 112,
    describe: () => panels().map((run) => `${policyName(run.policy)}: ${plural(run.detail.gantt.jobs.length, "job")
      } on GPUs ${run.detail.gantt.first_gpu} to ${run.detail.gantt.first_gpu + run.detail.gantt.gpus - 1}`).join("; "),
    hint: "Point at a rectangle to read about its job.",
    table: () => ({
      head: ["policy", "job", ">GPU", "memory slices", ">leaves", ">asked [slices]", ">held [slices]", ">submit [s]",
        ">start [s]", ">end [s]"],
      rows: panels().flatMap((run) => run.detail.gantt.pieces.map(([j, gpu, first, size, leaves]) => {
        const job = run.detail.gantt.jobs[j];
        return [policyName(run.policy), job[0], String(gpu), size === 1 ? `${first}` : `${first}–${first + size - 1}`,
          String(leaves), number(job[1]), number(job[2]), number(job[3], 9), number(job[4], 9),
          job[5] === null ? "later" : number(job[5], 9)];
      })),
    }),
    draw: (svg, width, tall) => draw(svg, width, tall),
  });

  const setView = (from, to) => {
    const [least, most] = all();
    const span = Math.max((most - least) / 2000, Math.min(most - least, to - from));
    const left = Math.max(least, Math.min(most - span, from));
    view = span >= most - least ? null : [left, left + span];
    fig.redraw();
  };
  const zoom = (factor) => {
    const [from, to] = viewNow();
    const half = ((to - from) * factor) / 2;
    setView((from + to) / 2 - half, (from + to) / 2 + half);
  };
  const pan = (share) => {
    const [from, to] = viewNow();
    setView(from + share * (to - from), to + share * (to - from));
  };
  [0, 1].forEach((place) => {
    if (runs().length <= place) return;
    choice(fig.controls, place === 0 ? "Policies" : "and",
      runs().map((run) => ({ value: run.policy, text: shortName(policyName(run.policy), 40) })), shown[place],
      (value) => {
        shown[place] = Number(value);
        picked = null;
        reset();
        fig.redraw();
      });
  });
  const buttons = element("span", { class: "buttons", role: "group", "aria-label": "Part of the time shown" });
  button(buttons, "+", "Show half of the time", () => zoom(0.5));
  button(buttons, "−", "Show twice the time", () => zoom(2));
  button(buttons, "←", "Earlier", () => pan(-0.5));
  button(buttons, "→", "Later", () => pan(0.5));
  button(buttons, "All", "Show all of the time", () => { view = null; fig.redraw(); });
  fig.controls.append(buttons);
  fig.holder.before(sizeLegend());
  const node = fig.svg.node();
  node.setAttribute("tabindex", "0");
  node.addEventListener("keydown", (event) => {
    const act = { "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), ArrowLeft: () => pan(-0.25),
      ArrowRight: () => pan(0.25), 0: () => { view = null; fig.redraw(); } }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });

  function draw(svg, width) {
    const left = 46;
    const right = width - 14;
    const [from, to] = viewNow();
    const unit = timeUnit(to - origin());
    const scaled = (seconds) => (seconds - origin()) / unit.seconds;
    const x = d3.scaleLinear().domain([scaled(from), scaled(to)]).range([left, right]);
    svg.append("defs").html('<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
      + 'patternTransform="rotate(45)"><rect width="6" height="6" class="hatch-ground"/><line y2="6" class="hatch"/>'
      + '</pattern><clipPath id="gantt-clip"><rect/></clipPath>');
    svg.select("#gantt-clip rect").attr("x", left).attr("y", 0).attr("width", right - left).attr("height", 1e6);
    let top = kPanelGap - 6;
    for (const run of panels()) {
      drawPanel(svg, run, { x, left, right, top, from, to, scaled });
      top += panelHeight(run.detail.gantt) + kPanelGap;
    }
    const bottom = top - kPanelGap + 2;
    xAxis(svg, x, { top: 0, height: bottom, label: `time since the first submission [${unit.name}]`,
      ticks: Math.max(3, width / 110), grid: false });
    drawStrip(svg, { top: bottom + 50, left, right, scaled });
    mark();
  }

  function drawPanel(svg, run, { x, left, right, top, from, to, scaled }) {
    const gantt = run.detail.gantt;
    const rowOf = (gpu) => top + (gpu - gantt.first_gpu) * (gantt.memory_slices * kLane + kGpuGap);
    const total = report.cluster.gpus;
    const which = svg.append("text").attr("class", "bar-value").attr("x", right).attr("y", top - 8)
      .attr("text-anchor", "end").text(gantt.gpus < total
        ? `GPUs ${gantt.first_gpu}–${gantt.first_gpu + gantt.gpus - 1} of ${total}` : "all GPUs");
    fitName(svg.append("text").attr("class", "bar-name").attr("x", left).attr("y", top - 8), policyName(run.policy),
      right - left - 12 - which.node().getComputedTextLength());
    const g = svg.append("g").attr("class", "gantt").attr("clip-path", "url(#gantt-clip)");
    for (let gpu = gantt.first_gpu; gpu < gantt.first_gpu + gantt.gpus; ++gpu) {
      g.append("rect").attr("class", "ground").attr("x", left).attr("y", rowOf(gpu)).attr("width", right - left)
        .attr("height", gantt.memory_slices * kLane);
      svg.append("text").attr("class", "gpu-name").attr("x", left - 5)
        .attr("y", rowOf(gpu) + (gantt.memory_slices * kLane) / 2 + 4).attr("text-anchor", "end").text(`GPU ${gpu}`);
    }
    const isSeen = (start, end) => end > from && start < to;
    const place = (selection, start, end) => selection
      .attr("x", (d) => x(scaled(Math.max(start(d), from))))
      .attr("width", (d) => Math.max(0.6, x(scaled(Math.min(end(d), to))) - x(scaled(Math.max(start(d), from)))));
    place(g.selectAll("rect.outage").data(gantt.outages.filter((o) => isSeen(o[1], o[2]))).enter().append("rect")
      .attr("class", "outage").attr("y", (o) => rowOf(o[0])).attr("height", gantt.memory_slices * kLane),
    (o) => o[1], (o) => o[2]);
    const pieces = gantt.pieces.map((piece) => ({ piece, job: gantt.jobs[piece[0]], run }))
      .filter(({ job }) => isSeen(job[4], endOf(gantt, job)));
    place(g.selectAll("rect.piece").data(pieces).enter().append("rect").attr("class", "piece")
      .attr("y", ({ piece }) => rowOf(piece[1]) + piece[2] * kLane + 0.5)
      .attr("height", ({ piece }) => piece[3] * kLane - 1)
      .style("fill", ({ job }) => sizeColor(job[1]))
      .on("click", function () { pick(d3.select(this).datum()); })
      .on("mouseenter", function () { tell(d3.select(this).datum()); }),
    ({ job }) => job[4], ({ job }) => endOf(gantt, job));
    const end = run.detail.by_time.to;
    const note = gantt.is_cut ? [gantt.to_s, "not recorded beyond"] : [end, "last job ends"];
    if (note[0] < to && note[0] > from) {
      g.append("line").attr("class", "end").attr("x1", x(scaled(note[0]))).attr("x2", x(scaled(note[0])))
        .attr("y1", top).attr("y2", rowOf(gantt.first_gpu + gantt.gpus) - kGpuGap);
      const isLate = x(scaled(note[0])) > right - 130;
      g.append("text").attr("class", "end-note").attr("x", x(scaled(note[0])) + (isLate ? -5 : 5)).attr("y", top + 14)
        .attr("text-anchor", isLate ? "end" : "start").text(note[1]);
    }
  }

  // Held slices of the first panel's run over the whole time, and a brush over it.
  function drawStrip(svg, { top, left, right, scaled }) {
    const kHeight = 36;
    const [least, most] = all();
    const run = panels()[0];
    const x = d3.scaleLinear().domain([least, most]).range([left, right]);
    const y = d3.scaleLinear().domain([0, report.cluster.gpus * report.cluster.compute_slices_per_gpu])
      .range([top + kHeight, top]);
    const points = windowPoints(run.detail.by_time, "held_slices", (t) => t, (v) => v)
      .filter((p) => p.x >= least).map((p) => ({ ...p, x: Math.min(p.x, most) }));
    svg.append("rect").attr("class", "ground").attr("x", left).attr("y", top).attr("width", right - left)
      .attr("height", kHeight);
    svg.append("path").attr("class", "strip").attr("d", d3.area().curve(d3.curveStepAfter).x((p) => x(p.x))
      .y0(y(0)).y1((p) => y(p.y))(points));
    const brush = d3.brushX().extent([[left, top], [right, top + kHeight]]);
    const g = svg.append("g").attr("class", "brush").call(brush);
    if (view) g.call(brush.move, view.map(x));
    // d3 5 has the event in a global, later versions hand it over.
    brush.on("end", (event) => {
      const { sourceEvent, selection } = event && event.type ? event : d3.event;
      if (!sourceEvent) return;
      if (selection) setView(...selection.map(x.invert));
      else { view = null; fig.redraw(); }
    });
    svg.append("text").attr("class", "gpu-name").attr("x", left - 5).attr("y", top + 22).attr("text-anchor", "end")
      .text("held");
  }

  function describeJob({ job, run }) {
    const gantt = run.detail.gantt;
    const pieces = gantt.pieces.filter((piece) => gantt.jobs[piece[0]] === job);
    const leaves = pieces.reduce((sum, piece) => sum + piece[4], 0);
    const gpus = unique(pieces.map((piece) => piece[1]));
    const since = (seconds) => duration(seconds - origin());
    return `${policyName(run.policy)}: job ${job[0]} asked for ${plural(job[1], "slice")}, holds ${
      plural(job[2], "slice")}, here ${plural(leaves, "instance")} on GPU ${gpus.join(", ")}; submitted at ${since(job[3])}, started at ${since(job[4])} after ${
      duration(job[4] - job[3])} of waiting, ${job[5] === null ? "ends later than shown"
      : `ran for ${duration(job[5] - job[4])}`}.`;
  }
  function tell(datum) {
    if (!picked) fig.say(describeJob(datum));
  }
  function pick(datum) {
    picked = picked && picked.job === datum.job ? null : datum;
    if (picked) fig.say(describeJob(picked));
    mark();
  }
  function mark() {
    fig.svg.classed("has-picked", picked !== null);
    fig.svg.selectAll("rect.piece").classed("picked", (d) => picked !== null && d.job === picked.job);
  }
  return fig;
}

function sizeLegend() {
  const list = element("ul", { class: "legend", "aria-label": "Slices that a job asked for" },
    element("li", {}, "asked for"));
  for (let slices = 1; slices <= 8; ++slices) {
    const item = element("li", {}, element("span", { class: "swatch", style: `background:${sizeColor(slices)}` }),
      slices === 8 ? "8 or more slices" : String(slices));
    list.append(item);
  }
  return list;
}
