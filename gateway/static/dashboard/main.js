/* The page: its bar, its list of graphs, and the view that the hash names: #, #graph/<id>, #graph/<id>/job/<id>, #job/<id>. */

import { fill } from "./dom.js";
import { graphsNav, planesHealth } from "./graphs.js";
import { jobView } from "./job_view.js";
import { graphView, taskCenterView } from "./jobs_view.js";
import { problemBoard } from "./problems.js";
import { askForSession, session } from "./session.js";

const byId = (id) => document.getElementById(id);
const { explorer, title } = document.body.dataset;
const main = byId("main");
let refusedToken = null;

const shell = {
  title: (text) => (document.title = `${text} – ${title}`),
  /* Asks for another token when this one was refused, once for each; tells whether it was. */
  refused(error) {
    if (!error?.isUnauthenticated) return false;
    const { token } = session();
    if (token !== refusedToken) askForSession(token ? "This token is not accepted (any more)." : "A token is needed to ask GES.", restart);
    refusedToken = token;
    return true;
  },
  problem(problems) {
    const board = problemBoard();
    board.set(problems);
    main.firstChild.prepend(board.element);
  },
};
const nav = graphsNav(byId("graphs"), shell);
const health = planesHealth(byId("health"), (allAnswer) => view?.refresh?.(allAnswer));
let view = null;

function viewOf(route) {
  const [, graphId, , jobId] = route.match(/^#graph\/([\w-]+)(\/job\/([\w-]+))?$/) ?? [];
  const [, loneId] = route.match(/^#job\/([\w-]+)$/) ?? [];
  if (jobId ?? loneId) return { shown: jobView(jobId ?? loneId, graphId, shell), depth: "job", graphId };
  if (graphId) return { shown: graphView(graphId, shell), depth: "graph", graphId };
  return { shown: taskCenterView(shell), depth: "top" };
}

function show(isFirst) {
  view?.close();
  const { shown, depth, graphId } = viewOf(location.hash);
  view = shown;
  byId("columns").dataset.depth = depth;
  fill(main, view.element);
  nav.current(graphId);
  if (isFirst) return;
  scrollTo(0, 0);
  main.querySelector("h1").focus({ preventScroll: true });
}

function restart() {
  nav.load();
  health.load();
  show(false);
}

byId("explorer").hidden = !explorer;
byId("token").addEventListener("click", () => askForSession(null, restart));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", () => show(false));
nav.load();
health.load();
show(true);
