// Real sockets: that usage counts which the provider had sent when its request was aborted, though nobody had read it.
import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { type DAGStructure, type ExecuteOptions, type Execution, StreamingExecutor } from '../../../src/index.ts'
import { createChatTool, OpenRouterProvider, type ProviderStreamEvent } from '../../../src/integrations/llm/index.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { outline } from '../../support/outline.ts'
import { chats } from './chat-rig.ts'
import { type ProviderServer, serveProvider } from './provider-server.ts'
import { DONE, message, usageMessage } from './stream-rig.ts'

const NAMES = Array.from({ length: 8 }, (_, at) => `t${at}`)

const begin = (response: ServerResponse, ...chunks: readonly string[]): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(chunks.join(''))
}

const finish = (response: ServerResponse): void => {
  response.end(message('b', 'stop') + usageMessage(10, 10, { cost: 0.25 }) + DONE)
}

function run(
  { baseURL }: ProviderServer,
  workflow: DAGStructure,
  options: ExecuteOptions = {},
  more: { clock?: FakeClock } = {},
): Execution {
  const tool = createChatTool(new OpenRouterProvider({ apiKey: 'key', baseURL }))
  return new StreamingExecutor([tool], more).stream(workflow, options)
}

/** Collects responses, and goes on with all of them in one moment. */
function together(
  count: number,
  finishAll: (responses: readonly ServerResponse[]) => void,
): (response: ServerResponse) => void {
  const waiting: ServerResponse[] = []
  return response => {
    waiting.push(response)
    if (waiting.length === count) finishAll(waiting)
  }
}

test('of eight answers that end in one moment, the budget that the first one exceeds loses no usage', async () => {
  const finishAll = together(8, responses => {
    for (const response of responses) finish(response)
  })
  const server = await serveProvider(response => {
    begin(response, message('a'))
    finishAll(response)
  })
  const { reason, tokenUsage } = await run(server, chats(...NAMES), { maxTokens: 10 }).result
  expect(reason?.code).toBe('BUDGET_EXCEEDED')
  expect(tokenUsage).toEqual({ totalTokensIn: 80, totalTokensOut: 80, totalCost: 2 })
})

test('a cancel in the moment in which eight answers are sent whole loses no usage, and nothing of them is reported', async () => {
  const server = await serveProvider(
    together(8, responses => {
      for (const response of responses) {
        begin(response, message('a'))
        finish(response)
      }
      execution.cancel()
    }),
  )
  const execution = run(server, chats(...NAMES))
  const events = []
  for await (const event of execution) events.push(event)
  const { tokenUsage, cancelledCount } = await execution.result
  expect([tokenUsage, cancelledCount]).toEqual([{ totalTokensIn: 80, totalTokensOut: 80, totalCost: 2 }, 8])
  const ofOne = outline(events.filter(({ data }) => (data as { taskId?: string }).taskId === 't0'))
  expect(ofOne).toEqual(['task_start t0', 'token_usage t0', 'task_complete t0 cancelled'])
})

test('an error response that is in the socket when the execution is cancelled counts with its usage', async () => {
  const server = await serveProvider(response => {
    response.writeHead(503, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error: 'busy', usage: { prompt_tokens: 5, completion_tokens: 1 } }))
    execution.cancel()
  })
  const execution = run(server, chats('a'))
  const { tokenUsage, results } = await execution.result
  expect([results[0]?.status, tokenUsage]).toEqual(['cancelled', { totalTokensIn: 5, totalTokensOut: 1 }])
})

test('usage that is sent as the time of its task ends counts', async () => {
  const clock = new FakeClock()
  const server = await serveProvider(response => {
    begin(response, message('a'), usageMessage(3, 4))
    clock.advance(200)
  })
  const execution = run(server, chats({ id: 'a', timeoutMs: 200, retry: { maxAttempts: 1 } }), {}, { clock })
  const { results, tokenUsage } = await execution.result
  expect(results[0]).toMatchObject({ status: 'error', code: 'TASK_TIMEOUT' })
  expect(tokenUsage).toEqual({ totalTokensIn: 3, totalTokensOut: 4 })
})

test('a provider that continues sending is cut soon after an abort, its usage kept, its text dropped', async () => {
  const server = await serveProvider(response => {
    begin(response, message('a'), usageMessage(1, 2))
    const write = (): void => {
      while (response.writable && response.write(message('endless')));
    }
    response.on('drain', write)
    setImmediate(write)
  })
  const controller = new AbortController()
  const events: ProviderStreamEvent[] = []
  let countAtAbort = Number.POSITIVE_INFINITY
  const provider = new OpenRouterProvider({ apiKey: 'key', baseURL: server.baseURL })
  for await (const event of provider.generateStream('hi', { signal: controller.signal })) {
    events.push(event)
    if (events.length > 1) continue
    // When all that has been read is told.
    setImmediate(() => {
      countAtAbort = events.length
      controller.abort()
    })
  }
  await server.closed()
  expect(events.slice(countAtAbort)).toMatchObject([
    { type: 'usage', data: { totalTokens: 3 } },
    { type: 'error', data: { code: 1002, retryable: false, details: { aborted: true } } },
  ])
})

test('usage that is reported with every message is counted as it comes, so that a budget ends the answer that exceeds it', async () => {
  const server = await serveProvider(response => {
    begin(response, message('a'))
    for (const out of [1, 4, 9]) response.write(usageMessage(10, out, { cost: out / 8 }))
  })
  const { reason, tokenUsage, results } = await run(server, chats('a'), { maxTokens: 15 }).result
  expect([reason?.code, results[0]?.status]).toEqual(['BUDGET_EXCEEDED', 'cancelled'])
  expect(tokenUsage).toEqual({ totalTokensIn: 10, totalTokensOut: 9, totalCost: 1.125 })
})

test('usage that an endpoint lowers later counts with its maximum, once', async () => {
  const server = await serveProvider(response => {
    begin(response, message('a'))
    const usages = [9, 4, 9]
    // Each in a turn of its own, so that they are read one by one.
    const next = (): unknown => {
      const out = usages.shift()
      if (out === undefined) return response.end(message('b', 'stop') + DONE)
      response.write(usageMessage(10, out))
      return setImmediate(next)
    }
    next()
  })
  const { tokenUsage } = await run(server, chats('a')).result
  expect(tokenUsage).toEqual({ totalTokensIn: 10, totalTokensOut: 9 })
})

test('usage that the provider writes only once it hears of the cancel counts', async () => {
  let finishStream = (): void => {}
  const server = await serveProvider(response => {
    begin(response, message('a'))
    // Longer than a few turns of the event loop.
    finishStream = () => setTimeout(() => finish(response), 20)
  })
  const execution = run(server, chats('a'))
  for await (const { type } of execution) {
    if (type !== 'token') continue
    execution.cancel()
    finishStream()
  }
  const { tokenUsage, results } = await execution.result
  expect([results[0]?.status, tokenUsage]).toEqual([
    'cancelled',
    { totalTokensIn: 10, totalTokensOut: 10, totalCost: 0.25 },
  ])
})
