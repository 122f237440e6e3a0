// A plan as an agent would write it: facts go into the memory of an MCP server, are searched, and a model sums them up.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { type DAGStructure, StreamingExecutor } from 'dagstream'
import { createChatTool, OpenRouterProvider } from 'dagstream/tools/llm'
import { createMcpServers } from 'dagstream/tools/mcp'

const plan: DAGStructure = JSON.parse(`{ "name": "Who programmed what", "tasks": [
  { "id": "person", "tool": "memory:create_entities", "arguments": { "entities": [
    { "name": "Ada", "entityType": "person", "observations": ["wrote the first program"] } ] } },
  { "id": "machine", "tool": "memory:create_entities", "arguments": { "entities": [
    { "name": "Engine", "entityType": "machine", "observations": ["was never finished"] } ] } },
  { "id": "relation", "tool": "memory:create_relations", "dependsOn": ["person", "machine"], "arguments": {
    "relations": [{ "from": "Ada", "to": "Engine", "relationType": "programmed" }] } },
  { "id": "facts", "tool": "memory:open_nodes", "dependsOn": ["relation"], "arguments": { "names": ["Ada", "Engine"] } },
  { "id": "found", "tool": "memory:search_nodes", "dependsOn": ["relation"], "arguments": { "query": "never" } },
  { "id": "summary", "tool": "llm:chat", "arguments": {
    "prompt": "Sum up $OUTPUT[facts]; what about \${OUTPUT[found].entities[0].name}?" } },
  { "id": "title", "tool": "llm:chat", "arguments": { "prompt": "A title for: $OUTPUT[summary].text" } }
] }`)

// Instead of OpenRouter: an endpoint that keeps account of what it was asked and what it charged.
const prompts: string[] = []
const charged = { totalTokensIn: 0, totalTokensOut: 0, totalCost: 0 }
const endpoint = createServer((request, response) => void answer(request, response))
await new Promise<void>(resolve => endpoint.listen(0, '127.0.0.1', resolve))
const baseURL = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`
// Against OpenRouter: `new OpenRouterProvider()`, with its key in `OPENROUTER_API_KEY`.
const provider = new OpenRouterProvider({ baseURL, apiKey: 'none' })

const folder = await mkdtemp(join(tmpdir(), 'agent-plan-'))
const script = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-memory/dist/index.js')
const env = { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') }
const servers = createMcpServers({ mcpServers: { memory: { command: process.execPath, args: [script], env } } })
try {
  const tools = [...(await servers.toolsFor(plan)), createChatTool(provider)]
  const execution = new StreamingExecutor(tools).stream(plan)
  const texts = new Map<string, string>()
  for await (const { type, data } of execution) {
    if (type === 'task_complete' && texts.has(data.taskId)) process.stdout.write('\n')
    if (type !== 'token') continue
    process.stdout.write(data.text)
    texts.set(data.taskId, (texts.get(data.taskId) ?? '') + data.text)
  }
  const { status, results, tokenUsage } = await execution.result

  assert.equal(status, 'success')
  assert.deepEqual(Object.fromEntries(texts), {
    summary: 'Ada programmed an engine never built.',
    title: 'A program too early',
  })
  assert.match(prompts[0] ?? '', /wrote the first program.*was never finished.*programmed.*what about Engine\?$/)
  assert.equal(prompts[1], 'A title for: Ada programmed an engine never built.')
  const title = results.at(-1)?.output as { text: string } | undefined
  assert.equal(title?.text, texts.get('title'))
  assert.deepEqual(tokenUsage, charged)
} finally {
  await servers.close()
  endpoint.close()
  await rm(folder, { recursive: true })
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { messages } = (await json(request)) as { messages: { content: string }[] }
  const prompt = messages.at(-1)?.content ?? ''
  prompts.push(prompt)
  const words = prompt.startsWith('A title')
    ? ['A program ', 'too early']
    : ['Ada programmed ', 'an engine ', 'never built.']
  const send = (data: object): unknown => response.write(`data: ${JSON.stringify(data)}\n\n`)
  response.setHeader('content-type', 'text/event-stream')
  for (const content of words) {
    send({ choices: [{ delta: { content } }] })
    await new Promise(resolve => setImmediate(resolve))
  }
  send({ choices: [{ delta: {}, finish_reason: 'stop' }] })
  send({ choices: [], usage: { prompt_tokens: prompt.length, completion_tokens: words.length, cost: 0.25 } })
  charged.totalTokensIn += prompt.length
  charged.totalTokensOut += words.length
  charged.totalCost += 0.25
  response.end('data: [DONE]\n\n')
}
