/* Apollo Client as applications use it: its links, its errors, its cache. */
import { createHash } from "node:crypto";
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { relayStylePagination } from "@apollo/client/utilities";
import { filter, firstValueFrom } from "rxjs";
import { GRAPH, headers, noted, RANKING, tell, url } from "./told.mjs";

const JOB = gql`
  query Job($graph: GraphRef!, $jobId: String!) {
    findJob(graph: $graph, jobId: $jobId) { id jobId status }
  }
`;
const AGAIN = gql`
  query Again($id: ID!) {
    node(id: $id) { id ... on Job { name isTerminal } }
  }
`;
const ROWS = gql`
  query Rows($graph: GraphRef!, $jobId: String!, $first: Int!, $after: String) {
    findJob(graph: $graph, jobId: $jobId) {
      id
      result {
        rows(first: $first, after: $after) {
          edges { node { index ... on VertexValueRow { vertexId value } } }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
  }
`;
const JOBS = gql`
  query Jobs($graph: GraphRef!, $first: Int!, $after: String) {
    graph(by: $graph) {
      id
      jobs(first: $first, after: $after) {
        edges { cursor node { id jobId } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`;
const variables = { graph: GRAPH, jobId: RANKING };

const typePolicies = {
  Graph: { fields: { jobs: relayStylePagination(["planes", "filter"]) } },
  /* A result has no id of its own: it is the job's, and pages of it are put together. */
  Job: { fields: { result: { merge: true } } },
  AlgorithmResult: { fields: { rows: relayStylePagination() } },
};

function open({ links = [], ...options } = {}) {
  const { send, sent } = noted();
  const http = new HttpLink({ uri: url, headers, fetch: send, ...options });
  const client = new ApolloClient({
    link: ApolloLink.from([...links, http]),
    cache: new InMemoryCache({ typePolicies, possibleTypes: { Node: ["Job", "Graph"] } }),
  });
  return { client, sent };
}

async function failing(query, given, options) {
  const { error, data } = await open(options).client.query({ query, variables: given, errorPolicy: "all" });
  return { name: error.name, codes: error.errors?.map(({ extensions }) => extensions.code), data: data ?? null };
}

/* Pages to the end, as a list that is scrolled down does; returns what the cache has put together. */
async function pagedToTheEnd(query, given, connectionOf) {
  const { client } = open();
  const watching = client.watchQuery({ query, variables: given });
  const { data: first } = await firstValueFrom(watching.pipe(filter(({ dataState }) => dataState === "complete")));
  let connection = connectionOf(first);
  let pages = 1;
  while (connection.pageInfo.hasNextPage) {
    await watching.fetchMore({ variables: { after: connection.pageInfo.endCursor } });
    connection = connectionOf(watching.getCurrentResult().data);
    pages += 1;
  }
  return { pages, nodes: connection.edges.map(({ node }) => node) };
}

await tell({
  query: async () => {
    const { client, sent } = open();
    const { data } = await client.query({ query: JOB, variables });
    return { data, sent };
  },
  get: async () => {
    const { client, sent } = open({ useGETForQueries: true });
    const { data } = await client.query({ query: JOB, variables });
    return { data, sent };
  },
  persisted: async () => {
    const sha256 = (text) => createHash("sha256").update(text).digest("hex");
    const links = [new PersistedQueryLink({ sha256, useGETForHashedQueries: true })];
    const { client, sent } = open({ links });
    const ask = () => client.query({ query: JOB, variables, fetchPolicy: "network-only" });
    return { answers: [(await ask()).data, (await ask()).data], sent };
  },
  errors: async () => ({
    partial: await failing(JOB, { graph: GRAPH, jobId: "no-such-job" }),
    invalid: await failing(gql`query { nothingOfThisName }`),
    variable: await failing(JOB, { graph: GRAPH }),
    token: await failing(JOB, variables, { headers: { "X-Auth-Token": "sandbox-token-expired" } }),
  }),
  cache: async () => {
    const { client } = open();
    const found = await client.query({ query: JOB, variables });
    await client.query({ query: AGAIN, variables: { id: found.data.findJob.id } });
    const kept = client.cache.extract();
    return Object.values(kept).filter(({ __typename }) => __typename === "Job");
  },
  rows: () => pagedToTheEnd(ROWS, { ...variables, first: 5 }, (data) => data.findJob.result.rows),
  jobs: () => pagedToTheEnd(JOBS, { graph: GRAPH, first: 7 }, (data) => data.graph.jobs),
});
