/* Outages and refusals, shown for what they are: which plane, which code, what to tell the operator. */

import { h, icon } from "./dom.js";
import { PLANES } from "./words.js";

const SIGN = "M8 2.5l6 11H2zM8 6.5v3.2M8 11v1";

/* One box for each problem; nothing while there is none. Told to screen readers when it appears. */
export function problemBoard() {
  const element = h("div", { class: "problems", role: "status" });
  let shown = "[]";
  return {
    element,
    set(problems) {
      const told = unique(problems);
      const now = JSON.stringify(told.map(newsOf));
      if (now === shown) return;
      shown = now;
      element.replaceChildren(...told.map(box));
    },
  };
}

/* What the planes reported, joined with the request ids that the errors beside them carry. */
export function reported(planes, problems) {
  const failed = planes.filter(({ ok }) => !ok).map(({ plane, problem }) => ({ ...problem, plane, isOutage: true }));
  const isAbout = (entry, { plane, code }) => entry.code === code && (entry.plane ?? plane) === plane;
  return unique([...failed.map((one) => ({ ...one, requestId: problems.find((entry) => isAbout(entry, one))?.requestId })), ...problems]);
}

/* What an event told of a plane stands until a list says something newer; one that is kept for a while may be older. */
export function stillStands({ plane, at }, planes) {
  const isNewer = ({ ok, fetchedAt }) => !ok || Date.parse(fetchedAt) > Date.parse(at);
  return Boolean(at) && !planes.some((report) => report.plane === plane && isNewer(report));
}

/* One for each plane and code; one that names no plane says nothing new beside one that does. */
function unique(problems) {
  const isSame = (one, other) => one.code === other.code && (!other.plane || one.plane === other.plane);
  return problems.filter((problem, at) => !problems.slice(0, at).some((earlier) => isSame(earlier, problem)));
}

/* An outage is worded differently from one try to the next: no reason to tell it again, nor is another request id. */
function newsOf({ requestId, at, ...problem }) {
  const { plane, code, isLastKnown } = problem;
  return problem.retryable ? { plane, code, isLastKnown } : problem;
}

function box(problem) {
  const where = problem.plane ? `${PLANES[problem.plane]} plane: ` : "";
  const codes = [
    problem.code,
    problem.upstreamCode,
    problem.upstreamStatus && `HTTP ${problem.upstreamStatus}`,
    problem.retryable && "worth asking again",
    problem.retryAfterSeconds && `after ${Math.ceil(problem.retryAfterSeconds)} s`,
    problem.requestId && `request ${problem.requestId}`,
  ];
  const isLasting = problem.code === "GRAPH_NOT_RUNNING";
  return h(
    "div",
    { class: `notice ${isLasting ? "warn" : "bad"}` },
    icon(SIGN),
    h("div", {}, h("p", {}, h("strong", {}, where), problem.message, problem.isLastKnown && " Shown is the last known state."), h("p", { class: "codes" }, codes.filter(Boolean).join(" · "))),
  );
}
