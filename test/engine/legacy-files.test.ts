// Files that an earlier version wrote: notes beside the log, and interruptions that were marked by a message.
import { expect, test } from 'vitest'
import { createHandler } from '../../src/http/index.ts'
import { type SSEEvent, StreamingExecutor } from '../../src/index.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { LEGACY_START, legacySteps, writeLegacyFile } from '../support/legacy-file.ts'
import { task, workflow } from '../support/workflows.ts'
import { makePath, openHere } from '../store/sqlite-rig.ts'

const { start, cut, fail, succeed } = legacySteps
const RETRY = { retry: { maxAttempts: 2, initialDelayMs: 0, jitter: 0 } }

async function readAll(events: AsyncIterable<SSEEvent>): Promise<SSEEvent[]> {
  const all: SSEEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

test('an unfinished execution is resumed and finished; an attempt that was marked as interrupted by its message does not count', async () => {
  const file = makePath()
  const steps = [
    start(0, 'a'),
    start(0, 'b'),
    succeed(40, 'b', 1),
    cut(100, 'a'),
    start(100, 'a', 2),
    fail(130, 'a', 2),
  ]
  await writeLegacyFile(file, workflow(task('a', [], RETRY), 'b'), steps)
  const store = await openHere(file)
  const tool = new ControlledTool()
  const execution = await new StreamingExecutor([{ name: 'work', execute: tool.execute }], { store }).resume('x')
  ;(await tool.nextCall('a')).fail()
  const { results, status } = await execution.result
  // Attempts 1 to 3, of which the first was cut: two count.
  expect(results.map(({ status, attempts }) => [status, attempts])).toEqual([
    ['error', 3],
    ['success', 1],
  ])
  expect([status, tool.started]).toEqual(['partial', ['a']])
  // The 30 ms of the second attempt, told by its timestamps.
  expect(results[0]?.executionTimeMs).toBeGreaterThanOrEqual(30)
  expect((await readAll(execution)).map(({ type }) => type).slice(7)).toEqual([
    'execution_resumed',
    'task_start',
    'task_complete',
    'execution_complete',
  ])
})

test('time in earlier processes, a handoff and a stop that were noted are kept to', async () => {
  const file = makePath()
  const resumedAt = new Date(LEGACY_START + 60_000).toISOString()
  const notes = {
    crashCount: 2,
    left: true,
    spentMs: 2500,
    resumedAt,
    stop: { reason: { code: 'CANCELLED', message: 'Enough' }, message: 'Enough' },
  }
  await writeLegacyFile(file, workflow('a', 'b'), [start(60_000, 'a'), start(60_100, 'b')], notes)
  const store = await openHere(file)
  expect(await store.interrupted?.()).toMatchObject([{ executionId: 'x', isStopping: true }])
  const handler = createHandler({ store, tools: { work: () => 1 } })
  await expect
    .poll(async () => (await (await handler.fetch(new Request('http://x/executions/x'))).json()).status)
    .toBe('cancelled')
  const entries = await store.read('x', 0, 100)
  const resumed = entries.find(({ type }) => type === 'execution_resumed')
  expect(JSON.parse(resumed?.json ?? '')).toMatchObject({ cause: 'handoff', executionTimeMs: 2600 })
  expect(entries.map(({ type }) => type).slice(3)).toEqual([
    'execution_resumed',
    'execution_stopping',
    'task_complete',
    'task_complete',
    'execution_complete',
  ])
  await handler.close()
})

test('a parked execution is shown as parked without reading its log, and resumed by hand', async () => {
  const file = makePath()
  const notes = { crashCount: 3, parked: { code: 'CRASH_LIMIT', message: 'Three times' } }
  await writeLegacyFile(file, workflow('a'), [start(0, 'a')], notes)
  const store = await openHere(file)
  const parked = { code: 'CRASH_LIMIT', message: 'Three times', tasks: [] }
  expect(await store.list({ limit: 10 })).toMatchObject([{ executionId: 'x', status: 'running', parked }])
  const tool = new ControlledTool()
  const handler = createHandler({ store, tools: { work: tool.execute } })
  const show = async (): Promise<unknown> => (await handler.fetch(new Request('http://x/executions/x'))).json()
  expect(await show()).toEqual({ executionId: 'x', status: 'parked', parked })
  const resumed = await handler.fetch(new Request('http://x/executions/x/resume', { method: 'POST' }))
  expect(resumed.status).toBe(202)
  ;(await tool.nextCall('a')).succeed('at last')
  await expect.poll(async () => ((await show()) as { status: string }).status).toBe('success')
  await handler.close()
})
