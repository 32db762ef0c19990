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
      // Request ids differ with each try, and are no reason to tell the same again.
      const now = JSON.stringify(told.map(({ requestId, ...problem }) => problem));
      if (now === shown) return;
      shown = now;
      element.replaceChildren(...told.map(box));
    },
  };
}

/* What the planes reported, joined with the request ids that the errors beside them carry. */
export function reported(planes, problems) {
  const failed = planes.filter(({ ok }) => !ok).map(({ plane, problem }) => ({ ...problem, plane }));
  const isAbout = (entry, { plane, code }) => entry.code === code && (entry.plane ?? plane) === plane;
  return [...failed.map((one) => ({ ...one, requestId: problems.find((entry) => isAbout(entry, one))?.requestId })), ...problems];
}

/* One for each plane and code; one that names no plane says nothing new beside one that does. */
function unique(problems) {
  const isSame = (one, other) => one.code === other.code && (!other.plane || one.plane === other.plane);
  return problems.filter((problem, at) => !problems.slice(0, at).some((earlier) => isSame(earlier, problem)));
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
    h("div", {}, h("p", {}, h("strong", {}, where), problem.message), h("p", { class: "codes" }, codes.filter(Boolean).join(" · "))),
  );
}
