/* A list of jobs with its filters, live: all jobs of a graph, or the task center of the project. */

import { announce, fill, h, say } from "./dom.js";
import { isNewer, jobsTable, PLACES } from "./jobs_table.js";
import { askFor, follow, liveSign, repeat } from "./live.js";
import { GRAPH_JOBS, TASK_CENTER, WATCH_GRAPH } from "./operations.js";
import { problemBoard, reported, stillStands } from "./problems.js";
import { count, graphState, PLANES, plural, statusWord } from "./words.js";

const PAGE = 50;
const LOADING = "Loading …";
const POLL_SECONDS = 5;
const OLD_SECONDS = 60;
const STATUS_FILTERS = [
  ["Any status", []],
  ["Under way", ["PENDING", "RUNNING"]],
  ["Succeeded", ["SUCCEEDED"]],
  ["Partly failed", ["PARTIALLY_FAILED"]],
  ["Failed", ["FAILED"]],
  ["Cancelled", ["CANCELLED"]],
];
const PLANE_FILTERS = [["Both planes", []], ...Object.entries(PLANES).map(([plane, word]) => [`${word} plane`, [plane]])];

/* All jobs of one graph, from both planes. */
export function graphView(id, shell) {
  return jobsView(shell, {
    caption: "Jobs of the graph",
    hasPlanes: true,
    place: PLACES.plane,
    linkOf: (job) => `#graph/${id}/job/${job.id}`,
    load: (filters, after) => [GRAPH_JOBS, { id, after, first: PAGE, planes: filters.planes, filter: filters.filter }],
    listOf: ({ graph }) => ({ ...graph.jobs, title: graph.name, about: aboutGraph(graph) }),
    stream: { watch: WATCH_GRAPH, variables: { id } },
  });
}

/* The task center: jobs of every graph, on the management plane. No subscription covers it, so it is asked again. */
export function taskCenterView(shell) {
  return jobsView(shell, {
    caption: "Jobs of the task center",
    place: PLACES.graph,
    linkOf: (job) => (job.graph ? `#graph/${job.graph.id}/job/${job.id}` : `#job/${job.id}`),
    load: (filters, after) => [TASK_CENTER, { after, first: PAGE, filter: filters.filter }],
    listOf: ({ jobs }) => ({ ...jobs, title: "Task center", about: "Jobs of every graph of the project, on the management plane." }),
  });
}

function aboutGraph(graph) {
  const service = graph.isQueryable ? "Its service plane can be asked." : "Its service plane cannot be asked now.";
  return [`${graphState(graph)}. ${service} `, h("code", {}, graph.graphId ?? "known by its name only")];
}

function jobsView(shell, kind) {
  const sign = liveSign();
  const board = problemBoard();
  const list = jobsTable(kind.caption, kind.linkOf, kind.place);
  const title = h("h1", { tabindex: "-1" }, LOADING);
  const about = h("p", { class: "note" });
  const summary = h("p", { class: "note", role: "status" });
  const more = h("button", { class: "button", type: "button", hidden: true, click: () => load(cursor) }, "Show older jobs");
  const filters = filterForm(kind.hasPlanes, () => load());
  const element = h("div", {}, h("div", { class: "heading" }, title, sign.element), about, board.element, filters.element, list.element, h("div", { class: "below" }, more, summary));
  let cursor = null;
  let total = null;
  let told = [];
  let [asked, answered, askedAt] = [0, 0, 0];
  let isRefused = false;

  /* Without a cursor everything is asked anew, as far as it was shown. */
  async function load(after = null) {
    const ticket = ++asked;
    askedAt = performance.now();
    let problems = [];
    const data = await askFor(...kind.load(filters.value(), after), (found, error) => {
      problems = found;
      isRefused = shell.refused(error);
    }).finally(() => (answered += 1));
    if (ticket !== asked) return;
    if (data) {
      const page = kind.listOf(data);
      show(page, after);
      tell([...told.filter((one) => stillStands(one, page.planes)), ...reported(page.planes, problems)]);
    } else {
      if (title.textContent === LOADING) say(title, kind.caption);
      tell([...told.filter(({ at }) => at), ...problems.map((one) => ({ ...one, isOutage: true }))]);
    }
  }

  function show(page, after) {
    say(title, page.title);
    shell.title(page.title);
    fill(about, page.about);
    list.set(after ? [...list.jobs(), ...page.nodes.filter(({ id }) => !list.has(id))] : keepKnown(page));
    if (after || list.jobs().length <= page.nodes.length) cursor = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    more.hidden = cursor === null;
    total = page.totalCount;
    summarize(page.planes);
  }

  /* What was paged to stays, and what is known of a plane that did not answer, unless a filter was changed. */
  function keepKnown({ nodes, planes, pageInfo }) {
    if (filters.isFresh()) return nodes;
    const fresh = new Set(nodes.map(({ id }) => id));
    const silent = new Set(planes.filter(({ ok }) => !ok).map(({ plane }) => plane));
    const isBeyond = (job) => pageInfo.hasNextPage && isNewer(nodes.at(-1), job);
    const known = list.jobs().filter((job) => !fresh.has(job.id) && (silent.has(job.plane) || isBeyond(job)));
    if (known.length === 0) return nodes;
    return [...nodes, ...known].sort((one, other) => isNewer(other, one) - isNewer(one, other));
  }

  function tell(problems) {
    told = problems;
    const shown = new Set(list.jobs().map(({ plane }) => plane));
    board.set(told.map((problem) => ({ ...problem, isLastKnown: Boolean(problem.isOutage) && shown.has(problem.plane) })));
  }

  function summarize(planes) {
    const here = new Set(planes.flatMap(({ filteredHere }) => filteredHere));
    const of = total === null ? "" : ` of ${count(total)}`;
    const note = here.size ? ` Filtered by this gateway, not by GES: ${[...here].join(", ")}.` : "";
    say(summary, `${plural(list.jobs().length, "job")} shown${of}.${note}`);
  }

  function onEvent({ type, at, job, problem, previousStatus }) {
    const isShown = list.has(job.id) || filters.admits(job);
    if (isShown) list.upsert(job);
    const outage = problem ? [{ ...problem, plane: job.plane, at, isOutage: true }] : [];
    tell([...outage, ...told.filter(({ plane, isOutage }) => plane !== job.plane || !isOutage)]);
    if (!isShown) return;
    if (type === "APPEARED") announce(`New: ${job.name}, ${statusWord(job.status)}`);
    else if (previousStatus && previousStatus !== job.status) announce(`${job.name}: ${statusWord(job.status)}`);
  }

  const ticking = repeat(1, () => list.tick());
  let following;
  load().then(() => {
    if (element.isConnected) following = start();
  });

  function start() {
    if (kind.stream) return follow({ ...kind.stream, refresh: () => load(), onEvent, onState: sign.set, onRefused: shell.refused });
    sign.set("polled");
    return repeat(POLL_SECONDS, loadAgain);
  }

  const isOld = () => performance.now() - askedAt > OLD_SECONDS * 1000;

  /* An answer that takes long is waited for: one that another question has overtaken is dropped. */
  function loadAgain() {
    if (answered === asked || isOld()) load();
  }

  /*
   * A stream tells of planes by jobs under way there, and of none that it has not seen: the rest a list must say. It is
   * asked for now and then in any case, because not every failure keeps a gateway from asking on.
   */
  function refresh(allAnswer) {
    const isInDoubt = told.length > 0 || !allAnswer || isOld();
    if (isInDoubt && !isRefused) loadAgain();
  }

  const close = () => [ticking, following].forEach((part) => part?.stop());
  return { element, close, refresh: kind.stream && refresh };
}

/* `value()` is what the API is asked with, `admits(job)` the same for a job that an event brings. */
function filterForm(hasPlanes, changed) {
  let isFresh = true;
  let timer;
  const later = (wait) => () => {
    clearTimeout(timer);
    timer = setTimeout(() => ((isFresh = true), changed()), wait);
  };
  const search = h("input", { type: "search", placeholder: "Name, algorithm or id", "aria-label": "Search jobs", input: later(300) });
  const status = choice("Status", STATUS_FILTERS, later(0));
  const plane = choice("Plane", PLANE_FILTERS, later(0));
  const element = h("form", { class: "filters", role: "search", submit: (event) => event.preventDefault() }, search, status.element, hasPlanes && plane.element);
  return {
    element,
    isFresh: () => isFresh && !(isFresh = false),
    value: () => ({
      planes: plane.value().length ? plane.value() : null,
      filter: { ...(status.value().length && { statuses: status.value() }), ...(search.value.trim() && { search: search.value.trim() }) },
    }),
    admits(job) {
      const wanted = search.value.trim().toLowerCase();
      const passes = (values, value) => values.length === 0 || values.includes(value);
      return passes(status.value(), job.status) && passes(plane.value(), job.plane) && `${job.name} ${job.jobId}`.toLowerCase().includes(wanted);
    },
  };
}

function choice(label, options, changed) {
  const element = h("select", { "aria-label": label, change: changed }, options.map(([word], at) => h("option", { value: at }, word)));
  return { element, value: () => options[element.value][1] };
}
