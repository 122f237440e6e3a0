import { expect, test } from 'vitest'
import { DagstreamError, type ExecutionOptions, ParallelExecutor, StreamingExecutor } from '../../src/index.ts'
import { rig } from '../support/rig.ts'
import { fan, workflow } from '../support/workflows.ts'
import { resolveOptions } from '../../src/engine/options.ts'

const tools = { work: (): number => 1 }

function refusal(options: unknown): string {
  try {
    const executor = new ParallelExecutor(tools, options as ExecutionOptions)
    return `accepted by ${executor.constructor.name}`
  } catch (error) {
    return error instanceof DagstreamError
      ? `${error.code}: ${error.message}`
      : `not a DagstreamError: ${String(error)}`
  }
}

test.each<[unknown, string]>([
  [{ maxConcurrency: 0 }, 'Expected `maxConcurrency` to be a positive integer or Infinity, got `0` (number)'],
  [{ maxConcurrency: 1.5 }, 'Expected `maxConcurrency` to be a positive integer or Infinity, got `1.5` (number)'],
  [
    { maxConcurrency: Number.NaN },
    'Expected `maxConcurrency` to be a positive integer or Infinity, got `NaN` (number)',
  ],
  [{ maxConcurrency: '4' }, 'Expected `maxConcurrency` to be a positive integer or Infinity, got `"4"` (string)'],
  [{ schedule: 'fast' }, 'Expected `schedule` to be "layers" or "dataflow", got `"fast"` (string)'],
  [{ onTaskError: true }, 'Expected `onTaskError` to be "continue" or "fail-fast", got `true` (boolean)'],
  [{ timeoutMs: -1 }, 'Expected `timeoutMs` to be a finite number of milliseconds, 0 or more, got `-1` (number)'],
  [
    { taskTimeoutMs: Number.NaN },
    'Expected `taskTimeoutMs` to be a finite number of milliseconds, 0 or more, got `NaN` (number)',
  ],
  [
    { abortGraceMs: '2000' },
    'Expected `abortGraceMs` to be a finite number of milliseconds, 0 or more, got `"2000"` (string)',
  ],
  [{ timeoutMs: null }, 'Expected `timeoutMs` to be a finite number of milliseconds, 0 or more, got null'],
  [{ maxTokens: -5 }, 'Expected `maxTokens` to be a number, 0 or more, got `-5` (number)'],
  [{ maxCost: '1' }, 'Expected `maxCost` to be a number, 0 or more, got `"1"` (string)'],
])('the options %j are refused in the one form', (options, message) => {
  expect(refusal(options)).toBe(`INVALID_OPTION: ${message}`)
})

test('an unknown option is refused, by the executor and by each call, naming those that are known', async () => {
  expect(refusal({ concurrency: 4 })).toMatch(
    /^INVALID_OPTION: Expected `concurrency` to be absent: known are .*maxConcurrency/,
  )
  const executor = new StreamingExecutor(tools)
  const options = { timeout: 5 } as ExecutionOptions
  await expect(executor.execute(fan(1), options)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  expect(() => executor.stream(fan(1), options)).toThrow('Expected `timeout` to be absent')
  for (const inherited of ['constructor', '__proto__', 'toString']) {
    expect(refusal(JSON.parse(`{"${inherited}": 1}`))).toMatch(/^INVALID_OPTION/)
  }
})

test('the options of a call win over those of the executor, and undefined is not given', async () => {
  const started: string[] = []
  const executor = new ParallelExecutor(
    { work: (_, { taskId }) => void started.push(taskId) },
    { createId: () => 'mine', maxConcurrency: 1, maxTokens: Number.POSITIVE_INFINITY },
  )
  const { executionId } = await executor.execute(fan(2), {
    maxConcurrency: Number.POSITIVE_INFINITY,
    createId: undefined,
  } as never)
  expect([executionId, started]).toEqual(['mine', ['t0', 't1']])
})

test('an id that would not fit into an event id is refused before anything starts', async () => {
  let calls = 0
  const executor = new ParallelExecutor({ work: () => void (calls += 1) })
  for (const id of ['', 'a.b', 'a b', 'ä', 'x'.repeat(129)]) {
    await expect(executor.execute(fan(1), { createId: () => id })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  }
  expect(calls).toBe(0)
})

test('ids are unguessable: 126 random bits of the alphabet of URLs', async () => {
  const executor = new ParallelExecutor(tools)
  const ids = await Promise.all(Array.from({ length: 100 }, async () => (await executor.execute(fan(1))).executionId))
  expect(new Set(ids).size).toBe(100)
  for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/)
})

test('a workflow that is invalid rejects with every issue, and no task starts', async () => {
  let calls = 0
  const executor = new ParallelExecutor({ work: () => void (calls += 1) })
  const document = workflow('a', { id: 'a', tool: 'wrok' }, { id: 'c', tool: 'work', dependsOn: ['b'] })
  const failure = await executor.execute(document).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(DagstreamError)
  const { code, message, details } = failure as DagstreamError
  expect([code, details['issueCount'], (details['issues'] as { code: string }[]).map(issue => issue.code)]).toEqual([
    'INVALID_WORKFLOW',
    3,
    ['DUPLICATE_TASK_ID', 'UNKNOWN_TOOL', 'UNKNOWN_DEPENDENCY'],
  ])
  expect(message).toMatch(/^DUPLICATE_TASK_ID at `\/tasks\/1\/id`: .* \(and 2 more: see `details.issues`\)$/)
  expect(() => new StreamingExecutor(tools).stream(document)).toThrow('DUPLICATE_TASK_ID')
  expect(calls).toBe(0)
})

test('a logger that throws affects no execution', async () => {
  const fail = (): never => {
    throw new Error('the log is down')
  }
  const { tool, events } = rig(fan(1), { logger: { debug: fail, warn: fail } })
  const call = await tool.nextCall('t0')
  call.context.reportUsage({ totalTokensIn: 1 })
  call.succeed()
  await tool.idle()
  expect(events.at(-1)?.type).toBe('execution_complete')
})

test('an id never begins with a dash, which a command line would take for a flag', () => {
  const { createId } = resolveOptions()
  const ids = Array.from({ length: 2000 }, () => createId())
  expect(ids.filter(id => !/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/.test(id))).toEqual([])
  expect(new Set(ids).size).toBe(2000)
})
