/* graphql-ws and graphql-sse: queries, errors and what is left usable after them, over the transports of streams. */
import { createClient as createSSEClient } from "graphql-sse";
import { createClient as createWSClient } from "graphql-ws";
import WebSocket from "ws";
import { GRAPH, headers, RANKING, tell, url } from "./told.mjs";

const JOB = `query Job($graph: GraphRef!, $jobId: String!) {
  findJob(graph: $graph, jobId: $jobId) { id jobId status }
}`;
const variables = { graph: GRAPH, jobId: RANKING };

/* Runs one operation and returns everything that came of it, in order. */
function ran(client, query, given) {
  return new Promise((resolve) => {
    const told = [];
    client.subscribe({ query, variables: given }, {
      next: (result) => told.push(result),
      error: (error) => resolve([...told, { failed: Array.isArray(error) ? error : String(error) }]),
      complete: () => resolve(told),
    });
  });
}

async function concerns(client) {
  return {
    query: await ran(client, JOB, variables),
    partial: await ran(client, JOB, { graph: GRAPH, jobId: "no-such-job" }),
    syntax: await ran(client, "{ nothing "),
    invalid: await ran(client, "{ nothingOfThisName }"),
    /* What went wrong before must not have cost the connection. */
    after: await ran(client, JOB, variables),
  };
}

await tell({
  "graphql-ws": async () => {
    const opened = [];
    const client = createWSClient({
      url: url.replace("http", "ws"),
      webSocketImpl: WebSocket,
      connectionParams: headers,
      retryAttempts: 0,
      lazyCloseTimeout: 5_000,
      on: { connected: (socket) => opened.push(socket.protocol) },
    });
    const told = await concerns(client);
    await client.dispose();
    return { ...told, opened };
  },
  "graphql-sse": () => concerns(createSSEClient({ url, headers, retryAttempts: 0 })),
});
