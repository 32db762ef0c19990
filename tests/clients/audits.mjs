/* The audits of graphql-http: what the specification of GraphQL over HTTP asks of a server, each with its verdict. */
import { auditServer } from "graphql-http";
import { headers, tell, url } from "./told.mjs";

await tell({
  audits: async () => {
    const send = (target, options = {}) => fetch(target, { ...options, headers: { ...options.headers, ...headers } });
    const verdicts = await auditServer({ url, fetchFn: send });
    return verdicts.map(({ id, name, status, reason }) => ({ id, name, status, reason }));
  },
});
