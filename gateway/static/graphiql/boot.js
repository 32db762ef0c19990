/* Starts GraphiQL on this page: configuration from data attributes, the fetcher, the storage, the panel of examples. */
(function () {
  "use strict";

  const { React, ReactDOM, GraphiQL } = window;
  const h = React.createElement;
  const root = document.getElementById("graphiql");
  const { headers: presetHeaders, home, mode, nonce } = root.dataset;
  const isSandbox = mode === "sandbox";
  const narrow = window.matchMedia("(max-width: 700px)");
  const EXAMPLES = "Examples";

  /* The name under which GraphiQL's dialogs look for the nonce of the style element that they add. */
  window.__webpack_nonce__ = nonce;

  /* The page is served by the endpoint itself, so this also works behind a proxy that adds a path. */
  const socket = new URL(location.pathname, location.href.replace(/^http/, "ws")).href;
  /* Over the socket the headers go with the first message, those that are empty as well; they count as absent there. */
  const fetcher = GraphiQL.createFetcher({ url: location.pathname, subscriptionUrl: socket, fetch: send });

  /* A header left empty is a hint to fill it in, not something to send. */
  function send(url, init) {
    const filled = Object.entries(init.headers).filter(([, value]) => value !== "");
    return fetch(url, { ...init, headers: Object.fromEntries(filled), credentials: "same-origin" });
  }

  /* GraphiQL writes the headers of every operation into its history. Tokens do not belong on the disk of whoever
     explores: they are taken out on the way in, and the preset is put in their place on the way out. */
  const HISTORY = { "graphiql:queries": "queries", "graphiql:favorites": "favorites" };
  const storage = {
    getItem: (key) => withHeaders(key, localStorage.getItem(key), presetHeaders),
    setItem: (key, value) => localStorage.setItem(key, withHeaders(key, value, undefined)),
    removeItem: (key) => localStorage.removeItem(key),
    clear: () => ownKeys().forEach((key) => localStorage.removeItem(key)),
    get length() {
      return ownKeys().length;
    },
  };

  function ownKeys() {
    return Object.keys(localStorage).filter((key) => key.startsWith("graphiql:"));
  }

  function withHeaders(key, value, headers) {
    const list = HISTORY[key];
    if (!list || !value) return value;
    const items = JSON.parse(value)[list] || [];
    return JSON.stringify({ [list]: items.map((item) => ({ ...item, headers })) });
  }

  function ExamplesIcon(props) {
    return h(
      "svg",
      { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 1.5, strokeLinecap: "round", ...props },
      h("path", { d: "M9 6h11M9 12h11M9 18h11" }),
      h("path", { d: "M3.5 5l1.8 1-1.8 1zM3.5 11l1.8 1-1.8 1zM3.5 17l1.8 1-1.8 1z", fill: "currentColor" }),
    );
  }

  /* The panel's content: one button for each example. A subscription that runs ends when another is picked. */
  function examplesPanel(examples) {
    return function ExamplesPanel() {
      const editors = GraphiQL.React.useEditorContext({ nonNull: true });
      const { stop } = GraphiQL.React.useExecutionContext({ nonNull: true });
      return h(
        "section",
        { "aria-label": EXAMPLES, className: "examples" },
        h("h2", { className: "examples-title" }, EXAMPLES),
        h("p", { className: "examples-about" }, isSandbox ? "Pick one, then run it." : ABOUT_IDS),
        h("ol", null, examples.map((example) => h("li", { key: example.name }, exampleButton(example, editors, examples, stop)))),
      );
    };
  }

  const ABOUT_IDS = "Pick one and run it. Graphs and job ids are those of the sandbox; put your own in their place.";

  function exampleButton(example, editors, examples, stop) {
    return h(
      "button",
      { type: "button", onClick: () => (stop(), open(example, editors, examples)) },
      h("strong", null, example.title),
      h("span", null, ...marked(example.about)),
    );
  }

  /* Between backticks stands code: every second piece. */
  function marked(text) {
    return text.split("`").map((piece, index) => (index % 2 ? h("code", { key: index }, piece) : piece));
  }

  /* What the reader has typed is never overwritten: only an untouched example or an empty editor is replaced. */
  function open(example, editors, examples) {
    const current = editors.queryEditor.getValue().trim();
    const untouched = current === "" || examples.some(({ query }) => query.trim() === current);
    if (!untouched) ReactDOM.flushSync(editors.addTab);
    editors.variableEditor?.setValue("");
    editors.responseEditor?.setValue("");
    editors.queryEditor.setValue(example.query);
    /* GraphiQL reads the new name a moment later; until then it would run this operation under the old one. */
    editors.queryEditor.operationName = null;
    if (narrow.matches) togglePanel();
    editors.queryEditor.focus();
  }

  /* GraphiQL shows and hides a panel only through its own button. */
  function togglePanel() {
    document.querySelector(`.graphiql-sidebar button[aria-label$=" ${EXAMPLES}"]`)?.click();
  }

  /* A link may carry an operation: `?query=…&variables=…`. It is shown, never run. */
  function linked() {
    const parameters = new URLSearchParams(location.search);
    return { query: parameters.get("query") ?? undefined, variables: parameters.get("variables") ?? undefined };
  }

  function start(examples) {
    const firstVisit = ownKeys().length === 0;
    const welcome = examples.length > 0 ? examples[0].query : "";
    const props = {
      ...linked(),
      fetcher,
      storage,
      shouldPersistHeaders: false,
      defaultHeaders: presetHeaders,
      defaultQuery: "",
      defaultTabs: [{ query: linked().query ?? welcome, variables: linked().variables, headers: presetHeaders }],
      defaultEditorToolsVisibility: narrow.matches && isSandbox ? false : "headers",
      plugins: [{ title: EXAMPLES, icon: ExamplesIcon, content: examplesPanel(examples) }],
    };
    const name = home ? h("a", { href: home, title: "To the dashboard" }, "GES gateway") : "GES gateway";
    const logo = h(GraphiQL.Logo, null, h("span", { className: "brand" }, name, isSandbox && h("em", null, "sandbox")));
    ReactDOM.flushSync(() => ReactDOM.createRoot(root).render(h(GraphiQL, props, logo)));
    if (firstVisit && !narrow.matches) requestAnimationFrame(togglePanel);
  }

  fetch(root.dataset.examples)
    .then((response) => (response.ok ? response.json() : []))
    .catch(() => [])
    .then(start);
})();
