/* The whole result as a file: streamed to the disk where the browser can do that, collected in memory elsewhere. */

import { AskError, download } from "./api.js";
import { announce, h } from "./dom.js";
import { bytes } from "./words.js";

const FORMATS = { csv: "CSV", ndjson: "NDJSON" };

/* Returns a button for each format. */
export function exportButtons(job, result, shell) {
  return Object.entries(FORMATS).map(([format, word]) => button(word, result[format], fileName(job, format), shell));
}

function fileName(job, format) {
  return `${job.name}-${job.jobId}.${format}`.replace(/[^\w.-]+/g, "-");
}

function button(word, { path, mediaType }, name, shell) {
  const label = `Export as ${word}`;
  let running = null;
  const element = h("button", { class: "button", type: "button", click: press }, label);

  async function press() {
    if (running) return running.abort();
    running = new AbortController();
    try {
      const target = await choose(name, mediaType);
      if (target) await save(target, running.signal);
    } catch (error) {
      if (error.name !== "AbortError") fail(error);
    } finally {
      running = null;
      element.textContent = label;
    }
  }

  async function save(target, signal) {
    const response = await download(path, signal);
    let size = 0;
    const counting = new TransformStream({
      transform(chunk, controller) {
        size += chunk.byteLength;
        element.textContent = `Stop (${bytes(size)})`;
        controller.enqueue(chunk);
      },
    });
    await target(response.body.pipeThrough(counting), signal);
    announce(`Exported ${name}, ${bytes(size)}`);
  }

  function fail(error) {
    if (!(error instanceof AskError)) error = new AskError([{ code: "EXPORT_BROKEN_OFF", message: "The export broke off before its end; the file is not whole." }]);
    shell.refused(error) || shell.problem(error.problems);
  }

  return element;
}

/* Where the stream goes. Null when the reader changed their mind. */
async function choose(name, mediaType) {
  if (!window.showSaveFilePicker) return (stream) => collect(stream, name, mediaType);
  try {
    const file = await window.showSaveFilePicker({ suggestedName: name });
    return async (stream, signal) => stream.pipeTo(await file.createWritable(), { signal });
  } catch (error) {
    if (error.name === "AbortError") return null;
    throw error;
  }
}

async function collect(stream, name, mediaType) {
  const blob = await new Response(stream).blob();
  const url = URL.createObjectURL(new Blob([blob], { type: mediaType }));
  const link = h("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
