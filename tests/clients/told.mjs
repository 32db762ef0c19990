/* What every program here is given, and how it tells what it saw: a line of JSON for each concern, failures too. */
export const [, , url = "", token = ""] = process.argv;
export const headers = { "X-Auth-Token": token };
export const GRAPH = { name: "supply_chain" };
export const RANKING = "5e9c0705-41d8-4b6a-93f0-27ac1d0e0005007740215";

/* Goes through the concerns one after the other. The process ends then, whatever the clients keep open. */
export async function tell(concerns) {
  for (const [concern, run] of Object.entries(concerns)) {
    const line = await run().then(
      (told) => ({ concern, told }),
      (error) => ({ concern, failed: error?.stack ?? JSON.stringify(error) }),
    );
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
  process.exit(0);
}

/* Makes a `fetch` for a client, and the list of what went through it. */
export function noted() {
  const sent = [];
  const send = async (target, options) => {
    const answer = await fetch(target, options);
    const said = options?.body ?? decodeURIComponent(String(target).replaceAll("+", " "));
    sent.push({
      method: options?.method ?? "GET",
      withText: said.includes("findJob"),
      status: answer.status,
      type: answer.headers.get("content-type"),
    });
    return answer;
  };
  return { send, sent };
}
