// The peer: the same contract on mercurius with graphql-jit, as its manual shows it. One process, undici upstream.
import fastify from 'fastify'
import mercurius from 'mercurius'
import { Pool } from 'undici'

const upstream = new Pool(process.env.BENCHMARK_UPSTREAM, { connections: 64, bodyTimeout: 60_000 })
const status = async (job, limit) => {
  const { project, graph, jobId } = job
  const path = `/ges/v1.0/${project}/graphs/${graph}/jobs/${jobId}/status?offset=0&limit=${limit}`
  return (await upstream.request({ path, method: 'GET' })).body.json()
}

const schema = `
  scalar JSON
  enum Plane { SERVICE }
  enum JobStatus { RUNNING SUCCEEDED }
  enum ResultKind { VERTICES VERTEX_VALUES PATHS EDGES }
  type Query { job(id: ID!): Job }
  type Job {
    jobId: String! plane: Plane! status: JobStatus! rawStatus: String isTerminal: Boolean! graphName: String
    result: AlgorithmResult
  }
  type AlgorithmResult { kind: ResultKind! totalCount: Int rows(first: Int = 100): ResultRowConnection! }
  type ResultRowConnection { nodes: [ResultRow!]! }
  interface ResultRow { index: Int! }
  type VertexRow implements ResultRow { index: Int! vertexId: String! label: String properties: JSON }
  type VertexValueRow implements ResultRow { index: Int! vertexId: String! value: Float }
  type PathRow implements ResultRow { index: Int! vertexIds: [String!]! length: Int! }
  type EdgeRow implements ResultRow {
    index: Int! sourceId: String! targetId: String! edgeIndex: String label: String properties: JSON
  }
`

const shapes = {
  vertices: ['VERTICES', 'VertexRow', (row, index) => (
    { index, vertexId: row.id, label: row.label, properties: row.properties })],
  pagerank: ['VERTEX_VALUES', 'VertexValueRow', (row, index) => {
    const vertexId = Object.keys(row)[0]
    return { index, vertexId, value: row[vertexId] }
  }],
  paths: ['PATHS', 'PathRow', (row, index) => ({ index, vertexIds: row, length: row.length - 1 })],
  edges: ['EDGES', 'EdgeRow', (row, index) => (
    { index, sourceId: row.source, targetId: row.target, edgeIndex: row.index, label: row.label,
      properties: row.properties })]
}

const resolvers = {
  ResultRow: { resolveType: (row) => row.type },
  Query: {
    job: async (_, { id }) => {
      const [project, , graph, jobId] = Buffer.from(id, 'base64url').toString().split('.').slice(3)
      const job = { project, graph, jobId }
      const body = await status(job, 1)
      const outputs = body.data.outputs
      const isTerminal = body.status === 'success'
      const key = outputs && Object.keys(shapes).find((name) => name in outputs)
      return {
        jobId, plane: 'SERVICE', status: isTerminal ? 'SUCCEEDED' : 'RUNNING', rawStatus: body.status, isTerminal,
        graphName: graph, result: key && { job, key, kind: shapes[key][0], totalCount: outputs.data_total_size }
      }
    }
  },
  AlgorithmResult: {
    rows: async ({ job, key }, { first }) => {
      const [, type, read] = shapes[key]
      const rows = (await status(job, first)).data.outputs[key]
      return { nodes: rows.map((row, index) => Object.assign(read(row, index), { type })) }
    }
  }
}

const app = fastify()
app.register(mercurius, { schema, resolvers, jit: 1 })
await app.listen({ host: '127.0.0.1', port: Number(process.env.BENCHMARK_PORT) })
