/* How the words, numbers and times of the API are shown to people. Builds no view. */

import { h, icon } from "./dom.js";

const CHECK = "M3 8.5l3.2 3.2L13 5";
const CROSS = "M4 4l8 8M12 4l-8 8";
const STATUS = {
  PENDING: { word: "Pending", tone: "calm", path: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3.2l2.2 1.3" },
  RUNNING: { word: "Running", tone: "busy", path: "M4.5 2.5v11L13.5 8z", filled: true },
  SUCCEEDED: { word: "Succeeded", tone: "good", path: CHECK },
  PARTIALLY_FAILED: { word: "Partly failed", tone: "warn", path: "M8 2.5l6 11H2zM8 6.5v3.2M8 11v1" },
  FAILED: { word: "Failed", tone: "bad", path: CROSS },
  CANCELLED: { word: "Cancelled", tone: "calm", path: "M3 3h10v10H3z" },
  UNKNOWN: { word: "Unknown", tone: "calm", path: "M5.5 6a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M8 12v1" },
};
export const PLANES = { MANAGEMENT: "Management", SERVICE: "Service" };
const EDITIONS = { MEMORY: "memory", DATABASE: "database", UNKNOWN: "edition unknown" };
const GRAPH_STATES = {
  100: "preparing",
  200: "running",
  201: "upgrading",
  202: "importing",
  203: "rolling back",
  204: "exporting",
  205: "clearing",
  300: "faulty",
  303: "creation failed",
  400: "deleted",
  800: "frozen",
  900: "stopped",
  901: "stopping",
  903: "backing up",
  920: "starting",
};
export const RESULT_KINDS = {
  VERTICES: "vertices",
  EDGES: "edges",
  VERTEX_IDS: "vertex ids",
  VERTEX_VALUES: "a score for each vertex",
  VERTEX_GROUPS: "groups of vertices",
  VERTEX_VECTORS: "a vector for each vertex",
  PATHS: "paths",
  VALUES_ONLY: "values without rows",
  RAW: "rows of a kind not known here",
};
const NUMBER = new Intl.NumberFormat("en");
const SCORE = new Intl.NumberFormat("en", { maximumSignificantDigits: 5 });
const MOMENT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });

export function statusWord(status) {
  return (STATUS[status] ?? STATUS.UNKNOWN).word;
}

/* A shape, a colour and a word: any of them alone is enough. */
export function badge(status) {
  const { word, tone, path, filled } = STATUS[status] ?? STATUS.UNKNOWN;
  return h("span", { class: `badge ${tone}` }, icon(path, filled), word);
}

export function mark(isGood) {
  return h("span", { class: `mark ${isGood ? "good" : "warn"}` }, icon(isGood ? CHECK : CROSS));
}

export function graphState(graph) {
  const state = GRAPH_STATES[graph.statusCode] ?? (graph.statusCode ? `status ${graph.statusCode}` : "status unknown");
  return `${EDITIONS[graph.edition]}, ${state}`;
}

export function count(number) {
  return number === null || number === undefined ? "not reported" : NUMBER.format(number);
}

export function score(number) {
  return SCORE.format(number);
}

export function plural(number, one, several = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : several}`;
}

export function moment(instant) {
  return instant ? h("time", { datetime: instant, title: instant }, MOMENT.format(new Date(instant))) : "–";
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

export function bytes(number) {
  const steps = ["B", "KB", "MB", "GB"];
  const step = Math.min(Math.floor(Math.log10(Math.max(number, 1)) / 3), steps.length - 1);
  return `${(number / 1000 ** step).toFixed(step ? 1 : 0)} ${steps[step]}`;
}

/* Any JSON value on one line; strings and numbers as they are. */
export function inline(value) {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value) && value.every((item) => typeof item !== "object")) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
