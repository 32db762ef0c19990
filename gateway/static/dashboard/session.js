/* Who asks: token and project, for this tab alone. Kept in the session storage, never in an address or on the disk. */

import { h } from "./dom.js";

const KEY = "ges-gateway:session";
const preset = { token: document.body.dataset.token, project: "" };

export function session() {
  try {
    return { ...preset, ...JSON.parse(sessionStorage.getItem(KEY) ?? "{}") };
  } catch {
    return preset;
  }
}

/* The headers of every request; what is empty is not sent. */
export function credentials() {
  const { token, project } = session();
  return { ...(token && { "X-Auth-Token": token }), ...(project && { "X-Project-Id": project }) };
}

/* Asks for them; `changed` is called when they were saved. */
export function askForSession(reason, changed) {
  if (document.querySelector("dialog[open]")) return;
  const { token, project } = session();
  const tokenField = h("input", { type: "password", id: "token-field", value: token, autocomplete: "off", spellcheck: "false", "aria-describedby": "token-note" });
  const projectField = h("input", { type: "text", id: "project-field", value: project, autocomplete: "off", spellcheck: "false", placeholder: "the gateway’s own" });
  const show = h("input", { type: "checkbox", change: () => (tokenField.type = show.checked ? "text" : "password") });
  const dialog = h(
    "dialog",
    { "aria-labelledby": "session-title", close: () => dialog.remove() },
    h(
      "form",
      { method: "dialog", submit: save },
      h("h2", { id: "session-title" }, "Token"),
      reason && h("p", { class: "notice bad", role: "alert" }, reason),
      h("label", { for: "token-field" }, "IAM token, or a key of this gateway"),
      tokenField,
      h("label", { class: "check" }, show, "Show it"),
      h("p", { class: "note", id: "token-note" }, "Kept for this tab until it is closed; sent to this gateway only, in a header."),
      h("label", { for: "project-field" }, "Project id (optional)"),
      projectField,
      h(
        "div",
        { class: "actions" },
        h("button", { class: "button", type: "button", click: () => dialog.close() }, "Cancel"),
        h("button", { class: "button strong", type: "submit" }, "Use"),
      ),
    ),
  );

  function save(event) {
    event.preventDefault();
    sessionStorage.setItem(KEY, JSON.stringify({ token: tokenField.value.trim(), project: projectField.value.trim() }));
    dialog.close();
    changed();
  }

  document.body.append(dialog);
  dialog.showModal();
}
