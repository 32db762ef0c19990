/* Which columns rows of each kind have. Everything shown is text. */

import { count, inline } from "./words.js";

const MOST_PROPERTIES = 12;
const MOST_OF_A_VECTOR = 8;
const at = (title, read, more = {}) => ({ title, cell: (row) => inline(read(row)), className: "code", ...more });
const INDEX = { title: "Row", isNumber: true, className: "dim", cell: (row) => count(row.index) };
const VERTEX = at("Vertex", (row) => row.vertexId);

const COLUMNS = {
  VERTICES: (rows) => [VERTEX, at("Label", (row) => row.label), ...properties(rows)],
  EDGES: (rows) => [
    at("Source", (row) => row.sourceId),
    at("Target", (row) => row.targetId),
    ...some(rows, "value", at("Value", (row) => row.value, { isNumber: true })),
    ...some(rows, "edgeIndex", at("Index", (row) => row.edgeIndex)),
    ...some(rows, "label", at("Label", (row) => row.label)),
    ...properties(rows),
  ],
  VERTEX_IDS: () => [VERTEX],
  VERTEX_VALUES: () => [VERTEX, at("Value", (row) => row.value, { isNumber: true })],
  VERTEX_GROUPS: () => [VERTEX, at("Groups", (row) => row.groupIds)],
  VERTEX_VECTORS: () => [VERTEX, at("Vector", (row) => vector(row.vector ?? []))],
  PATHS: () => [at("Edges", (row) => row.length, { isNumber: true }), at("Path", (row) => row.vertexIds?.join(" → "))],
};

/* A row that does not fit its kind is shown as GES sent it, in a column of its own. */
export function columnsOf(kind, rows) {
  const known = COLUMNS[kind]?.(rows) ?? [];
  const odd = rows.some((row) => row.__typename === "RawRow") ? [at("As GES sent it", (row) => row.raw)] : [];
  return [INDEX, ...known, ...odd];
}

function some(rows, member, column) {
  return rows.some((row) => row[member] !== null && row[member] !== undefined) ? [column] : [];
}

function properties(rows) {
  const names = new Set(rows.flatMap((row) => Object.keys(row.properties ?? {})));
  const shown = [...names].slice(0, MOST_PROPERTIES).map((name) => at(name, (row) => row.properties?.[name]));
  const others = [...names].slice(MOST_PROPERTIES);
  const rest = (row) => Object.fromEntries(others.map((name) => [name, row.properties?.[name]]));
  return others.length ? [...shown, at("More properties", rest)] : shown;
}

function vector(numbers) {
  const shown = numbers.slice(0, MOST_OF_A_VECTOR).map((number) => number.toPrecision(4)).join(", ");
  return numbers.length > MOST_OF_A_VECTOR ? `${shown}, … (${numbers.length})` : shown;
}
