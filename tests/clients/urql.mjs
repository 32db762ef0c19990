/* urql with the exchanges it has by default, and with those that its documentation adds for streams and hashes. */
import { cacheExchange, Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { createClient as createSSEClient } from "graphql-sse";
import { GRAPH, headers, noted, RANKING, tell, url } from "./told.mjs";

const JOB = `query FoundJob($graph: GraphRef!, $jobId: String!) {
  findJob(graph: $graph, jobId: $jobId) { id jobId status }
}`;
const ROWS = `query Rows($graph: GraphRef!, $jobId: String!, $first: Int!, $after: String) {
  findJob(graph: $graph, jobId: $jobId) {
    result {
      rows(first: $first, after: $after) {
        nodes { ... on VertexValueRow { vertexId } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}`;
const WATCH = "subscription Watch($id: ID!) { jobUpdated(id: $id) { type job { id jobId status } } }";
const variables = { graph: GRAPH, jobId: RANKING };

function open(between = [], options = {}) {
  const { send, sent } = noted();
  const exchanges = [cacheExchange, ...between, fetchExchange];
  const client = new Client({ url, exchanges, fetch: send, fetchOptions: { headers }, ...options });
  return { client, sent };
}

async function asked(query, given, options = { requestPolicy: "network-only" }, ...opening) {
  const { client, sent } = open(...opening);
  const { data, error } = await client.query(query, given, options);
  const codes = error?.graphQLErrors.map(({ extensions }) => extensions.code) ?? [];
  return { data: data ?? null, codes, network: error?.networkError?.message ?? null, sent };
}

/* Watches the job to its end with the client given, and returns what it was told. */
async function watched({ client, sent }) {
  const { data } = await client.query(JOB, variables);
  const events = [];
  await new Promise((resolve, reject) => {
    client.subscription(WATCH, { id: data.findJob.id }).subscribe(({ data: told, error, hasNext }) => {
      if (error) reject(error);
      /* When a stream ends, urql gives its last result once more. */
      else if (hasNext) events.push(told.jobUpdated);
      else resolve();
    });
  });
  return { events, sent };
}

await tell({
  query: () => asked(JOB, variables),
  post: () => asked(JOB, variables, { preferGetMethod: false }),
  persisted: async () => {
    const { client, sent } = open([persistedExchange({ preferGetForPersistedQueries: true })]);
    const ask = () => client.query(JOB, variables, { requestPolicy: "network-only" }).toPromise();
    return { answers: [(await ask()).data, (await ask()).data], sent };
  },
  errors: async () => ({
    partial: await asked(JOB, { graph: GRAPH, jobId: "no-such-job" }),
    invalid: await asked("{ nothingOfThisName }", {}),
    token: await asked(JOB, variables, {}, [], { fetchOptions: { headers: { "X-Auth-Token": "sandbox-token-expired" } } }),
  }),
  rows: async () => {
    const { client } = open();
    const nodes = [];
    let after = null;
    do {
      const { data } = await client.query(ROWS, { ...variables, first: 5, after });
      const { rows } = data.findJob.result;
      nodes.push(...rows.nodes);
      after = rows.pageInfo.hasNextPage ? rows.pageInfo.endCursor : null;
    } while (after !== null);
    return nodes;
  },
  fetched: () => watched(open([], { fetchSubscriptions: true })),
  streamed: () => {
    const sse = createSSEClient({ url, headers, retryAttempts: 0 });
    const forwardSubscription = (request) => ({
      subscribe: (sink) => ({ unsubscribe: sse.subscribe({ ...request, query: request.query ?? "" }, sink) }),
    });
    return watched(open([subscriptionExchange({ forwardSubscription })]));
  },
});
