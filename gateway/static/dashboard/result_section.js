/* The result of a job: its values, one page of its rows as a table, a chart of what is loaded, and the way to all. */

import { announce, classOf, fill, h, say, table, terms } from "./dom.js";
import { chartOf } from "./chart.js";
import { exportButtons } from "./exporting.js";
import { askFor } from "./live.js";
import { RESULT } from "./operations.js";
import { problemBoard } from "./problems.js";
import { columnsOf } from "./result_columns.js";
import { count, inline, plural, RESULT_KINDS } from "./words.js";

const SIZES = [25, 100, 500];

export function resultSection(job, shell) {
  const board = problemBoard();
  const about = h("p", { class: "note" });
  const [values, chart, rows] = Array.from({ length: 3 }, () => h("div"));
  const pager = pagerOf((offset) => load(offset, true));
  const exports = h("div", { class: "actions" });
  const element = h(
    "section",
    { class: "card", "aria-labelledby": "result-title", hidden: true },
    h("div", { class: "padded heading" }, h("div", {}, h("h2", { id: "result-title" }, "Result"), about), exports),
    h("div", { class: "padded" }, board.element, values, chart),
    rows,
    pager.element,
  );

  async function load(offset, isMoved) {
    rows.setAttribute("aria-busy", "true");
    const data = await askFor(RESULT, { id: job.id, first: pager.size(), offset }, (problems, error) => {
      shell.refused(error) || board.set(problems);
      element.hidden = problems.length === 0;
    });
    rows.removeAttribute("aria-busy");
    if (!data?.job.result) return;
    element.hidden = false;
    show(data.job.result, offset);
    if (isMoved) announce(pager.told());
  }

  function show(result, offset) {
    const { nodes, totalCount, pageInfo } = result.rows;
    const total = totalCount ?? result.totalCount;
    const size = total === null ? "" : `, ${plural(total, "row")}`;
    say(about, [result.algorithm, RESULT_KINDS[result.kind] + size].filter(Boolean).join(": "));
    fill(values, result.values.length > 0 && terms(result.values.map(({ name, value }) => [name, inline(value)])));
    pager.set({ offset, shown: nodes.length, total, hasNext: pageInfo.hasNextPage });
    fill(chart, chartOf(result.kind, nodes, pager.told()));
    fill(rows, nodes.length > 0 && rowsTable(result.kind, nodes));
    if (!exports.firstChild && total > 0) fill(exports, exportButtons(job, result, shell));
  }

  load(0, false);
  return element;
}

function rowsTable(kind, nodes) {
  const columns = columnsOf(kind, nodes);
  const cell = (column, row) => h("td", { class: classOf(column) }, column.cell(row));
  return table("Rows of the result", columns, nodes.map((row) => h("tr", {}, columns.map((column) => cell(column, row)))));
}

function pagerOf(go) {
  const state = { offset: 0, shown: 0, total: null, hasNext: false };
  const range = h("p", { class: "note" });
  const size = h("select", { "aria-label": "Rows on a page", change: () => go(state.offset) }, SIZES.map((number) => h("option", { value: number, selected: number === 100 }, `${number} rows`)));
  const pageSize = () => Number(size.value);
  const lastOffset = () => Math.floor((state.total - 1) / pageSize()) * pageSize();
  const steps = {
    First: () => 0,
    Previous: () => Math.max(state.offset - pageSize(), 0),
    Next: () => state.offset + pageSize(),
    Last: lastOffset,
  };
  const buttons = Object.fromEntries(Object.entries(steps).map(([word, step]) => [word, h("button", { class: "button", type: "button", click: () => go(step()) }, word)]));
  const element = h("nav", { class: "pager padded", "aria-label": "Pages of the result" }, Object.values(buttons), size, range);

  function told() {
    if (state.shown === 0) return "No rows";
    const of = state.total === null ? "" : ` of ${count(state.total)}`;
    return `Rows ${count(state.offset + 1)} to ${count(state.offset + state.shown)}${of}`;
  }

  return {
    element,
    told,
    size: pageSize,
    set(next) {
      Object.assign(state, next);
      say(range, told());
      disable(buttons.First, state.offset === 0);
      disable(buttons.Previous, state.offset === 0);
      disable(buttons.Next, !state.hasNext);
      disable(buttons.Last, state.total === null || state.total === 0 || state.offset >= lastOffset());
      for (const button of Object.values(buttons)) button.hidden = state.offset === 0 && !state.hasNext;
      element.hidden = state.total === 0;
    },
  };
}

/* A button that was just pressed keeps the focus when it is of no use any more. */
function disable(button, isOff) {
  button.setAttribute("aria-disabled", String(isOff));
}
