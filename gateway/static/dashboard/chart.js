/* A small chart of the rows that are loaded, and no others: the highest scores, or the largest groups. */

import { h } from "./dom.js";
import { count, plural, score } from "./words.js";

const MOST_BARS = 12;

/* `told` says which rows are loaded. Null where there is nothing to draw. */
export function chartOf(kind, rows, told) {
  const scored = rows.filter((row) => typeof row.value === "number");
  if (kind === "VERTEX_VALUES" || (kind === "EDGES" && scored.length)) return scores(scored, told);
  if (kind === "VERTEX_GROUPS") return groups(rows, told);
  return null;
}

function scores(rows, told) {
  const top = [...rows].sort((one, other) => other.value - one.value).slice(0, MOST_BARS);
  const bars = top.map((row) => [row.vertexId ?? `${row.sourceId} → ${row.targetId}`, row.value, score(row.value)]);
  return figure(`Highest ${plural(bars.length, "value")}`, told, bars);
}

function groups(rows, told) {
  const sizes = new Map();
  for (const id of rows.flatMap((row) => row.groupIds ?? [])) sizes.set(id, (sizes.get(id) ?? 0) + 1);
  const top = [...sizes].sort(([, one], [, other]) => other - one).slice(0, MOST_BARS);
  const what = sizes.size > top.length ? `Largest ${top.length} of ${plural(sizes.size, "group")}` : plural(sizes.size, "group");
  return figure(`${what}, by vertices`, told, top.map(([id, size]) => [`Group ${id}`, size, count(size)]));
}

/* A list, so that it reads well aloud; the bars are drawn beside the numbers. Negative values have no bar. */
function figure(title, told, bars) {
  const most = Math.max(...bars.map(([, value]) => value), 0);
  if (bars.length < 2) return null;
  const items = bars.map(([label, value, text]) => {
    const bar = h("span", { class: "bar-fill" });
    bar.style.inlineSize = `${most > 0 ? Math.max((value / most) * 100, 0) : 0}%`;
    return h("li", {}, h("span", { class: "bar-label", title: label }, label), h("span", { class: "bar-track", "aria-hidden": "true" }, bar), h("span", { class: "bar-value" }, text));
  });
  const caption = h("figcaption", {}, h("strong", {}, title), h("span", { class: "note" }, ` of the rows shown below only (${told})`));
  return h("figure", { class: "chart" }, caption, h("ol", {}, items));
}
