/* graphql-inspector on documents and the contract. Arguments: the contract, documents by name as JSON, bounds as JSON. */
import { readFileSync } from "node:fs";
import { validate } from "@graphql-inspector/core";
import { buildSchema, Source } from "graphql";
import { tell } from "../told.mjs";

const [, , contract, documents, bounds] = process.argv;
const schema = buildSchema(readFileSync(contract, "utf8"));

/* Each document is one of its own: names of fragments may come again. */
function problemsOf([name, text]) {
  const found = validate(schema, [new Source(text, name)], JSON.parse(bounds));
  return found.flatMap(({ errors, deprecated }) => [...errors, ...deprecated].map(({ message }) => `${name}: ${message}`));
}

await tell({
  validate: async () => Object.entries(JSON.parse(readFileSync(documents, "utf8"))).flatMap(problemsOf),
});
