/* graphql-eslint on the printed contract: what it recommends for schemas, what Relay asks of them, and a little more. */
import graphql from "@graphql-eslint/eslint-plugin";

const rules = {
  ...graphql.configs["flat/schema-recommended"].rules,
  ...graphql.configs["flat/schema-relay"].rules,
  "@graphql-eslint/require-deprecation-date": "error",
  "@graphql-eslint/require-nullable-fields-with-oneof": "error",
  /* Descriptions are the manual, so everything has one. The only directive printed is GraphQL's own @oneOf. */
  "@graphql-eslint/require-description": [
    "error",
    { types: true, rootField: true, FieldDefinition: true, InputValueDefinition: true, EnumValueDefinition: true },
  ],
  /* GES can be read forwards only. */
  "@graphql-eslint/relay-arguments": ["error", { includeBoth: false }],
  /* The files of one import or the values of one result are no pages; and `nodes` is beside `edges` for convenience. */
  "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false }],
  /* `Job.jobId` and `Graph.graphId` are the ids that GES gave; `id` is ours. */
  "@graphql-eslint/no-typename-prefix": "off",
  /* What can be read again by itself has an id: jobs and graphs. Parts of them have none, and caches keep them there. */
  "@graphql-eslint/strict-id-in-types": "off",
};

export default [
  {
    files: ["**/*.graphql"],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: "schema.graphql" } } },
    plugins: { "@graphql-eslint": graphql },
    rules,
  },
];
