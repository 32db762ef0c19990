/* The GraphQL API of this gateway: one answer to one question, or a stream of them. Knows no view. */

import { credentials } from "./session.js";

const endpoint = new URL(document.body.dataset.endpoint, location.href);

/* What could not be asked or was not answered: `problems` as the API words them, each with code and request id. */
export class AskError extends Error {
  constructor(problems) {
    super(problems[0].message);
    this.problems = problems;
  }

  get isUnauthenticated() {
    return this.problems.some(({ code }) => code === "UNAUTHENTICATED");
  }
}

/* Returns { data, problems }. Throws AskError when there is no data at all. */
export async function ask(query, variables = {}, { signal } = {}) {
  const response = await send(query, variables, "application/json", signal);
  return read(await response.json().catch(() => ({})), response);
}

/* Gives null once the stream is open, then the data of each result until it is completed. Throws AskError when it breaks off. */
export async function* subscribe(query, variables, signal) {
  const response = await send(query, variables, "text/event-stream", signal);
  if (!response.ok || !response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    read(await response.json().catch(() => ({})), response);
  }
  yield null;
  for await (const { name, text } of events(response.body, signal)) {
    if (name === "complete") return;
    yield read(JSON.parse(text), response).data;
  }
  throw new AskError([{ code: "CONNECTION_LOST", message: "The stream broke off." }]);
}

/* Streams a file of this gateway, with the same credentials. */
export async function download(path, signal) {
  const response = await reach(new URL(path, endpoint), { headers: credentials(), signal });
  if (!response.ok) read(await response.json().catch(() => ({})), response);
  return response;
}

function send(query, variables, accept, signal) {
  const headers = { ...credentials(), "Content-Type": "application/json", Accept: accept };
  return reach(endpoint, { method: "POST", headers, body: JSON.stringify({ query, variables }), signal });
}

async function reach(url, init) {
  try {
    return await fetch(url, { ...init, cache: "no-store", credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new AskError([{ code: "GATEWAY_UNREACHABLE", message: "This gateway could not be reached." }]);
  }
}

function read(body, response) {
  const problems = (body.errors ?? []).map(({ message, extensions }) => ({ message, ...extensions }));
  const hasData = body.data && Object.values(body.data).some((value) => value !== null);
  if (!hasData && problems.length) throw new AskError(problems);
  if (!body.data) throw new AskError([{ code: `HTTP ${response.status}`, message: "This gateway gave no answer that can be read." }]);
  return { data: body.data, problems };
}

async function* events(body, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      yield* blocks.map(event).filter(({ name }) => name);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new AskError([{ code: "CONNECTION_LOST", message: "The connection to this gateway broke off." }]);
  } finally {
    reader.cancel().catch(() => {});
  }
}

function event(block) {
  const fields = block.split("\n").map((line) => line.split(/: ?(.*)/s));
  const named = Object.fromEntries(fields);
  return { name: named.event, text: named.data ?? "" };
}
