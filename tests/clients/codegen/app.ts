/* An application as typescript sees it, strictly: every field it uses must be in the types made from the contract. */
import { tell, url, headers } from "../told.mjs";
import { type DocumentType, graphql, useFragment } from "./printed/index.js";
import type { JobStatus, RankingQuery, RankingQueryVariables } from "./printed/graphql.js";
import type { RankingQuery as IntrospectedQuery } from "./introspected/graphql.js";

const ROW = graphql(`
  fragment Row on ResultRow {
    __typename
    index
    raw
    ... on VertexValueRow { vertexId value }
  }
`);
const RANKING = graphql(`
  query Ranking($graph: GraphRef!, $jobId: String!, $first: Int!) {
    findJob(graph: $graph, jobId: $jobId) {
      id
      status
      startedAt
      importDetail { totals { totalLines failedLines } }
      result { kind totalCount rows(first: $first) { nodes { ...Row } pageInfo { hasNextPage endCursor } } }
    }
  }
`);

/* A word that is missing here, or one that the contract does not have, is an error of compilation. */
const COLOURS: Record<JobStatus, string> = {
  PENDING: "grey",
  RUNNING: "blue",
  SUCCEEDED: "green",
  PARTIALLY_FAILED: "yellow",
  FAILED: "red",
  CANCELLED: "grey",
  UNKNOWN: "grey",
};

function scoreOf(row: DocumentType<typeof ROW>): number | null {
  return row.__typename === "VertexValueRow" ? row.value : null;
}

/* What introspection gives is what the file says. */
const isSame = (query: RankingQuery): IntrospectedQuery => query;

/* The preset adds this to each document, though not to its type. */
const hashOf = (document: object) => (document as { __meta__: { hash: string } }).__meta__.hash;

type Answer = { data?: RankingQuery; errors?: { extensions: { code: string } }[] };

async function post(body: object): Promise<Answer> {
  const options = { method: "POST", headers: { ...headers, "content-type": "application/json" } };
  const answer = await fetch(url, { ...options, body: JSON.stringify(body) });
  return (await answer.json()) as Answer;
}

const variables: RankingQueryVariables = {
  graph: { name: "supply_chain" },
  jobId: "5e9c0705-41d8-4b6a-93f0-27ac1d0e0005007740215",
  first: 3,
};

await tell({
  byId: async () => {
    const { data } = await post({ documentId: hashOf(RANKING), variables });
    const job = isSame(data!).findJob!;
    const rows = useFragment(ROW, job.result!.rows.nodes);
    return { colour: COLOURS[job.status], scores: rows.map(scoreOf), total: job.result!.totalCount };
  },
  other: async () => (await post({ query: "{ gateway { version } }" })).errors?.map(({ extensions }) => extensions.code),
});
