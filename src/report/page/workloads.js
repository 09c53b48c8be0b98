// The workloads of a comparison: what they differ in, how they are called, which one is shown.

const kFieldLabels = { trace: "Trace", model: "Board", cluster: "Cluster",
  span_nodes: "Jobs over nodes", mapping: "Size mapping",
  multi_gpu: "Multi-GPU jobs", resample: "Resampling", load: "Load", class: "Speed class", oversize: "Slices beyond the request",
  queue: "Queue", costs: "Cost of reconfiguring", alloc: "Choice of leaves" };
// Of made-up traces only the parts in which they differ.
const kGenerate = "generate:";
const generated = (() => {
  const all = unique(report.workloads.map((values) => values[report.fields.indexOf("trace")] || ""))
    .filter((trace) => trace.startsWith(kGenerate)).map((trace) => trace.slice(kGenerate.length).split(","));
  return (value) => value.split(",").filter((part) => !all.every((parts) => parts.includes(part))).join(",") || value;
})();
const traceText = (value) => (value.startsWith(kGenerate) ? `generated ${generated(value.slice(kGenerate.length))}`
  : value.slice(value.lastIndexOf("/") + 1).replace(/\.csv(\.gz)?$/, ""));
const kFieldTexts = {
  trace: traceText,
  cluster: (value) => (/^\d+$/.test(value) ? plural(Number(value), "GPU") : `${value.replace("x", " × ")} GPUs`),
  span_nodes: (value) => ({ "": "one node", no: "none", wide: "those wider than a node" }[value] || value),
  load: (value) => (value === "" ? "the trace's own" : value),
  costs: (value) => (value === "" ? "as measured" : value),
  oversize: (value) => ({ same: "do not help", faster: "help" }[value] || value),
};
const fieldLabel = (field) => kFieldLabels[field] || field;
const fieldText = (field, value) => (kFieldTexts[field] ? kFieldTexts[field](value) : value || "as given");

const seeds = unique(report.runs.map((run) => run.seed));
const workloads = report.workloads.map((values, index) => ({ index, runs: [],
  of: Object.fromEntries(report.fields.map((field, i) => [field, values[i]])) }));
report.runs.forEach((run) => workloads[run.workload].runs.push(run));

const valuesOf = (field) => unique(workloads.map((workload) => workload.of[field]))
  .sort((a, b) => a - b || a.localeCompare(b, "en", { numeric: true }));
// In the order of report.fields.
const differing = report.fields.filter((field) => valuesOf(field).length > 1);
const common = report.fields.filter((field) => valuesOf(field).length === 1);

// "3 traces"; for fields without a noun "2 values of speed class".
function countText(field) {
  const count = valuesOf(field).length;
  const label = fieldLabel(field).toLowerCase();
  return ["trace", "model", "cluster", "load", "queue"].includes(field) ? plural(count, label)
    : `${count} values of ${label}`;
}

// Only what tells it from the others: "miso100 · 8 GPUs · load 1.3".
function workloadName(workload, fields = differing) {
  return fields.map((field) => {
    const text = fieldText(field, workload.of[field]);
    if (field === "trace" || field === "cluster" || field === "model") return text;
    return `${fieldLabel(field).toLowerCase()} ${text}`;
  }).join(" · ") || fieldText("trace", workload.of.trace);
}

// The one of `field` = `value` that is most like `workload`; not every combination need have been run.
function likeWith(workload, field, value) {
  const likeness = (other) => differing.filter((f) => other.of[f] === workload.of[f]).length;
  return workloads.filter((other) => other.of[field] === value)
    .reduce((best, other) => (likeness(other) > likeness(best) ? other : best));
}

// The same workload at all loads, by load; without those at the trace's own.
function atAllLoads(workload) {
  return workloads.filter((other) => Number(other.of.load) > 0
    && report.fields.every((field) => field === "load" || other.of[field] === workload.of[field]))
    .sort((a, b) => a.of.load - b.of.load);
}
