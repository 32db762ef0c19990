/* One job, live: what it is, how far it is, why it failed, what it read and what it brought. */

import { announce, fill, h, say, terms } from "./dom.js";
import { importSection } from "./import_section.js";
import { tookOf } from "./jobs_table.js";
import { askFor, follow, liveSign, repeat } from "./live.js";
import { JOB_DETAIL, WATCH_JOB } from "./operations.js";
import { problemBoard } from "./problems.js";
import { resultSection } from "./result_section.js";
import { badge, moment, PLANES, statusWord } from "./words.js";

const HAS_RESULT = new Set(["ALGORITHM", "VERTEX_QUERY", "EDGE_QUERY", "QUERY", "OTHER"]);

export function jobView(id, graphId, shell) {
  const sign = liveSign();
  const board = problemBoard();
  const title = h("h1", { tabindex: "-1" }, "Loading …");
  const status = h("span");
  const trail = h("nav", { class: "trail", "aria-label": "Where this is" }, h("a", { href: graphId ? `#graph/${graphId}` : "#" }, graphId ? "Jobs of the graph" : "Task center"));
  const [facts, failure, files, request] = Array.from({ length: 4 }, () => h("div"));
  const result = h("div");
  const took = tookOf();
  const element = h("div", {}, trail, h("div", { class: "heading" }, title, status, sign.element), board.element, failure, facts, files, result, request);
  let job = null;
  let shownResult = null;
  let isLacking = false;

  async function load() {
    const data = await askFor(JOB_DETAIL, { id }, (problems, error) => {
      isLacking = !shell.refused(error) && problems.length > 0;
      board.set(problems.map((one) => ({ ...one, isLastKnown: Boolean(error && job && one.plane) })));
    });
    if (data && !job) announce(`${data.job.name}: ${statusWord(data.job.status)}`);
    if (data) show(data.job);
    else if (!job) say(title, "Job");
  }

  function show(next) {
    job = next;
    say(title, job.name);
    shell.title(`${statusWord(job.status)}: ${job.name}`);
    say(trail.firstChild, job.graphName ? `Jobs of ${job.graphName}` : "Task center");
    fill(status, badge(job.status));
    took.show(job);
    fill(facts, factsOf(job, took.element));
    fill(failure, job.failure && failureBox(job.failure));
    fill(files, job.importDetail && importSection(job.importDetail));
    // The reader may have opened it.
    if (!request.firstChild) fill(request, job.request && requestSection(job.request));
    if (job.isTerminal && job.plane === "SERVICE" && HAS_RESULT.has(job.kind) && !shownResult) {
      shownResult = resultSection(job, shell);
      fill(result, shownResult);
    }
  }

  function onEvent({ type, job: next, problem, previousStatus }) {
    isLacking = false;
    board.set(problem ? [{ ...problem, isLastKnown: true }] : []);
    show(next);
    if (previousStatus && previousStatus !== next.status) announce(`${next.name}: ${statusWord(next.status)}`);
    else if (type === "FINISHED") announce(`${next.name} has ended: ${statusWord(next.status)}`);
  }

  /*
   * No stream follows what has ended: what could not be read of it is asked for until it can be. Nor does any tell how
   * far a job is that nothing else changes of: where GES says that in its lists alone, it has to be asked.
   */
  const refresh = () => job && (job.isTerminal ? isLacking : job.progressPercent !== null) && load();

  const ticking = repeat(1, () => job && took.tick());
  let following;
  load().then(() => {
    if (job?.isTerminal) return sign.set("ended");
    if (element.isConnected) following = follow({ watch: WATCH_JOB, variables: { id }, refresh: load, onEvent, onState: sign.set, isOver: () => job?.isTerminal, onRefused: shell.refused });
  });
  return { element, refresh, close: () => [ticking, following].forEach((part) => part?.stop()) };
}

function factsOf(job, took) {
  const how = job.source.immutable ? "final" : job.source.cached ? "a moment ago" : "fresh";
  return h(
    "section",
    { class: "card padded", "aria-label": "Facts" },
    terms([
      ["Plane", PLANES[job.plane]],
      ["Kind", job.kind.toLowerCase().replaceAll("_", " ")],
      ["Graph", job.graph ? h("a", { href: `#graph/${job.graph.id}` }, job.graph.name) : job.graphName],
      ["Started", moment(job.startedAt)],
      ["Ended", job.endedAt && moment(job.endedAt)],
      ["Took", took],
      ["Word of GES", job.rawStatus],
      ["Can be stopped", job.isTerminal || job.canCancel === null ? null : job.canCancel ? "yes" : "no"],
      ["Read from GES", [moment(job.source.fetchedAt), `, ${how}`]],
      ["Job id", h("code", {}, job.jobId)],
    ]),
  );
}

function failureBox({ message, code, advice, retryable }) {
  const more = [code, retryable === true && "asking again unchanged may work"].filter(Boolean).join(" · ");
  return h(
    "section",
    { class: "notice bad", "aria-label": "Why it failed" },
    h("div", {}, h("p", {}, h("strong", {}, message)), advice && h("p", {}, advice), more && h("p", { class: "codes" }, more)),
  );
}

function requestSection({ command, path, algorithm, bodyText }) {
  return h(
    "details",
    { class: "card padded" },
    h("summary", {}, "What was asked of GES"),
    terms([["Command", command], ["Algorithm", algorithm], ["Path", path && h("code", {}, path)]]),
    bodyText && h("pre", { tabindex: "0", "aria-label": "Body of the request" }, pretty(bodyText)),
  );
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
