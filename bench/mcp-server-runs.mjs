import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { createMemoryStore, ParallelExecutor } from 'dagstream'
import { createHandler } from 'dagstream/http'
import { computeMedian } from './statistics.mjs'

const CALLS = 20
const WARMUP_ROUNDS = 10
const ROUNDS = 30

const WORKFLOW = { tasks: [{ id: 'a', tool: 'work' }], output: '$OUTPUT[a]' }
const OUTPUT_SCHEMA = {
  type: 'object',
  properties: { executionId: { type: 'string' }, status: { type: 'string' }, output: {} },
  required: ['executionId', 'status'],
}

/**
 * One call at a time, without sockets: the client of the SDK hands its requests to the server in the same process. The three kinds
 * of call are made in turns; the ratio is that of a workflow's call to the sum of the other two.
 */
export async function measureMcpServer() {
  const handler = createHandler({ tools: { work: () => 1 }, workflows: { flow: WORKFLOW }, mcpServer: true })
  const ours = await connect(handler.fetch)
  const bare = await connect(await createBareServer())
  const executor = new ParallelExecutor({ work: () => 1 }, { store: createMemoryStore() })
  const execute = async () => {
    const { status } = await executor.execute(WORKFLOW)
    if (status !== 'success') throw new Error('Expected a success')
  }
  const runs = {
    roundTrip: () => callTool(bare, 'flow'),
    execution: execute,
    call: () => callTool(ours, 'flow'),
  }
  const samples = { roundTrip: [], execution: [], call: [], ratio: [] }
  for (let round = 0; round < WARMUP_ROUNDS + ROUNDS; round++) {
    const took = {}
    const names = Object.keys(runs)
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const startedAt = performance.now()
      for (let call = 0; call < CALLS; call++) await runs[name]()
      took[name] = (performance.now() - startedAt) / CALLS
    }
    if (round < WARMUP_ROUNDS) continue
    for (const name of names) samples[name].push(took[name])
    samples.ratio.push(took.call / (took.roundTrip + took.execution))
  }
  await Promise.all([ours.close(), bare.close()])
  await handler.close()
  return {
    roundTripMs: computeMedian(samples.roundTrip),
    executionMs: computeMedian(samples.execution),
    callMs: computeMedian(samples.call),
    ratio: computeMedian(samples.ratio),
  }
}

async function callTool(client, name) {
  const { structuredContent } = await client.callTool({ name, arguments: {} })
  if (structuredContent?.status !== 'success') throw new Error('Expected a success')
}

async function connect(fetchRequest) {
  const transport = new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), {
    fetch: async (url, init) => fetchRequest(new Request(url, init)),
  })
  const client = new Client({ name: 'bench', version: '1' })
  await client.connect(transport)
  await client.listTools()
  return client
}

/** A server of the SDK with one tool that does nothing. */
async function createBareServer() {
  const server = new Server({ name: 'bare', version: '1' }, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [{ name: 'flow', inputSchema: { type: 'object' }, outputSchema: OUTPUT_SCHEMA }],
  }))
  server.setRequestHandler(CallToolRequestSchema, () => {
    const structuredContent = { executionId: 'x', status: 'success', output: 1 }
    return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent }
  })
  const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: () => crypto.randomUUID() })
  await server.connect(transport)
  return request => transport.handleRequest(request)
}
