/* graphql-codegen's client preset, once for the contract as a file and once for what a gateway tells about itself. */
import type { CodegenConfig } from "@graphql-codegen/cli";

const headers = { "X-Auth-Token": process.env.GATEWAY_TOKEN! };
const client = {
  preset: "client" as const,
  presetConfig: { persistedDocuments: true },
  config: {
    useTypeImports: true,
    strictScalars: true,
    scalars: { DateTime: "string", JSON: "unknown", Long: "number" },
  },
};

const config: CodegenConfig = {
  documents: ["app.ts"],
  emitLegacyCommonJSImports: false,
  generates: {
    "printed/": { ...client, schema: "../schema.graphql" },
    "introspected/": {
      ...client,
      schema: [{ [process.env.GATEWAY_URL!]: { headers, oneOf: true, specifiedByUrl: true } }],
    },
  },
};

export default config;
