/* Triage of an import: how much was loaded, and for each file what failed, why, and where the log lies. */

import { classOf, h, table, terms } from "./dom.js";
import { badge, count, plural } from "./words.js";

const COLUMNS = [
  { title: "Status" },
  { title: "File" },
  { title: "Lines", isNumber: true },
  { title: "Failed", isNumber: true },
  { title: "Cause", className: "prose" },
  { title: "Log" },
];
const WORST_FIRST = ["FAILED", "PARTIALLY_FAILED", "UNKNOWN", "SUCCEEDED"];

export function importSection({ totals, files }) {
  const sorted = [...files].sort((one, other) => WORST_FIRST.indexOf(one.status) - WORST_FIRST.indexOf(other.status));
  return h(
    "section",
    { class: "card", "aria-labelledby": "import-title" },
    h("div", { class: "padded" }, h("h2", { id: "import-title" }, "Import"), sums(totals)),
    table("Files of the import, failed ones first", COLUMNS, sorted.map(row)),
  );
}

function sums(totals) {
  const ended = [
    [totals.filesSucceeded, "succeeded"],
    [totals.filesPartiallyFailed, "partly failed"],
    [totals.filesFailed, "failed"],
  ];
  const told = ended.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`);
  const left = totals.filesWithoutCounts;
  return [
    terms(
      [
        ["Files", [h("b", {}, count(totals.files)), told.length > 0 && ` ${told.join(", ")}`]],
        ["Lines read", h("b", {}, count(totals.totalLines))],
        ["Lines loaded", h("b", {}, count(totals.successfulLines))],
        ["Lines failed", [h("b", { class: totals.failedLines ? "bad" : null }, count(totals.failedLines)), share(totals)]],
      ],
      "facts sums",
    ),
    left > 0 && h("p", { class: "note" }, `The sums leave out ${plural(left, "file")} of which GES reports no counts.`),
  ];
}

function share({ failedLines, totalLines }) {
  if (!failedLines || !totalLines) return null;
  return ` ${((failedLines / totalLines) * 100).toPrecision(2)} %`;
}

function row(file) {
  const lines = file.totalLines === null ? "–" : count(file.totalLines);
  const failed = file.failedLines === null ? "–" : count(file.failedLines);
  const cells = [
    badge(file.status),
    [h("code", {}, file.path), h("span", { class: "about" }, file.kind.toLowerCase())],
    lines,
    file.failedLines ? h("b", { class: "bad" }, failed) : failed,
    file.cause ?? "–",
    file.logPath ? h("code", {}, file.logPath) : "–",
  ];
  return h("tr", {}, cells.map((cell, at) => h(at === 1 ? "th" : "td", { class: classOf(COLUMNS[at]), scope: at === 1 && "row" }, cell)));
}
