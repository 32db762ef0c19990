/* Relay without React: what useRefetchableFragment and usePaginationFragment do, by the same metadata of its compiler. */
import {
  Environment, fetchQuery, getPaginationMetadata, getPaginationVariables, getRefetchMetadata, getSelector, graphql,
  Network, RecordSource, Store,
} from "relay-runtime";
import { GRAPH, headers, RANKING, tell, url } from "../told.mjs";

const JOB = graphql`
  query jobsJobQuery($graph: GraphRef!, $jobId: String!) {
    findJob(graph: $graph, jobId: $jobId) { id ...jobsJob ...jobsRows }
  }
`;
const STATUS = graphql`
  fragment jobsJob on Job @refetchable(queryName: "jobsJobRefetchQuery") { id status name }
`;
const ROWS = graphql`
  fragment jobsRows on Job
  @argumentDefinitions(count: { type: "Int", defaultValue: 5 }, cursor: { type: "String" })
  @refetchable(queryName: "jobsRowsRefetchQuery") {
    id
    result {
      rows(first: $count, after: $cursor) @connection(key: "jobsRows_rows") {
        edges { node { index ... on VertexValueRow { vertexId value } } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`;
const GRAPH_QUERY = graphql`
  query jobsGraphQuery($graph: GraphRef!) {
    graph(by: $graph) { ...jobsOfGraph }
  }
`;
const JOBS_OF_GRAPH = graphql`
  fragment jobsOfGraph on Graph
  @argumentDefinitions(count: { type: "Int", defaultValue: 7 }, cursor: { type: "String" })
  @refetchable(queryName: "jobsOfGraphRefetchQuery") {
    id
    jobs(first: $count, after: $cursor) @connection(key: "jobsOfGraph_jobs") {
      edges { node { id jobId plane } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;
const PROJECT_QUERY = graphql`
  query jobsProjectQuery { ...jobsOfProject }
`;
const JOBS_OF_PROJECT = graphql`
  fragment jobsOfProject on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 4 }, cursor: { type: "String" })
  @refetchable(queryName: "jobsOfProjectRefetchQuery") {
    jobs(first: $count, after: $cursor) @connection(key: "jobsOfProject_jobs") {
      edges { node { id jobId plane } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

function open() {
  const sent = [];
  const ask = async ({ id, name, text }, variables) => {
    sent.push(name);
    /* Documents that the compiler has persisted have an id and no text. */
    const body = JSON.stringify({ ...(id === null ? { query: text } : { documentId: id }), variables });
    const accept = "application/graphql-response+json, application/json";
    const answer = await fetch(url, { method: "POST", headers: { ...headers, accept, "content-type": "application/json" }, body });
    return answer.json();
  };
  return { environment: new Environment({ network: Network.create(ask), store: new Store(new RecordSource()) }), sent };
}

const asked = (environment, query, variables) => fetchQuery(environment, query, variables).toPromise();
const read = (environment, fragment, reference) => environment.lookup(getSelector(fragment, reference)).data;

/* Asks for the next page until there is none; the connection in the store grows with each. */
async function pagedToTheEnd(environment, fragment, reference, baseVariables, count) {
  const { paginationRequest, paginationMetadata, connectionPathInFragmentData: path } = getPaginationMetadata(fragment);
  const connection = () => path.reduce((value, key) => value[key], read(environment, fragment, reference));
  let pages = 1;
  while (connection().pageInfo.hasNextPage) {
    const after = connection().pageInfo.endCursor;
    const variables = getPaginationVariables("forward", count, after, baseVariables, {}, paginationMetadata);
    await asked(environment, paginationRequest, variables);
    pages += 1;
  }
  return { pages, nodes: connection().edges.map(({ node }) => node) };
}

const job = { graph: GRAPH, jobId: RANKING };

await tell({
  refetch: async () => {
    const { environment, sent } = open();
    const { findJob } = await asked(environment, JOB, job);
    const before = read(environment, STATUS, findJob);
    const { refetchableRequest, identifierInfo } = getRefetchMetadata(STATUS, "refetch");
    await asked(environment, refetchableRequest, { [identifierInfo.identifierQueryVariableName]: findJob.id });
    return { before, after: read(environment, STATUS, findJob), sent };
  },
  rows: async () => {
    const { environment } = open();
    const { findJob } = await asked(environment, JOB, job);
    return pagedToTheEnd(environment, ROWS, findJob, { id: findJob.id }, 5);
  },
  jobs: async () => {
    const { environment } = open();
    const { graph } = await asked(environment, GRAPH_QUERY, { graph: GRAPH });
    const { id } = read(environment, JOBS_OF_GRAPH, graph);
    return pagedToTheEnd(environment, JOBS_OF_GRAPH, graph, { id }, 7);
  },
  project: async () => {
    const { environment } = open();
    const project = await asked(environment, PROJECT_QUERY, {});
    return pagedToTheEnd(environment, JOBS_OF_PROJECT, project, {}, 4);
  },
  partial: async () => {
    const { environment } = open();
    return asked(environment, JOB, { graph: GRAPH, jobId: "no-such-job" });
  },
});
