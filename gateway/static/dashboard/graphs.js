/* The list of graphs at the side, and how the planes do, in the bar on top. */

import { fill, h } from "./dom.js";
import { askFor, repeat } from "./live.js";
import { FIND_GRAPH, GRAPHS, HEALTH } from "./operations.js";
import { problemBoard } from "./problems.js";
import { graphState, mark, PLANES, plural } from "./words.js";

const CIRCUITS = { CLOSED: "answers", HALF_OPEN: "being tried again", OPEN: "failing, left alone" };

/* Fills the navigation; `current(id)` marks where the reader is. */
export function graphsNav(element, shell) {
  const board = problemBoard();
  const items = h("ul", { class: "graph-list" });
  const home = link("#", "Task center", "all graphs, management plane");
  const more = h("button", { class: "button", type: "button", hidden: true, click: () => load(cursor) }, "More graphs");
  const name = h("input", { type: "text", id: "graph-name", autocomplete: "off", spellcheck: "false" });
  const form = h("form", { class: "by-name", submit: open }, h("label", { for: "graph-name" }, "Open by name"), name);
  const summary = h("h2", {}, "Graphs");
  fill(element, h("ul", { class: "graph-list" }, h("li", {}, home)), summary, board.element, items, more, form);
  let cursor = null;
  let here = null;

  async function load(after = null) {
    const data = await askFor(GRAPHS, { after }, (problems, error) => shell.refused(error) || board.set(problems));
    if (!data) return;
    const { nodes, pageInfo, totalCount } = data.graphs;
    summary.textContent = totalCount === null ? "Graphs" : plural(totalCount, "graph");
    cursor = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    more.hidden = cursor === null;
    const shown = nodes.map((graph) => h("li", {}, link(`#graph/${graph.id}`, graph.name, graphState(graph), graph)));
    if (after) items.append(...shown);
    else if (!items.contains(document.activeElement)) fill(items, shown);
    current(here);
  }

  async function open(event) {
    event.preventDefault();
    const data = name.value.trim() && (await askFor(FIND_GRAPH, { name: name.value.trim() }, board.set));
    if (data) location.hash = `#graph/${data.graph.id}`;
  }

  function current(id) {
    here = id;
    for (const anchor of element.querySelectorAll("a")) {
      const isHere = anchor.hash === (id ? `#graph/${id}` : "");
      if (isHere) anchor.setAttribute("aria-current", "page");
      else anchor.removeAttribute("aria-current");
    }
  }

  repeat(30, () => cursor === null && load());
  return { load, current };
}

function link(href, title, about, graph) {
  const state = graph && !graph.isQueryable && h("span", { class: "tag" }, "not queryable");
  return h("a", { href }, h("span", { class: "title" }, title, state), h("span", { class: "about" }, about));
}

/* One word for each plane: what this gateway last met there. Each time `onAnswer` is told whether all of them answer. */
export function planesHealth(element, onAnswer) {
  async function load() {
    const data = await askFor(HEALTH, {}, () => {});
    const planes = data?.gateway.planes ?? [];
    const lost = data ? null : h("li", {}, mark(false), "Gateway not reachable");
    fill(element, lost, planes.map(({ plane, configured, circuit }) =>
      h("li", {}, mark(configured && circuit === "CLOSED"), `${PLANES[plane]}: `, configured ? CIRCUITS[circuit] : "not configured"),
    ));
    if (data) onAnswer(planes.every(({ circuit }) => circuit === "CLOSED"));
  }
  repeat(10, load);
  return { load };
}
