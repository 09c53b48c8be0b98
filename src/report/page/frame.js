// What all charts share: a figure with a title, a drawing that follows the page's width, axes with
// units, a cursor that works by pointer and by keyboard, and a table that says the same.

const page = document.getElementById("page");

function section(id, title, lead) {
  const node = element("section", { id, "aria-labelledby": `${id}-title` },
    element("h2", { id: `${id}-title` }, title));
  if (lead) node.append(element("p", { class: "lead" }, lead));
  page.append(node);
  return node;
}

// A figure whose `draw(svg, width)` is called again whenever the width or `redraw` says so.
// `describe()` is the chart in a sentence for those who do not see it; `table()` gives
// {head, rows} and is called when somebody opens it.
function figure(parent, { id, title, note, hint, height, describe, draw, table }) {
  const svg = d3.create("svg").attr("role", "img").attr("class", "chart");
  const controls = element("div", { class: "controls" });
  const readout = element("p", { class: "readout", "aria-live": "polite" }, hint || "");
  const holder = element("div", { class: "holder" }, svg.node());
  const caption = element("figcaption", {}, element("h3", {}, title));
  if (note) caption.append(element("p", { class: "note" }, note));
  const foot = element("div", { class: "foot" });
  if (hint) foot.append(readout);
  if (table) foot.append(lazyTable("As a table", title, table));
  const node = element("figure", { id }, caption, controls, holder, foot);
  parent.append(node);

  let width = 0;
  const redraw = () => {
    if (width === 0) return;
    svg.selectAll("*").remove();
    const tall = typeof height === "function" ? height(width) : height;
    svg.attr("viewBox", `0 0 ${width} ${tall}`).attr("aria-label", `${title}. ${describe()}`);
    draw(svg, width, tall);
  };
  new ResizeObserver(() => {
    const now = Math.round(holder.clientWidth);
    // A moment of layout can be narrower than any margin.
    if (now === width || now < 150) return;
    width = now;
    redraw();
  }).observe(holder);
  return { node, svg, controls, holder, redraw, say: (text) => { readout.textContent = text; } };
}

// A labelled choice; `onChange(value)` gets the option's value.
function choice(controls, label, options, selected, onChange) {
  if (options.length < 2) return;
  const select = element("select");
  for (const { value, text } of options) {
    select.append(element("option", { value, selected: String(value) === String(selected) }, text));
  }
  select.addEventListener("change", () => onChange(select.value));
  controls.append(element("label", {}, `${label} `, select));
}

function button(controls, text, label, onClick) {
  const node = element("button", { type: "button", "aria-label": label, title: label }, text);
  node.addEventListener("click", onClick);
  controls.append(node);
  return node;
}

// At `values`, if there are few enough of them.
function xAxis(svg, scale, { top, height, label, ticks, values, format, grid = true }) {
  const axis = d3.axisBottom(scale).ticks(ticks, format).tickSizeOuter(0);
  if (values && values.length <= ticks) axis.tickValues(values).tickFormat((value) => number(value));
  if (typeof format === "function") axis.tickFormat(format);
  const g = svg.append("g").attr("class", "axis").attr("transform", `translate(0,${top + height})`)
    .call(axis);
  if (grid) g.selectAll(".tick line").clone().attr("class", "grid").attr("y2", -height);
  const [left, right] = scale.range();
  g.append("text").attr("class", "axis-label").attr("x", (left + right) / 2).attr("y", 34)
    .attr("text-anchor", "middle").text(label);
}

function yAxis(svg, scale, { left, width, label, ticks, format }) {
  const axis = d3.axisLeft(scale).ticks(ticks).tickSizeOuter(0);
  if (format) axis.tickFormat(format);
  const g = svg.append("g").attr("class", "axis").attr("transform", `translate(${left},0)`).call(axis);
  g.selectAll(".tick line").clone().attr("class", "grid").attr("x2", width);
  if (label) {
    // Above the axis and level, so that nobody has to turn the head.
    g.append("text").attr("class", "axis-label").attr("x", -left + 2)
      .attr("y", d3.min(scale.range()) - 10).attr("text-anchor", "start").text(label);
  }
}

// A vertical line over [left, right] that follows the pointer, a finger and the arrow keys;
// `tell(x in pixels)` says what is there.
function cursor(fig, { left, right, top, height, tell, steps = 60 }) {
  const line = fig.svg.append("line").attr("class", "cursor").attr("y1", top).attr("y2", top + height)
    .style("display", "none");
  let at = left;
  const move = (x) => {
    at = Math.max(left, Math.min(right, x));
    line.attr("x1", at).attr("x2", at).style("display", null);
    fig.say(tell(at));
  };
  const area = fig.svg.append("rect").attr("class", "pointer-area").attr("x", left).attr("y", top)
    .attr("width", Math.max(0, right - left)).attr("height", height);
  const node = fig.svg.node();
  const fromEvent = (event) => {
    const box = node.getBoundingClientRect();
    move((event.clientX - box.left) * (node.viewBox.baseVal.width / box.width));
  };
  area.node().addEventListener("pointermove", fromEvent);
  area.node().addEventListener("pointerdown", fromEvent);
  node.setAttribute("tabindex", "0");
  node.onkeydown = (event) => {
    const step = (right - left) / steps;
    const to = { ArrowLeft: at - step, ArrowRight: at + step, Home: left, End: right }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(to);
  };
}
