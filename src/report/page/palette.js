// Which policy has which colour, dash and name, everywhere on the page. Colours (style.css) are those
// of Okabe and Ito, darkened or lightened for contrast on the page; dashes say the same without them.

const kDashes = ["", "7 3", "2 3", "9 3 2 3", "4 2", "12 4", "1 2", "6 2 1 2 1 2"];

const kSymbols = [d3.symbolCircle, d3.symbolDiamond, d3.symbolSquare, d3.symbolTriangle, d3.symbolCross,
  d3.symbolStar];

// Flex-MIG is blue and drawn thickest; the others follow in the order asked for.
const policyStyles = (() => {
  let flexmig = 0;
  let other = 0;
  return report.policies.map((policy) => {
    const isOurs = policy.role === "flexmig";
    const index = isOurs ? flexmig++ : other++;
    return {
      color: isOurs ? `var(--ours-${index % 4})` : `var(--series-${index % 7})`,
      symbol: kSymbols[index % kSymbols.length],
      dash: isOurs ? kDashes[index] || "" : kDashes[(index + 1) % kDashes.length],
      width: isOurs ? 2.6 : 1.7,
      isOurs,
    };
  });
})();

const policyName = (index) => report.policies[index].name;

// Long names of layouts are cut in charts, never in tables.
function shortName(name, letters) {
  return name.length <= letters ? name : `${name.slice(0, Math.max(1, letters - 1))}…`;
}

// As much of the name as fits into so many pixels; all of it is in the title. `text`: a d3 selection.
function fitName(text, name, pixels) {
  text.text(name);
  const length = text.node().getComputedTextLength();
  if (length > pixels) text.text(shortName(name, Math.floor((name.length * pixels) / length) - 1));
  text.append("title").text(name);
}

// The runs that lines are about.
let runsOfLines = () => report.runs;

// Lines of policies that did not do every job are about other jobs than the others': said beside them.
function leftOutNote(index) {
  const most = Math.max(0, ...runsOfLines().filter((run) => run.policy === index)
    .map((run) => run.summary.jobs_left_out));
  return most > 0 ? ` (left out ${plural(most, "job")})` : "";
}

// A piece of line, as in the chart `svg`, beside the name; pointing at one lets the other lines fade.
function legend(policies, svg) {
  const list = element("ul", { class: "legend", "aria-label": "Policies" });
  for (const index of policies) {
    const item = element("li", { title: policyName(index) });
    const style = policyStyles[index];
    d3.select(item).append("svg").attr("width", 30).attr("height", 10).attr("aria-hidden", "true")
      .append("line").attr("x1", 1).attr("x2", 29).attr("y1", 5).attr("y2", 5)
      .style("stroke", style.color).style("stroke-width", style.width)
      .style("stroke-dasharray", style.dash);
    item.addEventListener("pointerenter", () => {
      svg.classed("has-hot", true).selectAll(".line").classed("hot", function () {
        return this.dataset.policy === String(index);
      });
    });
    item.addEventListener("pointerleave", () => svg.classed("has-hot", false));
    item.append(element("span", {}, shortName(policyName(index), 44), leftOutNote(index)));
    list.append(item);
  }
  return list;
}

// The sizes of jobs in the Gantt chart: 1 to 7 slices and more, dark to light.
function sizeColor(slices) {
  return `var(--size-${Math.max(1, Math.min(8, slices))})`;
}
