/* Watches one job through a real client and prints its events, one JSON line each; `complete` when the stream ends.
   Arguments: which client, the URL of the endpoint, the token, the id of the job. */
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { createClient as createSSEClient } from "graphql-sse";
import { createClient as createWSClient } from "graphql-ws";
import WebSocket from "ws";

const [client, url, token, id] = process.argv.slice(2);
const query = `subscription Watch($id: ID!) {
  jobUpdated(id: $id) { type previousStatus problem { code } job { id jobId status isTerminal } }
}`;
const headers = { "X-Auth-Token": token };
const operation = { query, variables: { id } };

const sink = {
  next: (result) => console.log(JSON.stringify(result.data?.jobUpdated ?? result)),
  error: (error) => {
    console.error(error);
    process.exit(1);
  },
  complete: () => {
    console.log(JSON.stringify("complete"));
    process.exit(0);
  },
};

const clients = {
  "graphql-ws": () =>
    createWSClient({ url: url.replace("http", "ws"), webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 0 })
      .subscribe(operation, sink),
  "graphql-sse": () => createSSEClient({ url, headers, retryAttempts: 0 }).subscribe(operation, sink),
  /* Apollo's HttpLink asks for multipart by itself when the operation is a subscription. */
  apollo: () =>
    new ApolloClient({ link: ApolloLink.from([new HttpLink({ uri: url, headers })]), cache: new InMemoryCache() })
      .subscribe({ query: gql(query), variables: { id } })
      .subscribe(sink),
};
clients[client]();
