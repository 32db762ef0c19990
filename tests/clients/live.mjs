/* A job watched by Apollo Client: events change what a query shows, since both name the job by its id.
   Argument beside address and token: the id that GES gave to the job. */
import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { GRAPH, headers, tell, url } from "./told.mjs";

const JOB = gql`
  query Job($graph: GraphRef!, $jobId: String!) {
    findJob(graph: $graph, jobId: $jobId) { id status }
  }
`;
const WATCH = gql`
  subscription Watch($id: ID!) {
    jobUpdated(id: $id) { type job { id status } }
  }
`;

await tell({
  live: async () => {
    const client = new ApolloClient({ link: new HttpLink({ uri: url, headers }), cache: new InMemoryCache() });
    const asked = { query: JOB, variables: { graph: GRAPH, jobId: process.argv[4] } };
    const { id, status } = (await client.query(asked)).data.findJob;
    const events = [];
    await new Promise((complete, error) => {
      const next = ({ data }) => events.push(data.jobUpdated.type);
      client.subscribe({ query: WATCH, variables: { id } }).subscribe({ next, error, complete });
    });
    return { before: status, after: client.readQuery(asked).findJob.status, last: events.at(-1) };
  },
});
