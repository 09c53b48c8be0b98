// Numbers and times as people read them, and DOM without markup: text of the data is only ever set
// as text.
"use strict";

const report = JSON.parse(document.getElementById("data").textContent);

// An element with attributes and children; strings become text nodes.
function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}

const kTimeUnits = [
  { name: "s", seconds: 1 },
  { name: "min", seconds: 60 },
  { name: "hours", seconds: 3600 },
  { name: "days", seconds: 86400 },
];

// The largest unit of which `seconds` is at least two, so that axes have few digits.
function timeUnit(seconds) {
  return [...kTimeUnits].reverse().find((unit) => seconds >= 2 * unit.seconds) || kTimeUnits[0];
}

// Three significant digits, whole numbers whole: "0.841", "23.2", "231,736".
function number(value, digits = 3) {
  if (value === null || value === undefined || !isFinite(value)) return "–";
  const size = Math.abs(value);
  const decimals = size >= 1000 || Number.isInteger(value) || size === 0
    ? 0 : Math.max(0, Math.min(6, digits - 1 - Math.floor(Math.log10(size))));
  return value.toLocaleString("en-GB", { maximumFractionDigits: decimals });
}

const fixed = (value, decimals) => value === null || value === undefined ? "–"
  : value.toLocaleString("en-GB", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
// So many that numbers up to `largest` have three digits.
const decimalsFor = (largest) => Math.max(0, Math.min(3, 2 - Math.floor(Math.log10(largest || 1))));
const percent = (share) => `${fixed(100 * share, 1)} %`;
const ratio = (value) => value === null || value === undefined ? "–" : `× ${fixed(value, 3)}`;

function duration(seconds) {
  const unit = timeUnit(Math.abs(seconds));
  return `${number(seconds / unit.seconds)} ${unit.name}`;
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const spread = (values) => ({ mean: mean(values), least: Math.min(...values),
  largest: Math.max(...values), values });
const unique = (values) => [...new Set(values)];
const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
