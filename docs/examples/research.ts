// Research: several questions to a model at once, and one brief of all the answers, with an account that grows.
import assert from 'node:assert/strict'
import { type DAGTask, StreamingExecutor } from 'dagstream'
import { createChatTool, OpenRouterProvider } from 'dagstream/tools/llm'

// Instead of a network: a model that repeats its prompt in capitals, and answers only once three requests have arrived.
let askedCount = 0
let askAll = (): void => {}
const allAsked = new Promise<void>(resolve => {
  askAll = resolve
})
const fetch = async (_: unknown, init?: { body?: unknown }): Promise<Response> => {
  askedCount += 1
  if (askedCount === 3) askAll()
  await allAsked
  const { messages } = JSON.parse(String(init?.body)) as { messages: { content: string }[] }
  const content = messages.at(-1)?.content.toUpperCase()
  const answer = [
    { choices: [{ delta: { content }, finish_reason: 'stop' }] },
    { choices: [], usage: { prompt_tokens: 100, completion_tokens: 20, cost: 0.5 } },
  ]
  const body = answer.map(data => `data: ${JSON.stringify(data)}\n\n`).join('')
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}
// Against OpenRouter: `new OpenRouterProvider()`, with its key in `OPENROUTER_API_KEY`.
const provider = new OpenRouterProvider({ apiKey: 'none', fetch })

// No question depends on another, so all are asked at once; the brief waits for what it refers to.
const topics = ['history', 'cost', 'risks']
const tasks: DAGTask[] = topics.map(topic => ({
  id: topic,
  tool: 'llm:chat',
  arguments: { prompt: `${topic} of $INPUT` },
}))
const answers = topics.map(topic => `\${OUTPUT[${topic}].text}`).join('; ')
tasks.push({ id: 'brief', tool: 'llm:chat', arguments: { prompt: `a brief: ${answers}` } })

const execution = new StreamingExecutor([createChatTool(provider)]).stream({ tasks }, { input: 'tidal power' })
const account: number[] = []
for await (const { type, data } of execution) {
  if (type !== 'token_usage') continue
  const { totalTokensIn, totalTokensOut, totalCost } = data.executionTokenUsage
  console.log(`${data.taskId}: ${totalTokensIn} tokens in, ${totalTokensOut} out, $${totalCost} so far`)
  account.push(totalTokensIn + totalTokensOut)
}
const { results, parallelizationLayers, tokenUsage } = await execution.result

assert.equal(parallelizationLayers, 2)
const brief = results.at(-1)?.output as { text: string } | undefined
assert.equal(brief?.text, 'A BRIEF: HISTORY OF TIDAL POWER; COST OF TIDAL POWER; RISKS OF TIDAL POWER')
assert.deepEqual(account, [120, 240, 360, 480])
assert.deepEqual(tokenUsage, { totalTokensIn: 400, totalTokensOut: 80, totalCost: 2 })
