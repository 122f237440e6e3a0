import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { expect, onTestFinished, test } from 'vitest'
import { httpTools } from 'dagstream/tools/http'
import { createChatTool, OpenRouterProvider } from 'dagstream/tools/llm'
import { mcpTools } from 'dagstream/tools/mcp'
import { type DAGTask, ParallelExecutor, type ToolSource } from '../../src/index.ts'
import { sendJson, startLoopback } from '../integrations/http/loopback.ts'
import { otelRig } from './otel-rig.ts'

/** Runs one task. @returns the context of the span of its attempt */
async function runTraced(tools: ToolSource, task: Omit<DAGTask, 'id'>): Promise<string> {
  const { observer, receiver, flush } = await otelRig()
  const { errors } = await new ParallelExecutor(tools, { observers: [observer] }).execute({
    tasks: [{ id: 'a', ...task }],
  })
  expect(errors).toEqual([])
  await flush()
  const { traceId, spanId } = receiver.find(`execute_tool ${task.tool}`)
  return `00-${traceId}-${spanId}-01`
}

test('an HTTP tool sends the context of its attempt', async () => {
  const { url, requests } = await startLoopback((_, response) => sendJson(response, {}))
  const tools = httpTools({ allowPrivateAddresses: true })
  const traceparent = await runTraced(tools, { tool: 'http:get', arguments: { url } })
  expect(requests.map(({ headers }) => headers['traceparent'])).toEqual([traceparent])
})

test('a task that gives an HTTP tool a `traceparent` keeps it', async () => {
  const { url, requests } = await startLoopback((_, response) => sendJson(response, {}))
  const tools = httpTools({ allowPrivateAddresses: true })
  await runTraced(tools, { tool: 'http:get', arguments: { url, headers: { Traceparent: 'own' } } })
  expect(requests.map(({ headers }) => headers['traceparent'])).toEqual(['own'])
})

test('the provider of models sends the context of its attempt', async () => {
  const { url, requests } = await startLoopback((_, response) =>
    response
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .end('data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'),
  )
  const provider = new OpenRouterProvider({ apiKey: 'key', model: 'm', baseURL: url })
  const traceparent = await runTraced([createChatTool(provider)], { tool: 'llm:chat', arguments: { prompt: 'Hi' } })
  expect(requests.map(({ headers }) => headers['traceparent'])).toEqual([traceparent])
})

test('an MCP tool sends the context of its attempt in `params._meta`', async () => {
  const seen: unknown[] = []
  const server = new Server({ name: 's', version: '1' }, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [{ name: 'work', inputSchema: { type: 'object' } }],
  }))
  server.setRequestHandler(CallToolRequestSchema, ({ params: { _meta: meta } }) => {
    seen.push(meta?.['traceparent'])
    return { content: [{ type: 'text', text: 'done' }] }
  })
  const [near, far] = InMemoryTransport.createLinkedPair()
  const client = new Client({ name: 'c', version: '1' })
  await Promise.all([server.connect(far), client.connect(near)])
  onTestFinished(() => client.close())
  const traceparent = await runTraced(await mcpTools({ s: client }), { tool: 's:work' })
  expect(seen).toEqual([traceparent])
})
