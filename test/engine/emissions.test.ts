// oxlint-disable unicorn/consistent-function-scoping -- a helper stands in the one test that needs it
import { expect, test } from 'vitest'
import type { EventFor, Logger, SSEEvent, SSEEventType, Tool, ToolContext } from '../../src/index.ts'
import { outline } from '../support/outline.ts'
import { rig } from '../support/rig.ts'
import { task, workflow } from '../support/workflows.ts'

/** An execution of one tool that emits a bit of everything and then ends as `end` says. */
function emitting(end: (context: ToolContext) => unknown, rest: Partial<Tool> = {}): ReturnType<typeof rig> {
  const execute = (_: unknown, context: ToolContext): unknown => {
    context.log('info', 'begins')
    context.emitToken('Hel')
    context.reportUsage({ totalTokensIn: 3 })
    context.emitToken('lo')
    context.reportProgress({ progress: 1, total: 2, message: 'half' })
    context.emitToken('!')
    return end(context)
  }
  return rig(workflow('a'), { tools: { work: { execute, ...rest } }, abortGraceMs: 50 })
}

const EMITTED = ['task_start a', 'info a', 'token a', 'task_progress a', 'token a', 'metrics a', 'token_usage a']

test.each<[string, Parameters<typeof emitting>, number, string]>([
  ['success', [() => 1], 0, 'task_complete a success'],
  ['a success by a promise', [async () => 1], 0, 'task_complete a success'],
  [
    'failure',
    [
      () => {
        throw new Error('no')
      },
    ],
    0,
    'task_complete a error TOOL_ERROR',
  ],
  [
    'a failure by a promise',
    [
      async () => {
        throw new Error('no')
      },
    ],
    0,
    'task_complete a error TOOL_ERROR',
  ],
  ['an output that is not JSON', [() => 1n], 0, 'task_complete a error OUTPUT_NOT_SERIALIZABLE'],
  ['timeout', [context => untilAborted(context), { timeoutMs: 10 }], 10, 'task_complete a error TASK_TIMEOUT'],
  ['abandonment', [() => new Promise(() => {}), { timeoutMs: 10 }], 60, 'task_complete a error TASK_TIMEOUT'],
])('the events of an attempt keep their order when it ends by %s', async (_, [end, rest], ms, last) => {
  const { execution, events, clock } = emitting(end, rest)
  await clock.run(ms)
  const { tokenUsage } = await execution.result
  expect(outline(events).slice(1, -1)).toEqual([...EMITTED, last])
  expect(tokenUsage).toEqual({ totalTokensIn: 3, totalTokensOut: 0 })
})

test('the events of an attempt keep their order when it is cancelled', async () => {
  const { execution, events, clock } = emitting(untilAborted)
  await clock.run(5)
  execution.cancel()
  expect((await execution.result).tokenUsage).toEqual({ totalTokensIn: 3, totalTokensOut: 0 })
  expect(outline(events).slice(1, -1)).toEqual([
    ...EMITTED.slice(0, EMITTED.indexOf('metrics a')),
    'execution_stopping',
    ...EMITTED.slice(EMITTED.indexOf('metrics a')),
    'task_complete a cancelled',
  ])
})

test('the events of an attempt keep their order when another follows, and each attempt reports its own usage', async () => {
  const execute = (_: unknown, { attempt, emitToken, reportUsage }: ToolContext): number => {
    emitToken(`try ${attempt}`)
    reportUsage({ totalTokensOut: attempt, totalCost: 0 })
    if (attempt === 1) throw new Error('once')
    return 1
  }
  const { execution, events, clock } = rig(workflow(task('a', [], { retry: { maxAttempts: 2, initialDelayMs: 1 } })), {
    tools: { work: { execute } },
  })
  await clock.run(10)
  expect((await execution.result).tokenUsage).toEqual({ totalTokensIn: 0, totalTokensOut: 3, totalCost: 0 })
  expect(outline(events).slice(1, -1)).toEqual([
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
  expect(
    dataOf(events, 'token_usage').map(({ tokenUsage, executionTokenUsage }) => [tokenUsage, executionTokenUsage]),
  ).toEqual([
    [
      { totalTokensIn: 0, totalTokensOut: 1, totalCost: 0 },
      { totalTokensIn: 0, totalTokensOut: 1, totalCost: 0 },
    ],
    [
      { totalTokensIn: 0, totalTokensOut: 2, totalCost: 0 },
      { totalTokensIn: 0, totalTokensOut: 3, totalCost: 0 },
    ],
  ])
})

test('tokens of one turn are joined, none is lost, and a later turn makes an event of its own', async () => {
  const { tool, execution, events } = rig(workflow('a'))
  const a = await tool.nextCall('a')
  for (const piece of ['Hel', 'lo ', 'wor', '', 'ld']) a.context.emitToken(piece)
  await tool.idle()
  expect(dataOf(events, 'token').map(({ text }) => text)).toEqual(['Hello world'])
  a.context.emitToken('!')
  a.succeed()
  await execution.result
  expect(dataOf(events, 'token').map(({ text }) => text)).toEqual(['Hello world', '!'])
})

test('tokens of many tasks at once stay with their tasks', async () => {
  const { tool, execution, events } = rig(workflow('a', 'b', 'c'))
  const calls = await tool.nextCalls('a', 'b', 'c')
  for (let index = 0; index < 50; index++)
    for (const { taskId, context } of calls) context.emitToken(`${taskId}${index} `)
  await tool.idle()
  for (const call of calls) call.succeed()
  await execution.result
  for (const id of ['a', 'b', 'c']) {
    const text = dataOf(events, 'token')
      .filter(({ taskId }) => taskId === id)
      .map(each => each.text)
    expect(text.join('')).toBe(Array.from({ length: 50 }, (_, index) => `${id}${index} `).join(''))
  }
})

test('a megabyte of tokens in one turn arrives whole', async () => {
  const { tool, execution, events } = rig(workflow('a'))
  const a = await tool.nextCall('a')
  for (let index = 0; index < 1024; index++) a.context.emitToken('0123456789abcdef'.repeat(64))
  a.succeed()
  await execution.result
  expect(
    dataOf(events, 'token')
      .map(({ text }) => text)
      .join(''),
  ).toBe('0123456789abcdef'.repeat(64 * 1024))
})

test('metrics report the first token, the whole time and the rate, and are finite always', async () => {
  const { tool, execution, events, clock } = rig(workflow('a', 'b'))
  const [a, b] = await tool.nextCalls('a', 'b')
  b.context.emitToken('at once')
  await clock.run(100)
  for (const piece of ['1', '2', '3']) {
    a.context.emitToken(piece)
    await clock.run(500)
  }
  a.succeed()
  b.succeed()
  await execution.result
  const about = { executionId: 'x', timestamp: '' }
  expect(dataOf(events, 'metrics').map(data => ({ ...data, executionId: 'x', timestamp: '' }))).toEqual([
    { ...about, taskId: 'a', attempt: 1, ttftMs: 100, totalMs: 1600, tokenCount: 3, tokensPerSec: 2 },
    { ...about, taskId: 'b', attempt: 1, ttftMs: 0, totalMs: 1600, tokenCount: 1, tokensPerSec: 0 },
  ])
})

test('tokens within less than a millisecond have no rate', async () => {
  const { tool, execution, events, clock } = rig(workflow('a', 'b'))
  const [a, b] = await tool.nextCalls('a', 'b')
  for (const { context } of [a, b]) context.emitToken('1')
  await clock.run(0.9)
  a.context.emitToken('2')
  await clock.run(0.1)
  b.context.emitToken('2')
  a.succeed()
  b.succeed()
  await execution.result
  expect(dataOf(events, 'metrics').map(({ tokensPerSec }) => tokensPerSec)).toEqual([0, 1000])
})

test('emissions of a tool after its end are dropped, and logged once per execution', async () => {
  const lines: string[] = []
  const logger: Logger = { debug: message => void lines.push(message), warn() {} }
  const { tool, execution, events } = rig(workflow('a', 'b'), { logger })
  const [a, b] = await tool.nextCalls('a', 'b')
  a.succeed()
  await tool.idle()
  const before = events.length
  for (const { context } of [a, a]) {
    context.emitToken('late')
    context.log('error', 'late')
    context.reportProgress({ progress: 1 })
    context.reportUsage({ totalTokensIn: 1 })
  }
  await tool.idle()
  expect(events.length).toBe(before)
  b.succeed()
  const result = await execution.result
  a.context.emitToken('after everything')
  await tool.idle()
  expect([result.tokenUsage, outline(events).at(-1)]).toEqual([undefined, 'execution_complete success'])
  expect(lines.filter(line => line.includes('ropped'))).toHaveLength(1)
})

test('the functions of a context can be taken apart', async () => {
  const execute = (_: unknown, context: ToolContext): string => {
    const { emitToken, reportProgress, reportUsage, log, signal, executionId, taskId, attempt, idempotencyKey } =
      context
    emitToken('t')
    reportProgress({ progress: 1 })
    reportUsage({ totalTokensIn: 1 })
    log('debug', 'd')
    return [executionId, taskId, attempt, idempotencyKey, signal.aborted].join(' ')
  }
  const { execution, events } = rig(workflow('a'), { tools: { work: { execute } } })
  expect((await execution.result).results[0]?.output).toBe('x a 1 x.a false')
  expect(outline(events).slice(2, -2)).toEqual(['token a', 'task_progress a', 'info a', 'metrics a', 'token_usage a'])
})

test('progress and log are reported as they were given, a long message cut', async () => {
  const { tool, execution, events } = rig(workflow('a'))
  const a = await tool.nextCall('a')
  a.context.reportProgress({ progress: 0.5 })
  a.context.reportProgress({ progress: 1, total: 3, message: 'm'.repeat(9000) })
  a.context.log('warning', 'careful')
  a.succeed()
  await execution.result
  const about = { executionId: 'x', timestamp: '2026-01-01T00:00:00.000Z', taskId: 'a', attempt: 1 }
  expect(dataOf(events, 'task_progress')).toEqual([
    { ...about, progress: 0.5 },
    { ...about, progress: 1, total: 3, message: 'm'.repeat(8192) },
  ])
  expect(dataOf(events, 'info')).toEqual([{ ...about, level: 'warning', message: 'careful' }])
})

function untilAborted({ signal }: ToolContext): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })
}

function dataOf<Type extends SSEEventType>(events: readonly SSEEvent[], type: Type): EventFor<Type>['data'][] {
  const data: unknown[] = events.filter(event => event.type === type).map(event => event.data)
  return data as EventFor<Type>['data'][]
}
