import { expect, test } from 'vitest'
import { type SSEEvent, validateWorkflow } from '../../../src/index.ts'
import {
  createChatTool,
  type LLMProvider,
  OpenRouterProvider,
  type ProviderStreamEvent,
} from '../../../src/integrations/llm/index.ts'
import { idle } from '../../support/fake-clock.ts'
import { outline } from '../../support/outline.ts'
import { chatRig, chats } from './chat-rig.ts'
import { DONE, message, usageMessage } from './stream-rig.ts'

const without = (events: readonly SSEEvent[], ...types: readonly string[]): string[] =>
  outline(events.filter(({ type }) => !types.includes(type)))

const AROUND = ['execution_start', 'execution_complete']

test('an answer is streamed as tokens, then metrics, usage and the output are reported', async () => {
  const { call, events, execution, clock } = chatRig(chats('a'))
  const a = await call('a')
  for (const text of ['Grü', 'ße', '!']) {
    await clock.run(100)
    await a.send(message(text))
  }
  await a.send(
    message('', 'stop'),
    usageMessage(10, 3, { cost: 0.25, prompt_tokens_details: { cached_tokens: 0 } }),
    DONE,
  )
  const { results, tokenUsage } = await execution.result
  const usage = { promptTokens: 10, completionTokens: 3, totalTokens: 13, model: 'm', cacheReads: 0, cost: 0.25 }
  expect(results[0]?.output).toEqual({ text: 'Grüße!', model: 'm', finishReason: 'stop', usage })
  expect(tokenUsage).toEqual({ totalTokensIn: 10, totalTokensOut: 3, totalCacheReads: 0, totalCost: 0.25 })
  expect(without(events, ...AROUND)).toEqual([
    'task_start a',
    'token a',
    'token a',
    'token a',
    'metrics a',
    'token_usage a',
    'task_complete a success',
  ])
  const metrics = events.find(({ type }) => type === 'metrics')
  // Two tokens after the first, in 0.2 s.
  expect(metrics?.data).toMatchObject({ ttftMs: 100, totalMs: 300, tokenCount: 3, tokensPerSec: 10 })
})

test('the fields of a task are the fields of the request to the model', async () => {
  const tasks = [
    {
      id: 'a',
      tool: 'llm:chat',
      arguments: {
        system: 'Be brief',
        messages: [{ role: 'assistant', content: 'Yes?' }],
        prompt: 'Hi',
        model: 'x/y',
        temperature: 0,
        maxTokens: 9,
        stop: 'END',
      },
    },
    { id: 'b', tool: 'llm:chat', arguments: { messages: [{ role: 'user', content: 'Ho' }] } },
  ]
  const { call, execution } = chatRig({ tasks }, {}, { system: 'Be kind', model: 'v/w' })
  const [a, b] = [await call('Hi'), await call('Ho')]
  expect(a.body).toMatchObject({
    model: 'x/y',
    temperature: 0,
    max_tokens: 9,
    stop: 'END',
    messages: [
      { role: 'system', content: 'Be brief' },
      { role: 'assistant', content: 'Yes?' },
      { role: 'user', content: 'Hi' },
    ],
  })
  expect(b.body).toMatchObject({
    model: 'v/w',
    messages: [
      { role: 'system', content: 'Be kind' },
      { role: 'user', content: 'Ho' },
    ],
  })
  for (const each of [a, b]) await each.send(message('ok', 'stop') + DONE)
  expect((await execution.result).status).toBe('success')
})

test('arguments are checked before anything runs', () => {
  const tool = createChatTool(new OpenRouterProvider({ apiKey: 'key' }))
  const args = [{}, { prompt: 5 }, { prompt: 'x', promt: 'y' }, { messages: [] }, { prompt: 'x', maxTokens: 0 }]
  const { issues } = validateWorkflow(
    { tasks: args.map((each, at) => ({ id: `t${at}`, tool: 'llm:chat', arguments: each })) },
    [tool],
  )
  const pointers = new Set(issues.map(({ pointer }) => pointer.split('/').slice(0, 3).join('/')))
  expect([...pointers]).toEqual(args.map((_, at) => `/tasks/${at}`))
  expect(new Set(issues.map(({ code }) => code))).toEqual(new Set(['INVALID_ARGUMENTS']))
  expect(issues[0]?.message).toBe('Missing `prompt`')
})

test('a retry voids the tokens of the failed attempt and keeps its usage counted', async () => {
  const { call, events, execution, clock } = chatRig(chats('a'))
  const first = await call('a')
  await first.send(message('half an ans'), usageMessage(10, 3, { cost: 0.5 }))
  await first.drop()
  await clock.run(1000)
  const second = await call('a')
  await second.send(message('an answer', 'stop'), usageMessage(10, 4, { cost: 0.25 }), DONE)
  const { results, tokenUsage } = await execution.result
  expect(results[0]).toMatchObject({ status: 'success', attempts: 2, output: { text: 'an answer' } })
  expect(tokenUsage).toEqual({ totalTokensIn: 20, totalTokensOut: 7, totalCost: 0.75 })
  expect(without(events, ...AROUND)).toEqual([
    'task_start a',
    'token a',
    'metrics a',
    'token_usage a',
    'task_retry a',
    'task_start a 2',
    'token a 2',
    'metrics a 2',
    'token_usage a 2',
    'task_complete a success',
  ])
  expect(events.find(({ type }) => type === 'task_retry')?.data).toMatchObject({ code: 'CONNECTION_LOST' })
})

test('a failure that no repetition would mend is not retried, and carries the name of its code', async () => {
  const { call, execution, events } = chatRig(chats('a'))
  const a = await call('a')
  await a.send(message('half'), usageMessage(5, 1), 'data: {"error":{"code":402,"message":"No credits"}}\n\n')
  await a.end()
  const { results, tokenUsage } = await execution.result
  expect(results[0]).toMatchObject({ status: 'error', code: 'INSUFFICIENT_QUOTA', attempts: 1 })
  expect(results[0]?.error).toContain('No credits')
  expect(tokenUsage).toEqual({ totalTokensIn: 5, totalTokensOut: 1 })
  expect(without(events, ...AROUND)).toEqual([
    'task_start a',
    'token a',
    'metrics a',
    'token_usage a',
    'task_complete a error INSUFFICIENT_QUOTA',
  ])
})

test('there are three attempts, and the wait is the provider’s where it asks for a longer one', async () => {
  const { calls, call, execution, events, clock } = chatRig(chats('a'))
  for (let attempt = 1; attempt <= 3; attempt++) {
    await (await call('a')).send('data: {oops}\n\n')
    await clock.run(10_000)
  }
  expect((await execution.result).results[0]).toMatchObject({ status: 'error', code: 'MALFORMED_JSON', attempts: 3 })
  expect(calls.length).toBe(3)
  expect(events.filter(({ type }) => type === 'task_retry').length).toBe(2)

  const asked: number[] = []
  const provider: LLMProvider = {
    generate: () => Promise.reject(new Error('no')),
    async *generateStream() {
      asked.push(1)
      yield {
        eventId: 1,
        type: 'error',
        data: { code: 2001, message: 'slow down', retryable: true, retryAfterMs: 7000 },
      }
    },
  }
  const limited = createChatTool(provider)
  const context = { signal: new AbortController().signal, emitToken() {}, reportUsage() {} } as never
  await expect(limited.execute({ prompt: 'x' }, context)).rejects.toMatchObject({
    code: 'PROVIDER_RATE_LIMIT',
    retryable: true,
    retryAfterMs: 7000,
  })
  expect(asked.length).toBe(1)
})

test('a long answer is not cut by the time-out that other tools have', async () => {
  const { call, execution, clock } = chatRig(chats('a'))
  const a = await call('a')
  for (let minute = 0; minute < 30; minute++) {
    await clock.run(60_000)
    await a.send(message('x'))
  }
  await a.send(message('', 'stop') + DONE)
  expect((await execution.result).results[0]).toMatchObject({ status: 'success', output: { text: 'x'.repeat(30) } })
})

test('a provider is asked for eight answers at once, by all of its tools together', async () => {
  const provider = new OpenRouterProvider({ apiKey: 'key' })
  const { limit } = createChatTool(provider)
  expect(limit).toMatchObject({ size: 8 })
  expect(createChatTool(provider, { name: 'llm:other' }).limit).toBe(limit)
  expect(createChatTool(new OpenRouterProvider({ apiKey: 'key' })).limit).not.toBe(limit)

  const names = Array.from({ length: 12 }, (_, at) => `t${at}`)
  const { calls, execution } = chatRig(chats(...names))
  await idle()
  expect(calls.length).toBe(8)
  for (let answered = 0; answered < 12; answered++) {
    await calls[answered]?.send(message('ok', 'stop') + DONE)
    await idle()
  }
  expect((await execution.result).successCount).toBe(12)
})

test('a provider that ends its stream without an ending fails the attempt', async () => {
  const provider: LLMProvider = {
    generate: () => Promise.reject(new Error('no')),
    async *generateStream() {
      yield { eventId: 1, type: 'content', data: 'half' }
    },
  }
  const context = { signal: new AbortController().signal, emitToken() {}, reportUsage() {} } as never
  const answer = createChatTool(provider).execute({ prompt: 'x' }, context)
  await expect(answer).rejects.toMatchObject({ code: 'UNEXPECTED_STREAM_END' })
})

test('a provider that reports no finish reason still has an answer', async () => {
  const usage = { promptTokens: 1, completionTokens: 2, totalTokens: 3, model: 'm' }
  const provider = (events: readonly ProviderStreamEvent[]): LLMProvider => ({
    generate: () => Promise.reject(new Error('no')),
    async *generateStream() {
      yield* events
    },
  })
  const context = { signal: new AbortController().signal, emitToken() {}, reportUsage() {} } as never
  const done = { eventId: 2, type: 'done' } as const
  expect(
    await createChatTool(provider([{ eventId: 1, type: 'usage', data: usage }, done])).execute({}, context),
  ).toEqual({ text: '', model: 'm', usage })
  expect(await createChatTool(provider([done]), { model: 'asked' }).execute({}, context)).toEqual({
    text: '',
    model: 'asked',
  })
  expect(await createChatTool(provider([done])).execute({}, context)).toEqual({ text: '' })
})

test('a value that is not a provider is refused', () => {
  expect(() => createChatTool({} as LLMProvider)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})
