// A plan as an agent would write it: facts go into the memory of an MCP server, are searched, and a model sums them up.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

// Instead of a network: a model that knows two answers and keeps account of what it was asked.
const prompts: string[] = []
const fetch = async (_: unknown, init?: { body?: unknown }): Promise<Response> => {
  const { messages } = JSON.parse(String(init?.body)) as { messages: { content: string }[] }
  const prompt = messages.at(-1)?.content ?? ''
  prompts.push(prompt)
  const words = prompt.startsWith('A title')
    ? ['A program ', 'too early']
    : ['Ada programmed ', 'what was never built.']
  const body = [
    ...words.map(content => ({ choices: [{ delta: { content } }] })),
    { choices: [{ delta: {}, finish_reason: 'stop' }] },
    { choices: [], usage: { prompt_tokens: prompt.length, completion_tokens: words.length, cost: 0.25 } },
  ].map(data => `data: ${JSON.stringify(data)}\n\n`)
  return new Response(`${body.join('')}data: [DONE]\n\n`, { headers: { 'content-type': 'text/event-stream' } })
}
// Against OpenRouter: `new OpenRouterProvider()`, with its key in `OPENROUTER_API_KEY`.
const provider = new OpenRouterProvider({ apiKey: 'none', fetch })

const folder = await mkdtemp(join(tmpdir(), 'agent-plan-'))
const script = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-memory/dist/index.js')
const env = { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') }
const servers = createMcpServers({ mcpServers: { memory: { command: process.execPath, args: [script], env } } })
try {
  const tools = [...(await servers.toolsFor(plan)), createChatTool(provider)]
  const execution = new StreamingExecutor(tools).stream(plan)
  let shown = ''
  for await (const { type, data } of execution) {
    if (type === 'task_start') process.stdout.write(`${data.taskId}: ${data.tool}\n`)
    if (type !== 'token') continue
    process.stdout.write(`  ${data.text}\n`)
    shown += data.text
  }
  const { status, results, tokenUsage } = await execution.result

  assert.equal(status, 'success')
  assert.equal(shown, 'Ada programmed what was never built.A program too early')
  assert.match(prompts[0] ?? '', /wrote the first program.*was never finished.*programmed.*what about Engine\?$/)
  assert.equal(prompts[1], 'A title for: Ada programmed what was never built.')
  const title = results.at(-1)?.output as { text: string } | undefined
  assert.equal(title?.text, 'A program too early')
  const totalTokensIn = prompts.join('').length
  assert.deepEqual(tokenUsage, { totalTokensIn, totalTokensOut: 4, totalCost: 0.5 })
} finally {
  await servers.close()
  await rm(folder, { recursive: true })
}
