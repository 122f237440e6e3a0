// Tools of MCP servers, functions of your own and a model behind one server: a provider that adds them up.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DAGStructure, defineTool } from 'dagstream'
import { createClient } from 'dagstream/client'
import { createHandler, type ToolProvider } from 'dagstream/http'
import { serve } from 'dagstream/http/node'
import { createChatTool, OpenRouterProvider } from 'dagstream/tools/llm'
import { createMcpServers } from 'dagstream/tools/mcp'

const folder = await mkdtemp(join(tmpdir(), 'mcp-with-tools-'))
const script = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-memory/dist/index.js')
const env = { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') }
const servers = createMcpServers({ mcpServers: { memory: { command: process.execPath, args: [script], env } } })

// Instead of a network: a model that repeats what it was asked. Against OpenRouter: `new OpenRouterProvider()`.
const fetch = async (_: unknown, init?: { body?: unknown }): Promise<Response> => {
  const { messages } = JSON.parse(String(init?.body)) as { messages: { content: string }[] }
  const choices = [{ delta: { content: messages.at(-1)?.content }, finish_reason: 'stop' }]
  return new Response(`data: ${JSON.stringify({ choices })}\n\ndata: [DONE]\n\n`, {
    headers: { 'content-type': 'text/event-stream' },
  })
}
// Made once: a limit by number holds across executions by the tool's object.
const own = [
  defineTool({ name: 'shout', execute: ({ text }: { text: string }) => text.toUpperCase() }),
  createChatTool(new OpenRouterProvider({ apiKey: 'none', fetch })),
]
const tools: ToolProvider = {
  toolsFor: async workflow => [...own, ...(await servers.toolsFor(workflow as DAGStructure))],
  tools: async () => [...own, ...(await servers.tools())],
}

const server = await serve(createHandler({ tools }), { port: 0 })
try {
  const entities = [{ name: 'Ada', entityType: 'person', observations: ['wrote programs'] }]
  const execution = createClient({ url: server.url }).stream({
    tasks: [
      { id: 'kept', tool: 'memory:create_entities', arguments: { entities } },
      { id: 'found', tool: 'memory:search_nodes', dependsOn: ['kept'], arguments: { query: 'Ada' } },
      { id: 'loud', tool: 'shout', arguments: { text: '$OUTPUT[found].entities[0].name' } },
      { id: 'said', tool: 'llm:chat', arguments: { prompt: 'Who is $OUTPUT[loud]?' } },
    ],
  })
  const { status, results } = await execution.result
  assert.equal(status, 'success')
  const said = results.at(-1)?.output as { text: string } | undefined
  assert.equal(said?.text, 'Who is ADA?')
} finally {
  await server.close()
  // Close the provider here: the handler does not close it.
  await servers.close()
  await rm(folder, { recursive: true })
}
