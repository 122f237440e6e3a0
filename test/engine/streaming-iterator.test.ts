import { expect, test } from 'vitest'
import type { SSEEvent } from '../../src/index.ts'
import { takeAll } from '../log/log-rig.ts'
import { idle } from '../support/fake-clock.ts'
import { collectEvents } from '../support/rig.ts'
import { readAll, readSome, start, wide } from './iterator-rig.ts'

/** Does to an event the worst that a reader could. */
function spoil(event: SSEEvent): void {
  const data = event.data as unknown as Record<string, unknown>
  const output = data['output'] as { list?: number[] } | undefined
  output?.list?.push(99)
  const layers = data['layers'] as string[][] | undefined
  layers?.[0]?.push('spoilt')
  for (const key of Object.keys(data)) data[key] = 'spoilt'
}

test('an execution starts at once, whether it is read or not', async () => {
  const { tool, execution } = start(wide(2))
  await tool.idle()
  expect(tool.started).toEqual(['t0', 't1'])
  await tool.succeedAll()
  expect(await execution.result).toMatchObject({ executionId: 'x', status: 'success', successCount: 2 })
})

test('an invalid workflow is thrown synchronously, and nothing starts', async () => {
  const { tool, executor, clock } = start({ tasks: [] })
  const cyclic = { tasks: [{ id: 'a', tool: 'held', dependsOn: ['a'] }] }
  const throwing: [string, () => unknown][] = [
    ['INVALID_WORKFLOW', () => executor.stream(cyclic)],
    ['INVALID_WORKFLOW', () => executor.stream({ tasks: [{ id: 'a', tool: 'held', arguments: { a: '$INPUT.b' } }] })],
    ['INVALID_OPTION', () => executor.stream(wide(1), { maxConcurrency: 0 })],
    ['INVALID_OPTION', () => executor.stream(wide(1), { buffer: { maxEvents: -1 } })],
    ['INVALID_OPTION', () => executor.stream(wide(1), { input: 1n })],
  ]
  for (const [code, call] of throwing) expect(call).toThrow(expect.objectContaining({ code }))
  await idle()
  expect([tool.started, clock.timerCount]).toEqual([[], 0])
})

test('a late iterator gets every event from the first', async () => {
  const { tool, execution } = start(wide(3))
  const live = collectEvents(execution)
  await tool.succeedAll(1)
  await execution.result
  const late = await readAll(execution)
  expect(late).toEqual(live)
  expect([late.length, late[0]?.id, late.at(-1)?.type]).toEqual([8, 'x.1', 'execution_complete'])
})

test('two iterators each get every event, whenever they begin', async () => {
  const { tool, execution } = start(wide(3))
  const first = readAll(execution)
  ;(await tool.nextCall('t0')).succeed({ n: 1 })
  await tool.idle()
  const second = readAll(execution)
  await tool.succeedAll()
  expect(await second).toEqual(await first)
  expect((await first).map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map(seq => `x.${seq}`))
})

test('leaving the loop detaches, and the execution continues', async () => {
  const { tool, execution } = start(wide(2))
  for await (const event of execution) if (event.type === 'task_start') break
  await expect(
    (async () => {
      for await (const _ of execution) throw new Error('left')
    })(),
  ).rejects.toThrow('left')
  await tool.succeedAll()
  expect((await execution.result).status).toBe('success')
})

test('an iterator that has left slows nothing', async () => {
  const { tool, execution } = start(wide(50), { maxConcurrency: 1, buffer: { maxEvents: 4 } })
  const iterator = execution[Symbol.asyncIterator]()
  await iterator.next()
  await iterator.return?.()
  await tool.succeedAll()
  expect((await execution.result).successCount).toBe(50)
  expect(await iterator.next()).toEqual({ value: undefined, done: true })
})

test('an iterator that was made and never read slows nothing and starts no clock', async () => {
  const { tool, execution, clock } = start(wide(50), { maxConcurrency: 1, buffer: { maxEvents: 4 } })
  const iterator = execution[Symbol.asyncIterator]()
  await tool.succeedAll()
  expect((await execution.result).successCount).toBe(50)
  expect(clock.timerCount).toBe(0)
  expect(await readSome(iterator, 200)).toHaveLength(102)
})

test('next() called many times at once gives each event once, in order, then the end', async () => {
  const { tool, execution } = start(wide(1))
  const iterator = execution[Symbol.asyncIterator]()
  const results = Array.from({ length: 7 }, () => iterator.next())
  await tool.succeedAll()
  expect((await Promise.all(results)).map(({ value, done }) => value?.type ?? done)).toEqual([
    'execution_start',
    'task_start',
    'task_complete',
    'execution_complete',
    true,
    true,
    true,
  ])
})

test('return() ends every next() that is pending', async () => {
  const { tool, execution } = start(wide(1))
  const iterator = execution[Symbol.asyncIterator]()
  await readSome(iterator, 2)
  const pending = [iterator.next(), iterator.next()]
  await idle()
  const end = { value: undefined, done: true }
  expect(await iterator.return?.()).toEqual(end)
  expect([await Promise.all(pending), await iterator.next(), await iterator.return?.()]).toEqual([[end, end], end, end])
  await tool.succeedAll()
  expect((await execution.result).status).toBe('success')
})

test('return() before the first next() ends the iteration', async () => {
  const { tool, execution } = start(wide(1))
  const iterator = execution[Symbol.asyncIterator]()
  await iterator.return?.()
  expect(await iterator.next()).toEqual({ value: undefined, done: true })
  await tool.succeedAll()
  expect((await execution.result).status).toBe('success')
})

test('subscribers that never take, take late or leave slow nothing, and miss nothing', async () => {
  const { tool, execution, clock, warnings } = start(wide(500), { maxConcurrency: 2, buffer: { maxEvents: 4 } })
  const never = execution.subscribe()
  const gone = execution.subscribe()
  gone.close()
  const late = execution.subscribe()
  const resumed = execution.subscribe(700)
  await tool.succeedAll()
  expect((await execution.result).successCount).toBe(500)
  expect([clock.timerCount, warnings, never.done]).toEqual([0, [], false])
  const seqs = async (source: typeof late): Promise<number[]> => (await takeAll(source)).map(({ seq }) => seq)
  expect(await seqs(late)).toEqual(Array.from({ length: 1002 }, (_, i) => i + 1))
  expect(await seqs(resumed)).toEqual(Array.from({ length: 302 }, (_, i) => i + 701))
  expect([late.done, resumed.done, await seqs(gone)]).toEqual([true, true, []])
})

test('changes that one reader makes to its events are invisible to others', async () => {
  const { tool, execution } = start({
    tasks: [
      { id: 'a', tool: 'held' },
      { id: 'b', tool: 'held', arguments: { got: '$OUTPUT[a]' } },
    ],
  })
  const first = execution[Symbol.asyncIterator]()
  ;(await tool.nextCall('a')).succeed({ list: [1] })
  const b = await tool.nextCall('b')
  for (let i = 0; i < 3; i++) spoil((await first.next()).value as SSEEvent)
  expect(b.args).toEqual({ got: { list: [1] } })
  b.succeed({ list: [2] })
  const result = await execution.result
  for await (const event of { [Symbol.asyncIterator]: () => first }) spoil(event)
  const [again, once] = [await readAll(execution), await readAll(execution)]
  expect(again).toEqual(once)
  expect(again[0]).toMatchObject({ data: { layers: [['a'], ['b']] } })
  const outputs = again.flatMap(event => (event.type === 'task_complete' ? [event.data.output] : []))
  expect(outputs).toEqual([{ list: [1] }, { list: [2] }])
  expect(result.results.map(({ output }) => output)).toEqual([{ list: [1] }, { list: [2] }])
})

test('cancelling ends the stream with its reason', async () => {
  const { tool, execution } = start(wide(2))
  const read = readAll(execution)
  const call = await tool.nextCall('t0')
  execution.cancel('enough')
  await tool.idle()
  expect(call.context.signal.aborted).toBe(true)
  call.succeed()
  await tool.succeedAll()
  const events = await read
  expect(events.at(-1)).toMatchObject({
    type: 'execution_complete',
    data: { status: 'cancelled', reason: { code: 'CANCELLED', message: 'enough' }, cancelledCount: 2 },
  })
  execution.cancel('again')
  expect((await execution.result).reason).toEqual({ code: 'CANCELLED', message: 'enough' })
})
