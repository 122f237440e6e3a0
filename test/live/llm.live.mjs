// Streams from a real model: `npm run test:live`. Costs a fraction of a cent. Not part of `npm test`.
// OPENROUTER_API_KEY is needed; LIVE_MODEL and LIVE_BASE_URL choose another model or endpoint.
import assert from 'node:assert/strict'
import { StreamingExecutor } from 'dagstream'
import { createChatTool, OpenRouterProvider } from 'dagstream/tools/llm'

if (!process.env.OPENROUTER_API_KEY) {
  console.log('Skipped: OPENROUTER_API_KEY is not set, so there is no model to ask.')
  process.exit(0)
}

const model = process.env.LIVE_MODEL ?? 'openai/gpt-4o-mini'
const where = process.env.LIVE_BASE_URL ? { baseURL: process.env.LIVE_BASE_URL } : {}
const provider = new OpenRouterProvider({ model, ...where })
const counting = 'Count from 1 to 30 in digits, separated by spaces. Nothing else.'

const cases = {
  async 'an answer is streamed, with usage and one ending'() {
    let metrics
    const onStreamMetrics = measured => (metrics = measured)
    const events = []
    for await (const event of provider.generateStream(counting, { temperature: 0, maxTokens: 200, onStreamMetrics })) {
      events.push(event)
    }
    const types = events.map(({ type }) => type).join(' ')
    assert.match(types, /^(?:content )+usage done$/, JSON.stringify(events.at(-1)))
    const text = events.map(({ type, data }) => (type === 'content' ? data : '')).join('')
    assert.match(text, /1 2 3 .*29 30/s)
    assert.ok(events.at(-2).data.completionTokens > 0)
    console.log(`  ${JSON.stringify(metrics)}\n  ${JSON.stringify(events.at(-2).data)}`)
  },

  async 'generate gives the same in one piece'() {
    const { text, usage } = await provider.generate('Say hello in one word.', { maxTokens: 20 })
    assert.ok(text.length > 0 && usage.totalTokens > 0)
  },

  async 'parallel tasks are streamed as tokens, and their usage adds up'() {
    const executor = new StreamingExecutor([createChatTool(provider)])
    const ask = (id, prompt) => ({ id, tool: 'llm:chat', arguments: { prompt, maxTokens: 30 } })
    const tasks = [
      ask('a', 'Name a colour. One word.'),
      ask('b', 'Name an animal. One word.'),
      ask('c', 'Join these into one phrase: $OUTPUT[a].text, $OUTPUT[b].text'),
    ]
    const execution = executor.stream({ tasks })
    const sums = { in: 0, tokens: 0 }
    for await (const { type, data } of execution) {
      if (type === 'token') sums.tokens += 1
      if (type === 'token_usage') sums.in += data.tokenUsage.totalTokensIn
    }
    const { status, tokenUsage, errors } = await execution.result
    assert.equal(status, 'success', JSON.stringify(errors))
    assert.ok(sums.tokens >= 3)
    assert.equal(tokenUsage.totalTokensIn, sums.in)
  },

  async 'an abort ends the answer'() {
    const controller = new AbortController()
    let last
    for await (const event of provider.generateStream(counting, { signal: controller.signal, maxTokens: 200 })) {
      last = event
      controller.abort()
    }
    assert.equal(last.data.details?.aborted, true)
  },

  async 'a wrong key is told as one'() {
    const wrong = new OpenRouterProvider({ apiKey: 'sk-or-v1-wrong', model, ...where })
    await assert.rejects(wrong.generate('hi'), { code: 'AUTHENTICATION_FAILED', retryable: false })
  },
}

console.log(`Asking ${model}`)
for (const [name, run] of Object.entries(cases)) {
  const startedAt = performance.now()
  await run()
  console.log(`ok: ${name} (${Math.round(performance.now() - startedAt)} ms)`)
}
