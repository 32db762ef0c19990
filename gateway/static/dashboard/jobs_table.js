/* A table of jobs whose rows change in place, so that focus and scroll stay where they are. Asks for nothing. */

import { fill, h, say } from "./dom.js";
import { badge, duration, moment, PLANES } from "./words.js";

/* `linkOf(job)` gives the address of a job's own view; `place` is the column that tells jobs of this list apart. */
export function jobsTable(caption, linkOf, place) {
  const rows = new Map();
  const body = h("tbody");
  const nothing = h("p", { class: "empty", hidden: true }, "No jobs to show.");
  const heads = [["Status", "status"], ["Job"], [place.title, "wide"], ["Started", "wide"], ["Took", "took"]];
  const head = h("tr", {}, heads.map(([title, className]) => h("th", { scope: "col", class: className }, title)));
  const table = h("table", { class: "jobs" }, h("caption", { class: "unseen" }, caption), h("thead", {}, head), body);

  const shown = () => [...body.children].map((element) => rows.get(element.dataset.id));

  function rowOf(job) {
    if (!rows.has(job.id)) rows.set(job.id, newRow(job.id, linkOf(job), place));
    rows.get(job.id).show(job);
    return rows.get(job.id);
  }

  return {
    element: h("div", { class: "card" }, table, nothing),
    tick: () => rows.forEach((row) => row.tick()),
    has: (id) => rows.has(id),
    jobs: () => shown().map(({ job }) => job),
    upsert(job) {
      const isNew = !rows.has(job.id);
      const row = rowOf(job);
      if (!isNew) return;
      const follower = shown().find((other) => isNewer(job, other.job));
      body.insertBefore(row.element, follower?.element ?? null);
      nothing.hidden = true;
    },
    /* Shows these jobs in their order; rows that stay keep their elements. */
    set(jobs) {
      const wanted = new Set(jobs.map(({ id }) => id));
      for (const id of rows.keys()) wanted.has(id) || rows.delete(id);
      const order = jobs.map((job) => rowOf(job).element);
      // Moving an element takes the focus from it, so only a different order is worth it.
      if (order.length !== body.children.length || order.some((row, at) => body.children[at] !== row)) fill(body, order);
      nothing.hidden = rows.size > 0;
    },
  };
}

/* Jobs that have not started yet stand first. */
export function isNewer(job, other) {
  return (job.startedAt ?? "9") > (other.startedAt ?? "9");
}

function newRow(id, href, place) {
  const link = h("a", { href });
  const about = h("span", { class: "about" });
  const failure = h("span", { class: "failure" });
  const [status, where, started] = [h("td"), h("td", { class: "wide" }), h("td", { class: "wide" })];
  const took = tookOf();
  const element = h("tr", { "data-id": id }, status, h("th", { scope: "row" }, link, about, failure), where, started, h("td", {}, took.element));
  const row = { element, show, tick: took.tick };

  function show(job) {
    const isChanged = JSON.stringify(row.job) !== JSON.stringify(job);
    row.job = job;
    took.show(job);
    if (!isChanged) return;
    say(link, job.name);
    fill(status, badge(job.status));
    say(about, [job.kind.toLowerCase().replaceAll("_", " "), job.jobId].join(" · "));
    about.title = job.jobId;
    say(failure, job.failure?.message ?? "");
    say(where, place.of(job) ?? "–");
    fill(started, moment(job.startedAt));
  }

  return row;
}

export const PLACES = {
  plane: { title: "Plane", of: (job) => PLANES[job.plane] },
  graph: { title: "Graph", of: (job) => job.graphName },
};

/* How long it took or has taken so far, counted on here; below it a bar where GES tells how far it is. */
export function tookOf() {
  const time = h("span");
  const bar = h("progress", { max: 100 });
  const percent = h("span");
  const progress = h("span", { class: "progress", hidden: true }, bar, percent);
  let job;
  let at;
  const self = {
    element: h("div", {}, time, progress),
    show(next) {
      [job, at] = [next, performance.now()];
      progress.hidden = job.status !== "RUNNING" || job.progressPercent === null;
      bar.value = job.progressPercent ?? 0;
      bar.setAttribute("aria-label", `Progress of ${job.name}`);
      say(percent, `${Math.round(job.progressPercent)} %`);
      self.tick();
    },
    tick() {
      const since = job.isTerminal || !job.startedAt ? 0 : (performance.now() - at) / 1000;
      say(time, job.elapsedSeconds === null ? "–" : duration(job.elapsedSeconds + since));
    },
  };
  return self;
}
