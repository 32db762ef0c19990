/* Elements and the few ways to change them. Text is only ever set as text, so nothing that GES sends becomes markup. */

const SVG = "http://www.w3.org/2000/svg";

export function h(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/* One path on a grid of 16, in the colour of the text around it. Says nothing to screen readers: a word stands beside. */
export function icon(path, filled = false) {
  const shape = dress(document.createElementNS(SVG, "path"), { d: path }, []);
  const paint = filled ? { fill: "currentColor" } : { fill: "none", stroke: "currentColor", "stroke-width": 2 };
  return dress(document.createElementNS(SVG, "svg"), { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true", ...paint }, [shape]);
}

function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...present(children));
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren(...present(children));
}

/* Changes text only where it differs, so that a screen reader is not told the same again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/* Pairs of term and description; a pair without a description is left out. */
export function terms(pairs, className = "facts") {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: className }, known.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))));
}

/* A table that scrolls inside itself, by keyboard as well. `columns`: { title, isNumber, className }. */
export function table(caption, columns, rows) {
  const heads = columns.map((column) => h("th", { scope: "col", class: classOf(column) }, column.title));
  return h(
    "div",
    { class: "scroller", role: "region", tabindex: "0", "aria-label": caption },
    h("table", {}, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows)),
  );
}

export function classOf(column) {
  return [column.isNumber && "number", column.className].filter(Boolean).join(" ") || null;
}

const listeners = { waiting: [], timer: undefined };

/* Tells screen readers what changed, several changes in one sentence. */
export function announce(text) {
  listeners.waiting.push(text);
  listeners.timer ??= setTimeout(() => {
    const told = listeners.waiting.slice(0, 8);
    const more = listeners.waiting.length - told.length;
    document.getElementById("announcements").textContent = told.join(". ") + (more ? `. And ${more} more.` : "");
    listeners.waiting = [];
    listeners.timer = undefined;
  }, 700);
}

function present(children) {
  return children.flat(3).filter((child) => child !== null && child !== undefined && child !== false);
}
