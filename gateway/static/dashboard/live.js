/* Keeps a view up to date: by a subscription while that holds, by asking again while it does not, not at all unseen. */

import { ask, AskError, subscribe } from "./api.js";
import { h, icon, say } from "./dom.js";

const FIRST_PAUSE = 2_000;
const LONGEST_PAUSE = 15_000;
const DOT = "M8 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8";
const STATES = {
  connecting: ["Connecting", "calm"],
  live: ["Live", "good"],
  polled: ["Asked again every 5 seconds", "calm"],
  asking: ["Not live: asked again every few seconds", "warn"],
  paused: ["Paused while not in view", "calm"],
  ended: ["Ended", "calm"],
};

/* Shows whether what is on the screen follows what happens. */
export function liveSign() {
  const word = h("span");
  const element = h("span", { class: "badge calm live", role: "status" }, icon(DOT, true), word);
  const set = (state) => {
    const [text, tone] = STATES[state];
    say(word, text);
    element.className = `badge ${tone} live`;
  };
  set("connecting");
  return { element, set };
}

/*
 * Follows a subscription until `stop()` is called or `isOver()` holds when the stream is complete. Each time it begins
 * anew and each time it breaks off, `refresh` asks for the state as it is. A refused credential ends it.
 */
export function follow({ watch, variables, refresh, onEvent, onState, isOver = () => false, onRefused }) {
  const controller = new AbortController();
  let stream = new AbortController();
  let pause = FIRST_PAUSE;
  const leave = () => document.hidden && stream.abort();
  document.addEventListener("visibilitychange", leave);
  controller.signal.addEventListener("abort", () => {
    document.removeEventListener("visibilitychange", leave);
    stream.abort();
  });

  async function once() {
    stream = new AbortController();
    const events = subscribe(watch, variables, stream.signal);
    for await (const data of events) {
      if (controller.signal.aborted) return;
      if (data) onEvent(data.event);
      else onState("live");
      pause = FIRST_PAUSE;
    }
  }

  async function run() {
    while (!controller.signal.aborted) {
      if (document.hidden) {
        onState("paused");
        await seen(controller.signal);
        await refresh();
      }
      try {
        await once();
        if (isOver()) return onState("ended");
      } catch (error) {
        if (controller.signal.aborted) return;
        if (error instanceof AskError && error.isUnauthenticated) return onRefused(error);
        if (document.hidden) continue;
      }
      onState("asking");
      await rest(pause, controller.signal);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
      if (!document.hidden && !controller.signal.aborted) await refresh();
    }
  }

  run();
  return { stop: () => controller.abort() };
}

/* Calls `action` every so often while the page is seen. */
export function repeat(seconds, action) {
  const timer = setInterval(() => document.hidden || action(), seconds * 1000);
  return { stop: () => clearInterval(timer) };
}

/* Asks, and hands problems to `onProblems` instead of throwing; returns the data or null. */
export async function askFor(query, variables, onProblems, options) {
  try {
    const { data, problems } = await ask(query, variables, options);
    onProblems(problems);
    return data;
  } catch (error) {
    if (error instanceof AskError) onProblems(error.problems, error);
    else if (error.name !== "AbortError") throw error;
    return null;
  }
}

function seen(signal) {
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true, signal });
    signal.addEventListener("abort", resolve, { once: true });
  });
}

function rest(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => resolve(clearTimeout(timer)), { once: true });
  });
}
