// What a tool, its schema or an injected function does wrong ends where it should, and is counted.
import { describe, expect, test } from 'vitest'
import { StreamingExecutor, type Tool } from '../../src/index.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { endings } from '../support/outline.ts'
import { rig } from '../support/rig.ts'
import { fan, task, workflow } from '../support/workflows.ts'

test('an executor counts abandoned tools and late emissions of all of its executions', async () => {
  const tool = new ControlledTool()
  const clock = new FakeClock()
  const executor = new StreamingExecutor({ work: tool.execute }, { clock, taskTimeoutMs: 100, abortGraceMs: 50 })
  expect(executor.counters).toEqual({ abandonedCount: 0, droppedEmissionCount: 0 })
  const before = executor.counters
  const results = [executor.execute(fan(2)), executor.stream(fan(1)).result]
  await tool.idle()
  const calls = tool.takeAll()
  calls[0]?.succeed()
  await clock.run(150)
  await Promise.all(results)
  for (const { context } of calls) {
    context.emitToken('late')
    context.reportProgress({ progress: 1 })
    context.log('info', 'late')
    context.reportUsage({ totalTokensIn: 1 })
  }
  expect(executor.counters).toEqual({ abandonedCount: 2, droppedEmissionCount: 12 })
  expect([before.abandonedCount, new StreamingExecutor({}).counters.abandonedCount]).toEqual([0, 0])
})

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('no dice')
    },
  ],
  ['gives NaN', () => Number.NaN],
  ['gives a text', () => 'half'],
  ['gives less than 0', () => -1],
  ['gives more than 1', () => 1.5],
])('a `random` that %s means no jitter', async (_, random) => {
  const each = rig(workflow(task('a', [], { retry: { maxAttempts: 2, jitter: 1 } })), {
    random: random as () => number,
  })
  ;(await each.tool.nextCall('a')).fail()
  await each.tool.idle()
  expect(each.events.at(-1)).toMatchObject({ type: 'task_retry', data: { delayMs: 1000 } })
  await each.clock.run(1000)
  ;(await each.tool.nextCall('a')).succeed()
  expect((await each.execution.result).status).toBe('success')
})

describe('a schema that answers later', () => {
  /** A Standard Schema whose answers the test gives. */
  function laterSchema() {
    const answers: (() => void)[] = []
    const validate = (value: unknown) =>
      new Promise<{ value: unknown }>(resolve => answers.push(() => resolve({ value })))
    const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const
    return { inputSchema: schema as unknown as NonNullable<Tool['inputSchema']>, answers }
  }

  test('and never does ends its task after 30 s, whatever timeout its tool has', async () => {
    const { inputSchema } = laterSchema()
    const document = workflow(task('a', [], { timeoutMs: 100 }), task('b', [], { timeoutMs: 0 }), 'c')
    const { tool, execution, clock, events } = rig(document, { tools: { work: { inputSchema } } })
    await clock.run(29_999)
    expect(events.some(({ type }) => type === 'task_complete')).toBe(false)
    await clock.run(1)
    const result = await execution.result
    expect(endings(result)).toEqual(['a error TASK_TIMEOUT', 'b error TASK_TIMEOUT', 'c error TASK_TIMEOUT'])
    expect(result.errors[0]?.error).toBe('The check of its arguments did not finish within 30000 ms')
    expect([tool.started, clock.timerCount]).toEqual([[], 0])
  })

  test("leaves its tool's own time whole: that begins with the call", async () => {
    const { inputSchema, answers } = laterSchema()
    const document = workflow(task('a', [], { timeoutMs: 100 }))
    const { tool, execution, clock } = rig(document, { tools: { work: { inputSchema } } })
    await clock.run(20_000)
    for (const answer of answers) answer()
    const { context } = await tool.nextCall('a')
    await clock.run(99)
    expect(context.signal.aborted).toBe(false)
    await clock.run(1)
    expect(context.signal.reason).toMatchObject({ code: 'TASK_TIMEOUT' })
    await clock.run(2000)
    expect((await execution.result).results[0]).toMatchObject({ code: 'TASK_TIMEOUT', error: 'Timed out after 100 ms' })
  })

  test('leaves a tool without a timeout without one, long after those 30 s', async () => {
    const { inputSchema, answers } = laterSchema()
    const document = workflow(task('a', [], { timeoutMs: 0 }))
    const { tool, execution, clock } = rig(document, { tools: { work: { inputSchema } } })
    await clock.run(20_000)
    for (const answer of answers) answer()
    const call = await tool.nextCall('a')
    await clock.run(3_600_000)
    call.succeed(1)
    expect((await execution.result).status).toBe('success')
  })
})
