// What every page begins and ends with.

function pageHeader(kicker, facts) {
  page.append(element("header", {},
    element("p", { class: "kicker" }, kicker),
    element("h1", {}, report.title),
    element("p", { class: "facts" }, facts.filter(Boolean).join(" · "))));
}

// A result in large letters and what it is of; `kind`: "win", "loss" or "draw".
function card(kind, big, ...lines) {
  return element("div", { class: `card ${kind}` }, element("p", { class: "big" }, big), ...lines);
}

// How much above or below 1 a multiple is.
function verdictOf(multiple) {
  const change = 100 * (multiple - 1);
  const kind = change < -0.05 ? "win" : change > 0.05 ? "loss" : "draw";
  return { kind, text: kind === "draw" ? "equal" : `${fixed(Math.abs(change), 1)} % ${
    kind === "win" ? "shorter" : "longer"}` };
}

function definitions(pairs) {
  const list = element("dl");
  for (const [name, text] of pairs) list.append(element("dt", {}, name), element("dd", {}, text));
  return list;
}

// How to make this page again.
function origin(more) {
  const words = report.command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word
    : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
  return [element("h3", {}, "Made by"), definitions([["command", element("code", {}, words)],
    ["version", `flexmig ${report.version}`], ...more])];
}
